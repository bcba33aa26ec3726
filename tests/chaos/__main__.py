"""`make chaos`: the long form. `python -m tests.chaos --jobs 300 --seconds 60 --seed 7` is a shorter one."""

from __future__ import annotations

import argparse
import random
import signal
import sys

from tests.chaos.run import Plan, run


def main(arguments: list[str]) -> int:
    """Prints the table; 1 when anything is wrong, or recovery is below its bar."""
    parser = argparse.ArgumentParser(prog="chaos")
    parser.add_argument("--jobs", type=int, default=10_000, help="comparisons to warm (10,000)")
    parser.add_argument("--seconds", type=float, default=1800.0, help="how long faults are injected (1,800)")
    parser.add_argument("--pause", type=float, default=3.0, help="mean seconds between faults in the storm (3)")
    parser.add_argument(
        "--recovery", type=float, default=0.75, help="share of the time with faults so far apart that recovery shows"
    )
    parser.add_argument("--settle", type=float, default=600.0, help="seconds in which all must settle at the end (600)")
    parser.add_argument("--seed", type=int, default=None, help="of the faults; another one each time")
    asked = parser.parse_args(arguments)
    if asked.jobs < 1 or asked.seconds <= 0 or asked.pause <= 0 or not 0 <= asked.recovery <= 1:
        parser.error("--jobs, --seconds and --pause must be above 0, and --recovery from 0 to 1")
    seed = random.SystemRandom().randrange(1_000_000) if asked.seed is None else asked.seed
    plan = Plan(
        jobs=asked.jobs,
        storm=asked.seconds * (1 - asked.recovery),
        pause=asked.pause,
        apart=asked.seconds * asked.recovery,
        settle=asked.settle,
        seed=seed,
    )
    # An end by SIGTERM, too, ends what was started and removes its folder.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    verdict = run(plan)
    print(verdict.table())
    return 0 if verdict.holds and verdict.recovered else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
