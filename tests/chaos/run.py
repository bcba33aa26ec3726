"""One run: imports comparisons, starts callers, injects faults, lets all jobs settle, and counts violations."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

from tests.chaos.faults import Durations, Injector
from tests.chaos.load import Callers, ingest
from tests.chaos.verdict import AFTER_TO, Verdict, judge, settle
from tests.chaos.world import LEASE, running

# The 50 s after one fault contain the 30 s before the next one.
_APART = Durations(pause=(AFTER_TO + 1, AFTER_TO + 5))
# Just long enough to have an effect. A process that is still starting would not be affected, hence `recovery`.
_BRIEF = Durations(pause=(0.1, 0.3), link_fault=(0.3, 0.8), freeze=(0.5, 1.1 * LEASE), absence=(0.0, 0.3), recovery=2.5)
_BRIEF_DEMAND = 30.0  # seconds in which the short form requests every comparison once
_AGAIN = 3  # forced runs for each first call, so that most faults hit a busy process


@dataclass(frozen=True)
class Plan:
    """Times in seconds."""

    jobs: int
    seed: int
    settle: float  # limit for all jobs to settle at the end
    brief: bool = False  # each kind of fault, and one on each link, once
    storm: float = 0.0  # duration of frequent faults of any kind
    pause: float = 3.0  # mean pause between them
    apart: float = 0.0  # duration of rare faults after that, to measure recovery


def run(plan: Plan) -> Verdict:
    """Runs the plan and stops all processes. Raises AssertionError if the services do not become ready at the end."""
    print(f"chaos | seed {plan.seed}, {plan.jobs} jobs", flush=True)
    with tempfile.TemporaryDirectory(prefix="warmcast-chaos-") as name, running(_accessible(name)) as world:
        slugs = ingest(world, plan.jobs)
        injector = Injector(world, slugs, seed=plan.seed)
        demand = plan.storm + plan.apart or _BRIEF_DEMAND
        callers = Callers(world, slugs, seconds=demand, again=_AGAIN, seed=plan.seed)
        try:
            if plan.brief:
                injector.one_by_one(_BRIEF, storm=True)
            injector.storm(plan.storm, Durations(pause=(0.5 * plan.pause, 1.5 * plan.pause)))
            injector.one_by_one(_APART, seconds=plan.apart)
            injector.idle(AFTER_TO + 1 if plan.apart else 0)  # the last one's recovery
        finally:
            callers.end()
        print(f"chaos | {callers.calls} calls, of which {callers.failed} failed", flush=True)
        unsettled = settle(world, slugs, seconds=plan.settle)
        return judge(world, slugs, injector.injected, unsettled=unsettled)


def _accessible(name: str) -> Path:
    folder = Path(name)
    # PostgreSQL may run as another user, which needs access.
    folder.chmod(0o755)
    return folder
