"""What a rule returns."""

from __future__ import annotations

from dataclasses import dataclass

from services.forecaster.engine.types import JsonObject
from services.forecaster.insights.types import Interpretation


@dataclass(frozen=True)
class Finding:
    """An interpretation and how much it matters."""

    importance: float  # 0 to 100
    id: str
    term: str | None  # termA, termB, or None for both
    text: str
    evidence: JsonObject

    @property
    def interpretation(self) -> Interpretation:
        """The interpretation alone."""
        return Interpretation(self.id, self.term, self.text, self.evidence)


def tenth(value: float) -> float:
    """One decimal, and no negative zero: how evidence gives points and percentages."""
    return round(value, 1) + 0.0


def hundredth(value: float) -> float:
    """Two decimals, and no negative zero: how evidence gives correlations."""
    return round(value, 2) + 0.0
