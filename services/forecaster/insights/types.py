"""The results as plain values, with the contract's names in snake case. Importing this module does not load numpy.

Dates are written as in the bundle (an ISO date; for hours, date and time with Z). Values and effects are in points.
"""

from __future__ import annotations

from dataclasses import dataclass

from services.forecaster.engine.types import JsonObject


@dataclass(frozen=True)
class Decomposition:
    """Trend and season by STL."""

    method: str  # `stl` or `robust-stl`
    period: int  # steps of a season
    trend: tuple[float | None, ...]  # one value per date of the snapshot; None for a partial period
    profile: tuple[float, ...]  # (period,): the effect of each place in the season, in points
    profile_start: str  # the place of the profile's first value: a month-day, a month, a weekday or an hour
    seasonal_strength: float  # 0 to 1, as Hyndman and Athanasopoulos define them
    trend_strength: float


@dataclass(frozen=True)
class SeasonExtreme:
    """The highest or the lowest part of a season."""

    place: str  # in words, such as “late November”
    from_: str  # in the format of profile_start
    to: str
    effect: float


@dataclass(frozen=True)
class Season:
    """A season that is both accepted by the engine and stronger than that of noise."""

    peak: SeasonExtreme
    low: SeasonExtreme


@dataclass(frozen=True)
class Peak:
    """A date at which the term stands out."""

    date: str  # that stands out most
    from_: str  # first and last date of the peak
    to: str
    value: float
    effect: float  # above the usual level and the season; for a seasonal peak the season's effect
    kind: str  # `event` or `seasonal`
    recurring: bool  # within two steps of the same date in two or more years; a season always is
    z: float | None  # effect ÷ standard deviation of the noise; None for a seasonal peak


@dataclass(frozen=True)
class ChangePoint:
    """A lasting change of the level."""

    date: str  # of the first period after it
    before: float  # levels
    after: float
    recent: bool  # this is the bundle's knownSince


@dataclass(frozen=True)
class YearOverYear:
    """The mean of the last four complete steps, and its change against a year before."""

    value: float
    change: float


@dataclass(frozen=True)
class TermInsights:
    """What is known about one term."""

    decomposition: Decomposition | None
    season: Season | None
    peaks: tuple[Peak, ...]
    change_points: tuple[ChangePoint, ...]
    year_over_year: YearOverYear | None


@dataclass(frozen=True)
class Correlation:
    """Correlation of the changes, seasonally adjusted where a term has a season, with its 95 % interval."""

    value: float
    lower95: float
    upper95: float


@dataclass(frozen=True)
class LeadLag:
    """One term's changes precede the other's: by `steps` A leads; B leads where it is negative."""

    steps: int  # never 0
    correlation: float  # at that distance; positive, because only the highest is tested


@dataclass(frozen=True)
class LeadChange:
    """A date from which another term is ahead."""

    date: str
    leader: str  # `termA` or `termB`


@dataclass(frozen=True)
class Together:
    """What is known about both terms together."""

    correlation: Correlation | None
    lead_lag: LeadLag | None
    lead_changes: tuple[LeadChange, ...]
    shared_season: bool | None  # None where a term has too few seasons


@dataclass(frozen=True)
class Interpretation:
    """A sentence, with the numbers behind it."""

    id: str  # stable: names the rule
    term: str | None  # `termA`, `termB`, or None for both
    text: str
    evidence: JsonObject


@dataclass(frozen=True)
class PairInsights:
    """The insights of one comparison."""

    term_a: TermInsights
    term_b: TermInsights
    together: Together | None  # None for terms that are scaled apart
    interpretations: tuple[Interpretation, ...]
