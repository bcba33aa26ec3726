"""`make chaos`: the long run. `python -m tests.chaos --jobs 300 --seconds 60 --seed 7` is a shorter one."""

from __future__ import annotations

import argparse
import random
import signal
import sys

from tests.chaos.run import Plan, run


def main(arguments: list[str]) -> int:
    """Prints the table. Returns 1 after a violation, or if recovery is below its limit."""
    parser = argparse.ArgumentParser(prog="chaos")
    parser.add_argument("--jobs", type=int, default=10_000, help="comparisons to warm (10,000)")
    parser.add_argument("--seconds", type=float, default=1800.0, help="how long faults are injected (1,800)")
    parser.add_argument("--pause", type=float, default=3.0, help="mean seconds between faults in the storm (3)")
    parser.add_argument(
        "--recovery", type=float, default=0.75, help="share of the time with rare faults, to measure recovery (0.75)"
    )
    parser.add_argument(
        "--settle", type=float, default=600.0, help="limit in seconds for all jobs to settle at the end (600)"
    )
    parser.add_argument("--seed", type=int, default=None, help="seed of the faults (random)")
    options = parser.parse_args(arguments)
    if options.jobs < 1 or options.seconds <= 0 or options.pause <= 0 or not 0 <= options.recovery <= 1:
        parser.error("--jobs, --seconds and --pause must be above 0, and --recovery from 0 to 1")
    seed = random.SystemRandom().randrange(1_000_000) if options.seed is None else options.seed
    plan = Plan(
        jobs=options.jobs,
        storm=options.seconds * (1 - options.recovery),
        pause=options.pause,
        apart=options.seconds * options.recovery,
        settle=options.settle,
        seed=seed,
    )
    # SIGTERM, too, must stop all processes and remove the folder.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    verdict = run(plan)
    print(verdict.table())
    return 0 if verdict.passed and verdict.recovered else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
