"""Words of a comparison's page."""

from __future__ import annotations

import msgspec
import pytest

from services.common.comparison import TIMEFRAMES
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


def test_certainty_falls_with_the_percentage() -> None:
    assert [words.certainty(percent) for percent in (90, 75, 60, 45, 10)] == [
        "likely",
        "likely",
        "probably",
        "perhaps",
        "possibly",
    ]
