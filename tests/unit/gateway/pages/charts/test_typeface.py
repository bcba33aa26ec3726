from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.gateway.pages.charts.drawing.typeface import ELLIPSIS, isolated, shorten, text_width
from tests.unit.gateway.pages.charts.samples import HOSTILE_NAMES


@given(st.text(max_size=80), st.floats(20, 300))
def test_shortened_text_fits(name: str, width: float) -> None:
    assert text_width(shorten(name, width, 14, bold=True), 14, bold=True) <= width


@pytest.mark.parametrize("name", HOSTILE_NAMES)
def test_what_fits_is_left_as_it_is(name: str) -> None:
    whole = shorten(name, 10_000, 14)
    assert not whole.endswith(ELLIPSIS)
    assert set(name) - set(whole) <= set(" \u202e\u202d")


def test_an_emoji_or_an_accent_is_not_cut() -> None:
    family = "👩‍👩‍👧‍👦"
    for width in range(10, 120):
        kept = shorten(family * 6, width, 14).removesuffix(ELLIPSIS)
        assert kept == family * (len(kept) // len(family))
    accents = unicodedata.normalize("NFD", "éàü" * 9)
    for width in range(20, 160):
        kept = shorten(accents, width, 14).removesuffix(ELLIPSIS)
        assert len(kept) % 2 == 0


def test_widths_follow_the_script() -> None:
    assert text_width("iiii", 10) < text_width("oooo", 10) < text_width("WWWW", 10)
    assert text_width("北京", 10) > text_width("ab", 10)
    assert text_width("e\u0301", 10) == text_width("é", 10) == text_width("e", 10)
    assert text_width("🇩🇪", 10) == text_width("👍🏽", 10) == text_width("👩‍👩‍👧‍👦", 10)


def test_direction_controls_cannot_reorder_the_words_around_a_term() -> None:
    assert isolated("tea") == "tea"
    assert isolated("\u202eevil\u2069é") == "\u2068evilé\u2069"
    assert shorten("\u202eevil", 100, 14) == "evil"
