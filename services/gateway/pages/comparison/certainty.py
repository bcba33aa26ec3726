"""How much to believe a forecast: backtest, track record, flags and warnings in words."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from services.gateway.bodies.forecasts import BacktestMetrics, ForecastBundle
from services.gateway.bodies.trust import TrustStats
from services.gateway.pages.words import FLAGS, WARNINGS, Named


@dataclass(frozen=True)
class Backtest:
    """How past forecasts of one term, made from what was known then, would have done."""

    term: Named
    error: str  # mean absolute error in points
    coverage80: str  # percent of values within the band; empty where unknown
    coverage95: str
    windows: int


@dataclass(frozen=True)
class Caution:
    """What a reader should know, and of which terms it holds."""

    text: str
    terms: tuple[Named, ...]  # empty: of both


def backtest(term: Named, metrics: BacktestMetrics) -> Backtest | None:
    """None where the series is too short for one."""
    if not metrics.windows or metrics.mae is None:
        return None
    return Backtest(
        term, f"{metrics.mae:.1f}", _percent(metrics.coverage80), _percent(metrics.coverage95), metrics.windows
    )


def track_record(trust: TrustStats | None) -> str:
    """How forecasts of this timeframe did once the actual values arrived."""
    if trust is None:
        return "Not available at the moment."
    if not trust.forecasts:
        return "Nothing scored yet: a forecast is scored once the values that it foretold are imported."
    parts = [f"{trust.forecasts:,} scored"]
    if trust.winner_right is not None:
        parts.append(f"the winner was right in {_percent(trust.winner_right)}")
    if trust.coverage80 is not None:
        held, promised = _percent(trust.coverage80), _percent(0.8)
        parts.append(f"the dark band held {held} of the values, where {promised} are promised")
    return f"Of this timeframe: {'; '.join(parts)}."


def cautions(names: tuple[Named, Named], bundles: tuple[ForecastBundle, ForecastBundle]) -> list[Caution]:
    """Quality flags, then warnings, each once with the terms that it is about."""
    flags = [msgspec.structs.asdict(bundle.quality_flags) for bundle in bundles]
    found = [
        Caution(text, _holders(names, [each.get(flag) is True for each in flags]))
        for flag, text in FLAGS.items()
        if any(each.get(flag) is True for each in flags)
    ]
    for warning, text in WARNINGS.items():
        holds = [warning in bundle.warnings for bundle in bundles]
        if any(holds):
            found.append(Caution(text, _holders(names, holds)))
    return found


def _holders(names: tuple[Named, Named], holds: list[bool]) -> tuple[Named, ...]:
    return () if all(holds) else tuple(name for name, holds_for in zip(names, holds, strict=True) if holds_for)


def _percent(share: float | None) -> str:
    return "" if share is None else f"{100 * share:.0f}\N{NO-BREAK SPACE}%"
