"""The short run of `make chaos`: injects faults of every kind, and on every link, into real processes under load."""

from __future__ import annotations

import pytest

from tests.chaos.run import Plan, run

_PLAN = Plan(jobs=80, seed=7, settle=180, brief=True)  # settles in 2 to 3 s on an idle machine


@pytest.mark.slow
@pytest.mark.timeout(540)
def test_no_job_is_lost_or_doubled_and_no_process_writes_without_its_lease() -> None:
    verdict = run(_PLAN)
    print(verdict.table())
    assert verdict.passed, f"seed {_PLAN.seed}:\n{verdict.table()}"
    # There was work that the faults could affect.
    assert verdict.event_counts["ready"] >= _PLAN.jobs
