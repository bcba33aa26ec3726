"""How often what forecasts said came true: sums over scored forecasts, and shares with their uncertainty."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from math import sqrt
from typing import NamedTuple

from services.common.comparison import TIMEFRAMES
from services.jobs.domain.scoring import Score

WEEKS = 53  # of a report, with the current one
CONFIDENCE_BINS = (0, 50, 60, 70, 80, 90)  # where bins of confidence begin, in percent; the last one includes 100
_Z95 = 1.959964  # of the normal distribution, for an interval of 95 %
# How many forecasts the cautious assumption, that all values of a forecast hold or fail together, counts for: the
# spread of few forecasts says little. docs/decisions/scoring-uncertainty.md
_CAUTION = 4


class Measure(StrEnum):
    """What is counted of each scored forecast. Bins of confidence are counted too, see `bin_measure`."""

    INTERVAL_80 = "interval-80"  # values, and those inside
    INTERVAL_95 = "interval-95"
    WINNER = "winner"  # forecasts with a winner, and right ones
    DIRECTION = "direction"  # directions, of one term each, and right ones
    CONFIDENCE = "confidence"  # the same of directions with a confidence
    MAE = "mae"  # terms, and the sum of their errors
    MASE = "mase"


class Trials(NamedTuple):
    """What one forecast adds to one measure."""

    measure: str
    trials: int
    hits: float
    said: float = 0.0  # sum of the probabilities that the forecast gave; 0 if it gave none


class Sums(NamedTuple):
    """Sums of one measure over forecasts. Those of squares and products show how much forecasts differ."""

    forecasts: int = 0
    trials: int = 0
    hits: float = 0.0
    said: float = 0.0
    trials_squared: float = 0.0
    trials_hits: float = 0.0
    hits_squared: float = 0.0


@dataclass(frozen=True)
class Share:
    """A share of 0 to 1, and its 95 % interval. Values of one forecast do not count as independent."""

    count: int  # of what it is a share
    forecasts: int  # that these are of
    came: float
    low: float
    high: float
    said: float | None  # what forecasts said, as a mean; None: they gave no probability


@dataclass(frozen=True)
class Accuracy:
    """How forecasts did. None where nothing was scored."""

    forecasts: int = 0
    interval80: Share | None = None  # of values
    interval95: Share | None = None
    winner: Share | None = None  # of forecasts with a winner
    direction: Share | None = None  # of directions, of one term each
    confidence: Share | None = None  # of directions with a confidence
    bins: Mapping[int, Share] = field(default_factory=dict)  # of these, by bin_of; those with scores, ascending
    mae: float | None = None  # mean over terms, in points of the scale of each forecast
    mase: float | None = None  # mean over terms that had one


@dataclass(frozen=True)
class Period:
    """A span of time."""

    total: Accuracy
    timeframes: Mapping[str, Accuracy]  # those with scores, in a fixed order


@dataclass(frozen=True)
class TrackRecordReport:
    """The track record of the last WEEKS weeks, by when forecasts were scored."""

    total: Period
    weeks: Mapping[date, Period]  # by Monday (UTC), oldest first; weeks without scores are left out
    engine_versions: tuple[str, ...]  # with scores in these weeks, newest first, whatever was selected


class SummedMeasure(NamedTuple):
    """The sums of one measure, of a week and a timeframe, or of all."""

    monday: date | None
    timeframe: str | None
    measure: str
    sums: Sums


def trials_of(score: Score) -> list[Trials]:
    """What a scored forecast adds, by the name of the measure."""
    terms = (score.term_a, score.term_b)
    points = 2 * score.dates
    found = [
        Trials(Measure.INTERVAL_80, points, sum(term.hits80 for term in terms), 0.80 * points),
        Trials(Measure.INTERVAL_95, points, sum(term.hits95 for term in terms), 0.95 * points),
        Trials(Measure.DIRECTION, 2, sum(term.direction_right for term in terms)),
        Trials(Measure.MAE, 2, sum(term.mae for term in terms)),
    ]
    if score.winner_right is not None:
        found.append(Trials(Measure.WINNER, 1, int(score.winner_right)))
    if mases := [term.mase for term in terms if term.mase is not None]:
        found.append(Trials(Measure.MASE, len(mases), sum(mases)))
    sure = [(term.confidence, term.direction_right) for term in terms if term.confidence is not None]
    for name in sorted({bin_measure(bin_of(confidence)) for confidence, _ in sure}):
        found.append(_confidences(name, [each for each in sure if bin_measure(bin_of(each[0])) == name]))
    if sure:
        found.append(_confidences(Measure.CONFIDENCE, sure))
    return sorted(found)


def _confidences(measure: str, sure: Sequence[tuple[float, bool]]) -> Trials:
    said = sum(confidence for confidence, _ in sure) / 100
    return Trials(measure, len(sure), sum(right for _, right in sure), said)


def bin_of(confidence: float) -> int:
    """The bin of a confidence of 0 to 100."""
    return max(start for start in CONFIDENCE_BINS if start <= confidence)


def bin_measure(start: int) -> str:
    """The name under which a bin of confidence is counted."""
    return f"{Measure.CONFIDENCE}-{start}"


def report_of(rows: Iterable[SummedMeasure], engine_versions: Iterable[str]) -> TrackRecordReport:
    """The report of these sums: of each week and timeframe with scores, of each of both alone, and of all."""
    found: dict[date | None, dict[str | None, dict[str, Sums]]] = {}
    for monday, timeframe, measure, sums in rows:
        found.setdefault(monday, {}).setdefault(timeframe, {})[measure] = sums
    periods = {monday: _period(by_timeframe) for monday, by_timeframe in found.items()}
    return TrackRecordReport(
        total=periods.pop(None, Period(Accuracy(), {})),
        weeks={monday: periods[monday] for monday in sorted(filter(None, periods))},
        engine_versions=tuple(engine_versions),
    )


def share_of(sums: Sums, *, stated: bool = True) -> Share | None:
    """The share and its interval: Wilson's, with the number of independent trials that tell as much.

    `stated`: forecasts gave probabilities.
    """
    if not sums.trials:
        return None
    came = sums.hits / sums.trials
    low, high = _wilson(came, sums.trials / _design_effect(sums, came))
    return Share(
        count=sums.trials,
        forecasts=sums.forecasts,
        came=round(came, 4),
        low=round(low, 4),
        high=round(high, 4),
        said=round(sums.said / sums.trials, 4) if stated else None,
    )


def _design_effect(sums: Sums, came: float) -> float:
    """How many trials of these forecasts tell as much as one independent trial.

    The variance of a ratio over clusters, divided by that of independent trials (Kish, Survey Sampling, 1965), between
    1 and the size of a forecast, and drawn towards that.
    """
    together = sums.trials_squared / sums.trials
    measured = together
    if sums.forecasts > 1 and 0 < came < 1:
        spread = sums.hits_squared - 2 * came * sums.trials_hits + came**2 * sums.trials_squared
        spread *= sums.forecasts / (sums.forecasts - 1)
        measured = min(max(spread / (sums.trials * came * (1 - came)), 1.0), together)
    return (sums.forecasts * measured + _CAUTION * together) / (sums.forecasts + _CAUTION)


def _wilson(share: float, trials: float) -> tuple[float, float]:
    """Wilson's score interval (Journal of the American Statistical Association 22, 1927)."""
    weight = _Z95**2 / trials
    middle = (share + weight / 2) / (1 + weight)
    reach = sqrt(share * (1 - share) * weight + weight**2 / 4) / (1 + weight)
    return max(middle - reach, 0.0), min(middle + reach, 1.0)


def _period(by_timeframe: Mapping[str | None, Mapping[str, Sums]]) -> Period:
    return Period(
        total=_accuracy(by_timeframe[None]),
        timeframes={name: _accuracy(by_timeframe[name]) for name in TIMEFRAMES if name in by_timeframe},
    )


def _accuracy(by_measure: Mapping[str, Sums]) -> Accuracy:
    def sums(measure: str) -> Sums:
        return by_measure.get(measure, Sums())

    bins = {start: share_of(sums(bin_measure(start))) for start in CONFIDENCE_BINS}
    return Accuracy(
        forecasts=sums(Measure.DIRECTION).forecasts,
        interval80=share_of(sums(Measure.INTERVAL_80)),
        interval95=share_of(sums(Measure.INTERVAL_95)),
        winner=share_of(sums(Measure.WINNER), stated=False),
        direction=share_of(sums(Measure.DIRECTION), stated=False),
        confidence=share_of(sums(Measure.CONFIDENCE)),
        bins={start: share for start, share in bins.items() if share},
        mae=_mean(sums(Measure.MAE)),
        mase=_mean(sums(Measure.MASE)),
    )


def _mean(sums: Sums) -> float | None:
    return round(sums.hits / sums.trials, 4) if sums.trials else None
