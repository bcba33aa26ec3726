"""Words of a comparison's page."""

from __future__ import annotations

import msgspec
import pytest

from services.common.comparison import TIMEFRAMES
from services.forecaster.engine.bundle.confidence import LOW_CONFIDENCE
from services.forecaster.insights.interpretations.rules.direction import HIGH_CONFIDENCE
from services.gateway.bodies.forecasts import QualityFlags
from services.gateway.pages import words


@pytest.mark.parametrize(
    ("number", "text"),
    [(1, "1st"), (2, "2nd"), (3, "3rd"), (4, "4th"), (11, "11th"), (112, "112th"), (1_001, "1,001st")],
)
def test_ordinals(number: int, text: str) -> None:
    assert words.ordinal(number) == text


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.2, "1 s"), (89, "89 s"), (91, "2 min"), (5_399, "90 min"), (5_400, "2 h")]
)
def test_durations(seconds: float, text: str) -> None:
    assert words.seconds_words(seconds) == text


def test_every_timeframe_and_flag_has_its_words() -> None:
    assert set(words.TIMEFRAMES) == set(TIMEFRAMES)
    assert set(words.FLAGS) == {field.name for field in msgspec.structs.fields(QualityFlags)}


@pytest.mark.parametrize(
    ("percent", "text"),
    [(88, "very probably"), (69.5, "very probably"), (69.4, "probably"), (40, "probably"), (39, "perhaps")],
)
def test_certainty_falls_with_the_confidence(percent: float, text: str) -> None:
    assert words.certainty(percent, short=False) == text
    assert words.certainty(percent, short=True) == "perhaps"


def test_certainty_has_the_limits_of_the_interpretations() -> None:
    assert (words.LOW_CONFIDENCE, words.HIGH_CONFIDENCE) == (LOW_CONFIDENCE, HIGH_CONFIDENCE)
