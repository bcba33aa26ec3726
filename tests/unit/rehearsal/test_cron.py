"""Cron schedules, and the start of due runs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from devstack.processes.child import DevstackError
from rehearsal.cron import Cron, CronJob
from rehearsal.jobs import Job, Run
from rehearsal.manifests import Workload

MONDAY = datetime(2026, 1, 5, tzinfo=UTC)
NOTHING = Workload(name="nothing", program=(), environment={}, ports={}, probes={}, pre_stop=0, grace=1)


@pytest.mark.parametrize(
    ("line", "due"),
    [
        ("* * * * *", 24 * 60),
        ("*/15 * * * *", 24 * 4),
        ("17 3 * * *", 1),
        ("0-9/3,30 8-9 * * *", 10),
        ("0 0 5 * *", 1),
        ("0 0 6 * *", 0),
        ("0 0 * * 1", 1),
        ("0 0 * * 0", 0),
        ("0 0 6 * 1", 1),  # day or weekday, if both are restricted
        ("0 0 * 2 *", 0),
    ],
)
def test_how_often_a_schedule_is_due_on_a_monday(line: str, due: int) -> None:
    cron = Cron.parse(line)
    assert sum(cron.due(MONDAY + timedelta(minutes=minute)) for minute in range(24 * 60)) == due


@pytest.mark.parametrize("line", ["", "* * * *", "60 * * * *", "@daily", "5-1 * * * *", "* * * * MON"])
def test_an_invalid_schedule_is_refused(line: str) -> None:
    with pytest.raises(DevstackError):
        Cron.parse(line)


def test_a_run_that_is_due_during_another_one_waits_and_is_missed_after_its_deadline() -> None:
    schedule = CronJob("each", Cron.parse("* * * * *"), 90, Job(NOTHING, 1, 10))

    def start(_: CronJob) -> Run:
        return Run(schedule.job, {})

    for second in range(0, 300, 5):
        schedule.tick(MONDAY + timedelta(seconds=second), start)
        if second == 150 and schedule.running:
            schedule.running.succeeded = True
    assert [due.minute for due in schedule.started] == [0, 2]  # the third started late, after the first had ended
    assert [due.minute for due in schedule.missed] == [1, 3]
