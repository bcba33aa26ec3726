"""Formats the results as tables, and writes the section of RESULTS.md."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from benchmarks.forecast.cases import Case
from benchmarks.forecast.scores import Score
from benchmarks.results import write_section
from services.forecaster.engine.version import ENGINE_VERSION


def header(name: str, cases: Sequence[Case]) -> Iterator[str]:
    """The header of one set's table."""
    sources = len({case.source for case in cases})
    horizons = ", ".join(sorted({f"{case.horizon}" for case in cases}, key=int))
    yield f"**{name}**: {len(cases)} series of {sources} sources, {horizons} ahead"
    yield ""
    yield "| method | MAE ÷ Naive2 | interval score ÷ Naive2 | 95 % covers | 80 % covers | CPU ms | failed |"
    yield "| --- | ---: | ---: | ---: | ---: | ---: | ---: |"


def row(name: str, found: Score, cpu_seconds: float, failed: int) -> str:
    """One method's row."""
    return (
        f"| {name} | {found.mae:.3f} | {found.interval:.3f} | {_covers(found.coverage95)} "
        f"| {_covers(found.coverage80)} | {1000 * cpu_seconds:,.0f} | {failed} |"
    )


def held_out_header() -> Iterator[str]:
    """The header of the held-out scores."""
    yield "| set | origins | forecasts | MAE | interval score | against unclipped Naive2 | 95 % covers | 80 % covers |"
    yield "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |"


def held_out_row(name: str, origins: int, forecasts: int, found: Score) -> str:
    """One set's row."""
    return (
        f"| {name} | {origins} | {forecasts} | {found.mae:.3f} | {found.interval:.3f} | {found.interval_unclipped:.3f} "
        f"| {_covers(found.coverage95)} | {_covers(found.coverage80)} |"
    )


def write(lines: Sequence[str]) -> None:
    """Writes the section of RESULTS.md."""
    how = (
        f"; engine version {ENGINE_VERSION}. The last horizon of each series is held out, its own last period left "
        "out. Ratios are geometric means over sources, coverages (per cent) means over sources with 90 % bootstrap "
        "intervals clustered by source; of exports and competitions, forecasts and Naive2's intervals are cut to "
        "0–100. A peer that fails is replaced by Naive2 and counted."
    )
    write_section("forecast", "Forecasts", how, lines)


def _covers(share: tuple[float, float, float]) -> str:
    return f"{share[0]:.1f} ({share[1]:.0f}–{share[2]:.0f})"
