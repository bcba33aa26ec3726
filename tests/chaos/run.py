"""One run: comparisons in, callers on, faults injected, all healed, everything settled, then the verdict."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tests.chaos.faults import Injector
from tests.chaos.load import Callers, ingest
from tests.chaos.verdict import Verdict, judge, settle
from tests.chaos.world import running

_APART = 55.0  # seconds between two faults whose recovery is measured


@dataclass(frozen=True)
class Plan:
    """Times in seconds."""

    jobs: int
    storm: float  # how long faults come close upon each other
    pause: float  # the mean between two of them
    apart: float  # how long they come far apart
    settle: float  # how long all may take to settle at the end
    seed: int


def run(plan: Plan, folder: Path) -> Verdict:
    """Raises AssertionError when something does not settle in time."""
    print(f"chaos | seed {plan.seed}, {plan.jobs} jobs", flush=True)
    with running(folder) as world:
        slugs = ingest(world, plan.jobs)
        injector = Injector(world, slugs, seed=plan.seed)
        callers = Callers(world, slugs, seconds=0.9 * (plan.storm + plan.apart), seed=plan.seed)
        try:
            if plan.storm:
                injector.strike_for(plan.storm, pause=plan.pause, storm=True)
            if plan.apart:
                injector.strike_for(plan.apart, pause=_APART, storm=False)
        finally:
            callers.end()
        print(f"chaos | {callers.calls} calls, of which {callers.refused} got no answer", flush=True)
        settle(world, slugs, seconds=plan.settle)
        return judge(world, slugs, injector.struck)
