"""The first sentences of a comparison: who is ahead, who will be, and how sure that is."""

from __future__ import annotations

from dataclasses import dataclass

from services.common.comparison import TIMEFRAMES
from services.gateway.bodies.forecasts import ForecastBundle, HeadToHead
from services.gateway.pages.charts.words import HALF, futures_words, points_words
from services.gateway.pages.words import UNITS, Named, certainty

# The meaning of `leadChangeRisk` (docs/reference/contract.md, docs/explanation/engine.md).
_RISKS = {
    "low": "in fewer than 15 of 100 futures",
    "medium": "in 15 to 35 of 100 futures",
    "high": "in more than 35 of 100 futures",
}
_DIRECTIONS = {
    "rising": "rises",
    "falling": "falls",
    "stable": "stays level",
    "volatile": "swings widely",
}


@dataclass(frozen=True)
class Now:
    """Who is ahead at the last complete period."""

    leader: Named | None  # None for a tie
    ahead: str
    behind: str


@dataclass(frozen=True)
class Future:
    """Who leads over the horizon, by simulated futures."""

    leader: Named | None  # None where each leads in as many futures
    share: str  # of 100 futures
    same_leader: bool  # as now
    horizon: str  # `13 weeks`
    margin: str  # expected, of margin_leader
    margin_leader: Named | None  # None where the margin rounds to 0
    risk: str
    risk_meaning: str


@dataclass(frozen=True)
class Direction:
    """Where one term goes, and how sure that is."""

    term: Named
    verb: str
    certainty: str
    percent: str


def now(names: tuple[Named, Named], last_values: tuple[float, float]) -> Now:
    """Compares the last values of both terms."""
    a, b = (points_words(value) for value in last_values)
    if a == b:
        return Now(None, a, b)
    return Now(names[1], b, a) if last_values[1] > last_values[0] else Now(names[0], a, b)


def future(names: tuple[Named, Named], head_to_head: HeadToHead, timeframe: str, current: Now) -> Future:
    """What the simulated futures say, seen from the likelier leader."""
    b_leads = head_to_head.winner_probability >= 50
    likelier = names[1] if b_leads else names[0]
    probability = head_to_head.winner_probability if b_leads else 100 - head_to_head.winner_probability
    margin = head_to_head.expected_margin
    unit = UNITS[TIMEFRAMES[timeframe].step]
    share = futures_of_100(probability)
    leader = None if share == HALF else likelier
    return Future(
        leader=leader,
        share=share,
        same_leader=leader is not None and leader == current.leader,
        horizon=f"{TIMEFRAMES[timeframe].horizon} {unit}s",
        margin=f"{abs(margin):.1f}",
        margin_leader=None if abs(margin) < 0.05 else names[1] if margin > 0 else names[0],
        risk=head_to_head.lead_change_risk.capitalize(),
        risk_meaning=_RISKS[head_to_head.lead_change_risk],
    )


def futures_of_100(probability: float) -> str:
    """A probability of 50 to 100 as futures of 100, never certain."""
    return futures_words(probability).replace(">", "more than ")


def direction(term: Named, bundle: ForecastBundle) -> Direction:
    """Where one term goes."""
    words = certainty(bundle.confidence, short=bundle.quality_flags.series_too_short)
    return Direction(term, _DIRECTIONS[bundle.direction], words, f"{bundle.confidence:.0f}")
