"""Cron schedules, and a fast clock that runs CronJobs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from devstack.processes.child import DevstackError
from rehearsal.jobs import Job, Run
from rehearsal.manifests import Manifest, Sources

_RANGES = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 6))
_STEPS = 12  # ticks per minute


@dataclass(frozen=True)
class Cron:
    """A schedule of five fields: minute, hour, day, month, weekday (0 is Sunday)."""

    fields: tuple[frozenset[int], ...]

    @classmethod
    def parse(cls, line: str) -> Cron:
        """Accepts numbers, `*`, ranges, steps and lists. Raises DevstackError for names and anything else."""
        parts = line.split()
        if len(parts) != len(_RANGES):
            raise DevstackError(f"the schedule {line!r} does not have five fields")
        try:
            return cls(tuple(frozenset(_values(part, *span)) for part, span in zip(parts, _RANGES, strict=True)))
        except ValueError:
            raise DevstackError(f"the schedule {line!r} is not valid") from None

    def due(self, time: datetime) -> bool:
        """Whether it is due in this minute. If day and weekday are both restricted, either may match, as in cron."""
        minute, hour, day, month, weekday = self.fields
        days = (time.day in day, time.isoweekday() % 7 in weekday)
        both_restricted = len(day) < 31 and len(weekday) < 7
        day_matches = any(days) if both_restricted else all(days)
        return time.minute in minute and time.hour in hour and time.month in month and day_matches


@dataclass
class CronJob:
    """A CronJob with concurrencyPolicy Forbid. `deadline` is the time in seconds after which a start is missed."""

    name: str
    cron: Cron
    deadline: float
    job: Job
    due_at: datetime | None = None
    running: Run | None = None
    started: list[datetime] = field(default_factory=list)  # when each run was due
    missed: list[datetime] = field(default_factory=list)
    runs: list[Run] = field(default_factory=list)

    @classmethod
    def read(cls, manifest: Manifest, sources: Sources) -> CronJob:
        """Raises DevstackError for another concurrencyPolicy or time zone."""
        name, spec = manifest["metadata"]["name"], manifest["spec"]
        if (spec["concurrencyPolicy"], spec["timeZone"]) != ("Forbid", "Etc/UTC"):
            raise DevstackError(f"{name}: only concurrencyPolicy Forbid and timeZone Etc/UTC are supported")
        job = Job.read(spec["jobTemplate"]["spec"], sources)
        return cls(name, Cron.parse(spec["schedule"]), spec["startingDeadlineSeconds"], job)

    def tick(self, now: datetime, start: Callable[[CronJob], Run]) -> None:
        """Does what the CronJob controller does at that moment."""
        if now.second == 0 and self.cron.due(now):
            if self.due_at:
                self.missed.append(self.due_at)
            self.due_at = now
        if self.due_at and (now - self.due_at).total_seconds() > self.deadline:
            self.missed.append(self.due_at)
            self.due_at = None
        if self.due_at and (self.running is None or self.running.succeeded is not None):
            self.started.append(self.due_at)
            self.running, self.due_at = start(self), None
            self.runs.append(self.running)


async def run_schedules(
    cron_jobs: Iterable[CronJob], start: datetime, end: datetime, make_run: Callable[[Job], Run], *, minute: float
) -> None:
    """Runs CronJobs by a clock whose minutes take `minute` real seconds. Returns once all runs have ended."""
    tasks: set[asyncio.Task[bool]] = set()

    def begin(cron_job: CronJob) -> Run:
        run = make_run(cron_job.job)
        task = asyncio.create_task(run.execute())
        tasks.add(task)
        return run

    now = start
    while now < end:
        for cron_job in cron_jobs:
            cron_job.tick(now, begin)
        now += timedelta(minutes=1) / _STEPS
        await asyncio.sleep(minute / _STEPS)
    await asyncio.gather(*tasks)


def _values(part: str, lowest: int, highest: int) -> Iterable[int]:
    for item in part.split(","):
        span, _, step = item.partition("/")
        first, _, last = (f"{lowest}-{highest}" if span == "*" else span).partition("-")
        values = range(int(first), (int(last) if last else highest if step else int(first)) + 1, int(step or 1))
        if not values or not lowest <= values[0] <= values[-1] <= highest:
            raise ValueError(item)
        yield from values
