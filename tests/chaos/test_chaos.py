"""The short form of `make chaos`: faults of every kind, and on every link, strike real processes under load."""

from __future__ import annotations

import pytest

from tests.chaos.run import Plan, run

_PLAN = Plan(jobs=80, seed=7, settle=180, brief=True)  # it settles in two or three seconds where nobody else works


@pytest.mark.slow
@pytest.mark.timeout(540)
def test_nothing_is_lost_doubled_or_undead() -> None:
    verdict = run(_PLAN)
    print(verdict.table())
    assert verdict.holds, f"seed {_PLAN.seed}:\n{verdict.table()}"
    # Each kind of fault struck, and there was work for it to strike.
    assert verdict.happened["ready"] >= _PLAN.jobs
