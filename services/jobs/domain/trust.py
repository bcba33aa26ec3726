"""Sums over the track record, and the shares and means computed from them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import astuple, dataclass

RECENT_DAYS = 90


@dataclass(frozen=True)
class Tally:
    """Sums over scored forecasts, each of two terms."""

    forecasts: int = 0
    winners: int = 0  # forecasts where both the forecast and the actual values had a winner
    winners_right: int = 0
    directions_right: int = 0  # of two a forecast
    points: int = 0  # dates of both terms
    hits80: int = 0
    hits95: int = 0
    mae_sum: float = 0.0  # over two a forecast
    mases: int = 0
    mase_sum: float = 0.0

    def __add__(self, other: Tally) -> Tally:
        return Tally(*(one + more for one, more in zip(astuple(self), astuple(other), strict=True)))


@dataclass(frozen=True)
class TrustStats:
    """Shares (0 to 1) and means; None where there is nothing to divide by."""

    forecasts: int
    points: int
    winner_right: float | None  # of forecasts with a winner
    direction_right: float | None  # of terms
    coverage80: float | None  # of points
    coverage95: float | None
    mae: float | None  # mean over terms, in points of the scale of each forecast
    mase: float | None  # mean over terms that had one


@dataclass(frozen=True)
class TrustPeriod:
    """A span of time, in total and by timeframe."""

    overall: TrustStats
    timeframes: Mapping[str, TrustStats]


@dataclass(frozen=True)
class Trust:
    """The track record, by when forecasts were scored."""

    total: TrustPeriod
    recent: TrustPeriod  # the last RECENT_DAYS days


def period_of(tallies: Mapping[str, Tally]) -> TrustPeriod:
    """The stats of a span of time from its tallies by timeframe."""
    return TrustPeriod(
        overall=stats_of(sum(tallies.values(), Tally())),
        timeframes={timeframe: stats_of(tally) for timeframe, tally in tallies.items()},
    )


def stats_of(tally: Tally) -> TrustStats:
    """The shares and means of one tally."""
    terms = 2 * tally.forecasts
    return TrustStats(
        forecasts=tally.forecasts,
        points=tally.points,
        winner_right=_per(tally.winners_right, tally.winners),
        direction_right=_per(tally.directions_right, terms),
        coverage80=_per(tally.hits80, tally.points),
        coverage95=_per(tally.hits95, tally.points),
        mae=_per(tally.mae_sum, terms),
        mase=_per(tally.mase_sum, tally.mases),
    )


def _per(sum_: float, count: int) -> float | None:
    return round(sum_ / count, 4) if count else None
