"""One run: imports comparisons, starts callers, injects faults, heals them, lets all settle, and judges."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

from tests.chaos.faults import Injector, Spans
from tests.chaos.load import Callers, ingest
from tests.chaos.verdict import AFTER_TO, Verdict, judge, settle
from tests.chaos.world import LEASE, running

# From the end of one fault to the next: its own 50 s, which hold the 30 s before the next one.
_APART = Spans(pause=(AFTER_TO + 1, AFTER_TO + 5))
# No longer than it takes to be felt; and a process that just starts feels nothing.
_BRIEF = Spans(pause=(0.1, 0.3), trouble=(0.3, 0.8), freeze=(0.5, 1.1 * LEASE), absence=(0.0, 0.3), calm=2.5)
_BRIEF_DEMAND = 30.0  # seconds in which the short form requests every comparison once
_AGAIN = 3  # runs forced for each first call, so that most faults strike a process at work


@dataclass(frozen=True)
class Plan:
    """Times in seconds."""

    jobs: int
    seed: int
    settle: float  # limit for settling at the end
    brief: bool = False  # each kind of fault and each link once, briefly
    storm: float = 0.0  # duration of frequent faults of any kind
    pause: float = 3.0  # the mean between two of them
    apart: float = 0.0  # duration of rare faults after that, to measure recovery


def run(plan: Plan) -> Verdict:
    """Removes everything it started. Raises AssertionError when the healed services do not become ready."""
    print(f"chaos | seed {plan.seed}, {plan.jobs} jobs", flush=True)
    with tempfile.TemporaryDirectory(prefix="warmcast-chaos-") as name, running(_open_to_all(name)) as world:
        slugs = ingest(world, plan.jobs)
        injector = Injector(world, slugs, seed=plan.seed)
        demand = plan.storm + plan.apart or _BRIEF_DEMAND
        callers = Callers(world, slugs, seconds=demand, again=_AGAIN, seed=plan.seed)
        try:
            if plan.brief:
                injector.one_by_one(_BRIEF, storm=True)
            injector.storm(plan.storm, Spans(pause=(0.5 * plan.pause, 1.5 * plan.pause)))
            injector.one_by_one(_APART, seconds=plan.apart)
            injector.watch(AFTER_TO + 1 if plan.apart else 0)  # the last one's recovery
        finally:
            callers.end()
        print(f"chaos | {callers.calls} calls, of which {callers.refused} were refused or not answered", flush=True)
        unsettled = settle(world, slugs, seconds=plan.settle)
        return judge(world, slugs, injector.struck, unsettled=unsettled)


def _open_to_all(name: str) -> Path:
    folder = Path(name)
    # PostgreSQL may run as another user, who needs access.
    folder.chmod(0o755)
    return folder
