"""Computes the forecaster's table of the seasonal strength of white noise, and writes it."""

from __future__ import annotations

import importlib
from pathlib import Path

import numpy as np

from benchmarks.insights.series import noise
from services.forecaster.insights.term.decomposition import decompose
from services.forecaster.insights.term.season import noise_table

SEASONS = (2.0, 2.25, 2.5, 2.75, 3.0, 3.5, 4.0, 5.0, 6.0, 8.0, 10.0, 15.0, 20.0)
PERIODS = (7, 12, 24, 52)
DRAWS = 4_000
QUANTILE = 0.99
SEED = 24
_MODULE = '''"""The 99 % quantile of the seasonal strength of white noise, by the length of the series.

Written by `make bench-insights ARGS=--write`, from {draws:,} series each.
"""

SEASONS = {seasons}  # lengths ÷ period
STRENGTHS = {{  # by period
{rows}}}
'''


def write() -> None:
    """Writes the table, and uses it from then on."""
    rows = ""
    for period in PERIODS:
        strengths = ", ".join(f"{strength_quantile(round(count * period), period):.3f}" for count in SEASONS)
        rows += f"    {period}: ({strengths}),\n"
    text = _MODULE.format(draws=DRAWS, seasons=SEASONS, rows=rows)
    Path(noise_table.__file__).write_text(text, encoding="utf-8")
    importlib.reload(noise_table)


def strength_quantile(count: int, period: int, draws: int = DRAWS) -> float:
    """The quantile for one length."""
    draw = np.random.default_rng((SEED, count, period))
    strengths = []
    for _ in range(draws):
        components = decompose(50 + 10 * noise(draw, count), period)
        strengths.append(components.seasonal_strength if components else 0.0)
    return float(np.quantile(strengths, QUANTILE))
