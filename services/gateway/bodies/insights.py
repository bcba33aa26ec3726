"""The forecaster's insights, for the OpenAPI document: the gateway inserts them byte for byte."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import Meta, field

from services.gateway.bodies.fields import Share, one_of

_LABELS = ("termA", "termB")
_Place = Annotated[str, Meta(description="a month-day, a month, a weekday or an hour, as in profileStart")]
_Coefficient = Annotated[float, Meta(description="-1 to 1", ge=-1, le=1)]


class Decomposition(msgspec.Struct, rename="camel"):
    """Trend and season by STL."""

    method: Annotated[str, one_of(("stl", "robust-stl"), "robust where outliers would distort the plain one")]
    period: Annotated[int, Meta(description="steps of a season")]
    trend: Annotated[
        list[float | None], Meta(description="one value for each date of the snapshot; null for a partial period")
    ]
    profile: Annotated[list[float], Meta(description="effect of each place in the season, in points")]
    profile_start: Annotated[
        str, Meta(description="place of the profile's first value: a month-day, a month, a weekday or an hour")
    ]
    seasonal_strength: Annotated[Share, Meta(description="as Hyndman and Athanasopoulos define it")]
    trend_strength: Annotated[Share, Meta(description="the same for the trend")]


class SeasonExtreme(msgspec.Struct):
    """The highest or the lowest part of a season."""

    place: Annotated[str, Meta(description="in words, such as late November")]
    from_: _Place = field(name="from")
    to: _Place
    effect: Annotated[float, Meta(description="of the season at its extreme, in points")]


class Season(msgspec.Struct):
    """A season that is stronger than that of noise."""

    peak: Annotated[SeasonExtreme, Meta(description="the highest part")]
    low: Annotated[SeasonExtreme, Meta(description="the lowest part")]


class Peak(msgspec.Struct):
    """A date at which the term stands out."""

    date: Annotated[str, Meta(description="that stands out most; a date of the snapshot")]
    from_: Annotated[str, Meta(description="first date of the peak")] = field(name="from")
    to: Annotated[str, Meta(description="last date of the peak")]
    value: Annotated[float, Meta(description="at `date`")]
    effect: Annotated[
        float, Meta(description="of an event: above the usual level and the season; of a season: its effect; in points")
    ]
    kind: Annotated[str, one_of(("event", "seasonal"), "an event is above the usual level and the season")]
    recurring: Annotated[bool, Meta(description="within two steps of the same date in two or more years")]
    z: Annotated[float | None, Meta(description="robust z of an event; null for a seasonal peak")]


class ChangePoint(msgspec.Struct):
    """A lasting change of level."""

    date: Annotated[str, Meta(description="of the first period after it")]
    before: Annotated[float, Meta(description="level before it")]
    after: Annotated[float, Meta(description="level after it")]
    recent: Annotated[bool, Meta(description="this is the bundle's knownSince")]


class YearOverYear(msgspec.Struct):
    """The last four complete steps against those of a year before."""

    value: Annotated[float, Meta(description="mean of the last four complete steps")]
    change: Annotated[float, Meta(description="less the mean of a year before, in points")]


class TermInsights(msgspec.Struct, rename="camel"):
    """Insights about one term."""

    decomposition: Annotated[
        Decomposition | None, Meta(description="null where fewer than two seasons are known, so for a year of weeks")
    ]
    season: Annotated[Season | None, Meta(description="null where no season was found")]
    peaks: Annotated[list[Peak], Meta(description="dates at which the term stands out", max_length=5)]
    change_points: Annotated[
        list[ChangePoint], Meta(description="lasting changes of level, oldest first", max_length=10)
    ]
    year_over_year: Annotated[YearOverYear | None, Meta(description="null where the year before is unknown")]


class Correlation(msgspec.Struct):
    """Correlation of both terms' changes, seasonally adjusted where a term has a season."""

    value: _Coefficient
    lower95: Annotated[_Coefficient, Meta(description="lower end of the 95 % interval")]
    upper95: Annotated[_Coefficient, Meta(description="upper end of the 95 % interval")]


class LeadLag(msgspec.Struct):
    """Changes of one term precede those of the other."""

    steps: Annotated[int, Meta(description="by which termA leads; termB leads where it is negative", ge=-8, le=8)]
    correlation: Annotated[_Coefficient, Meta(description="at that lag")]


class LeadChange(msgspec.Struct):
    """A date from which another term is ahead."""

    date: Annotated[str, Meta(description="of the first period with this leader")]
    leader: Annotated[str, one_of(_LABELS, "the term that is ahead from then on")]


class Together(msgspec.Struct, rename="camel"):
    """Insights about both terms together."""

    correlation: Annotated[Correlation | None, Meta(description="null where it cannot be computed")]
    lead_lag: Annotated[LeadLag | None, Meta(description="null where no lead is significant")]
    lead_changes: Annotated[
        list[LeadChange], Meta(description="changes of the leader in the history, oldest first", max_length=20)
    ]
    shared_season: Annotated[bool | None, Meta(description="null where fewer than two seasons of a term are known")]


class Interpretation(msgspec.Struct):
    """A sentence, with the numbers behind it."""

    id: Annotated[str, Meta(description="names the rule; stable, for translation")]
    term: Annotated[Annotated[str, one_of(_LABELS)] | None, Meta(description="null for both")]
    text: Annotated[str, Meta(description="in plain English")]
    # Any: each rule has its own names, and values are arbitrary JSON.
    evidence: Annotated[dict[str, Any], Meta(description="the numbers in the text; stable for each id")]
