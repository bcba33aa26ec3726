"""Measures the queue and its peers: `make bench-queue`, or `python -m benchmarks.queue.measure` for ours alone.

Drain: jobs enqueued beforehand, a no-op each, from the first start to the last terminal row. Latency: from the call
that enqueues to the call of the handler, one producer process at a steady rate, one worker process. Rounds are
interleaved, each starts from a fresh copy of a prepared database on one PostgreSQL, and ratios are taken in a round.
Before the rounds, faults are injected, and the time until their jobs run elsewhere is measured. With --against, another
commit is measured instead; see against.py.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from benchmarks.queue import against, faults, report, rounds
from benchmarks.queue.report import Run
from benchmarks.queue.systems import NAMES, installed_version
from devstack.stores.postgres import Postgres

# PostgreSQL's defaults, which are durable; stated for the report.
DURABLE = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"}


def main(arguments: list[str]) -> int:
    """Prints each figure, then the ratios; with --write they also go to RESULTS.md."""
    options = _parse(arguments)
    if options.against:
        return _compare(options)
    names = [name for name in NAMES if installed_version(name)]
    if missing := sorted(set(NAMES) - set(names)):
        print(f"not installed, skipped: {', '.join(missing)}; `make bench-queue` installs the peers")
    rescues = []  # first, because they fail within a minute if a process cannot start
    for line in faults.table(options.trials):
        print(line, flush=True)
        rescues.append(line)
    run = Run(jobs=options.jobs, rate=options.rate, versions={name: installed_version(name) or "?" for name in names})
    with tempfile.TemporaryDirectory() as folder:
        server = Postgres(Path(folder) / "postgres", settings=DURABLE)
        server.start()
        try:
            for name in names:
                rounds.prepare(server, name, options.jobs)
            for number in range(1, options.rounds + 1):
                _round(server, names, run, number)
        finally:
            server.stop()
    print("\n" + "\n".join(report.tables(run)) + "\n")
    if options.write:
        report.write(run, rescues)
    return 0


def _compare(options: argparse.Namespace) -> int:
    with tempfile.TemporaryDirectory() as folder:
        server = Postgres(Path(folder) / "postgres", settings=DURABLE)
        server.start()
        try:
            met = against.compare(server, options.against, jobs=options.jobs, number=options.rounds)
        finally:
            server.stop()
    return 0 if met else 1


def _round(server: Postgres, names: list[str], run: Run, number: int) -> None:
    for name in names:
        drained = rounds.drain(server, name, run.jobs)
        run.drains.setdefault(name, []).append(drained)
        print(f"round {number}  drain    {name:14s} {drained.jobs_per_second:8.0f} jobs/s", flush=True)
    for name in names:
        waited = rounds.latency(server, name, run.jobs, run.rate)
        run.latencies.setdefault(name, []).append(waited)
        print(
            f"round {number}  latency  {name:14s} p50 {1000 * waited.p50:7.1f}  p99 {1000 * waited.p99:7.1f}  "
            f"max {1000 * waited.longest:8.1f} ms  {waited.late} late  at {waited.rate:.0f}/s",
            flush=True,
        )


def _parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench-queue")
    parser.add_argument("--quick", action="store_true", help="two rounds of 1,000 jobs, one trial of each fault")
    parser.add_argument("--jobs", type=int, help="jobs a measurement (10,000)")
    parser.add_argument("--rounds", type=int, help="rounds (5; 8 with --against)")
    parser.add_argument("--against", metavar="COMMIT", help="compare only the drain, with that of another commit")
    parser.add_argument("--rate", type=float, default=400, help="enqueues a second (400)")
    parser.add_argument("--trials", type=int, help="of each fault (3)")
    parser.add_argument("--write", action="store_true", help="write the section of benchmarks/RESULTS.md")
    options = parser.parse_args(arguments)
    options.jobs = options.jobs or (1000 if options.quick else 10_000)
    options.trials = options.trials or (1 if options.quick else 3)
    options.rounds = options.rounds or (2 if options.quick else 8 if options.against else 5)
    return options


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
