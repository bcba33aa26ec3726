"""What the charts draw: plain values that a page fills from protobuf or JSON. Dates are written as in the contract."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from services.common.comparison import Step


class Role(StrEnum):
    """Which of the two terms: it decides colour and dash pattern. The values are class names."""

    A = "a"
    B = "b"


class MarkKind(StrEnum):
    """What a mark stands for. The values are class names."""

    PEAK = "peak"
    CHANGE = "change"


@dataclass(frozen=True)
class ForecastPoint:
    """One period of a forecast or of a margin, as in the bundle's `points`."""

    date: str
    value: float
    lower80: float
    upper80: float
    lower95: float
    upper95: float


@dataclass(frozen=True)
class MarginPoint(ForecastPoint):
    """One period of `headToHead.margin`: B − A in points."""

    lead_probability: float  # that B is ahead, 0 to 100


@dataclass(frozen=True)
class Mark:
    """A peak or a change point on a term's line."""

    date: str
    value: float  # used where the term has none at the date
    kind: MarkKind
    label: str  # short, drawn where there is room: `July 2015, +55`
    title: str  # a sentence


@dataclass(frozen=True)
class Term:
    """One term: a value per date of the comparison, None where it is unknown, and its forecast if there is one."""

    name: str
    values: Sequence[float | None]
    forecast: Sequence[ForecastPoint] = ()
    marks: Sequence[Mark] = ()  # the most important first


@dataclass(frozen=True)
class Comparison:
    """Two terms over the same dates, ascending. Raises ValueError where their lengths differ."""

    dates: Sequence[str]
    step: Step
    horizon: int  # periods that a forecast covers, also while there is none
    a: Term
    b: Term
    partial_last_period: bool = False
    divider: str = "now"  # what the line between the past and the future is called

    def __post_init__(self) -> None:
        count = len(self.dates)
        for role, term in ((Role.A, self.a), (Role.B, self.b)):
            if len(term.values) != count:
                raise ValueError(f"term {role} has {len(term.values)} values for {count} dates")
        if count <= self.partial_last_period:
            raise ValueError("a chart needs a complete period")
        if self.horizon < 1:
            raise ValueError(f"the horizon is {self.horizon}; a chart reserves at least one period for the forecast")

    def term(self, role: Role) -> Term:
        """The term of a role."""
        return self.a if role is Role.A else self.b
