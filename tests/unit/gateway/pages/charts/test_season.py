from __future__ import annotations

import math

import pytest

from services.gateway.pages.charts.inputs import Role
from services.gateway.pages.charts.season import Place, Profile, season_chart
from tests.unit.gateway.pages.charts.reading import Element, having, one_run, parse, the, words
from tests.unit.gateway.pages.charts.samples import HOSTILE_NAMES
from tests.unit.gateway.pages.charts.text_boxes import outside, overlaps

MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
PLACES = {
    7: [Place(day, day[:3]) for day in ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]],
    12: [Place(month, month) for month in MONTHS],
    24: [Place(f"{hour:02}:00", f"{hour:02}:00") for hour in range(24)],
    52: [Place(f"week {week + 1}", MONTHS[week * 12 // 52]) for week in range(52)],
}


def profile(role: Role, places: int, name: str = "tea") -> Profile:
    return Profile(role, name, [10 * math.sin(2 * math.pi * place / places) for place in range(places)])


def drawn(*profiles: Profile, narrow: bool = False) -> Element:
    return parse(season_chart(profiles, PLACES[len(profiles[0].effects)], id_="season", narrow=narrow))


def bars_of(root: Element, role: str) -> list[Element]:
    """The bars, without the sample beside the term's name."""
    return list(having(root, "bar", role)[0].iter("rect"))


def test_the_terms_are_named_beside_a_sample_of_their_bar_or_line() -> None:
    for places, kind in ((12, "bar"), (52, "line")):
        root = drawn(profile(Role.A, places), profile(Role.B, places, "a name that does not fit " * 9))
        names = the(root, "names")
        assert [each.get("class") for each in names] == [f"{kind} a", "end a", f"{kind} b", "end b"]
        tea, long = having(names, "end")
        assert words(tea) == "tea"
        assert words(long).endswith("…")


def test_bars_are_as_high_as_their_effects_and_stand_on_zero() -> None:
    root = drawn(Profile(Role.A, "tea", [10.0, -5.0, 0.0, 2.0, 1.0, 1.0, 1.0]))
    zero = float(the(root, "zero").attrib["d"].split(" ")[1].split("H")[0])
    bars = [(float(bar.attrib["y"]), float(bar.attrib["height"])) for bar in bars_of(root, "a")]
    assert bars[0][0] + bars[0][1] == pytest.approx(zero, abs=0.1)
    assert bars[1][0] == pytest.approx(zero, abs=0.1)
    assert bars[0][1] == pytest.approx(2 * bars[1][1], abs=0.2)
    titles = [title.text for title in having(root, "bar", "a")[0].iter("title")]
    assert titles[:3] == ["Monday: +10", "Tuesday: −5", "Wednesday: 0"]


def test_bars_of_both_terms_stand_beside_each_other() -> None:
    root = drawn(profile(Role.A, 12), profile(Role.B, 12))
    one, other = (
        [(float(bar.attrib["x"]), float(bar.attrib["width"])) for bar in bars_of(root, role)] for role in ("a", "b")
    )
    for (left, width), (next_left, _) in zip(one, other, strict=True):
        assert left + width < next_left


def test_weeks_of_a_year_are_lines_with_a_tick_at_each_month() -> None:
    root = drawn(profile(Role.A, 52), profile(Role.B, 52))
    assert having(root, "bar") == []
    assert len(one_run(having(root, "line", "b")[0])) == 52
    assert [words(text) for text in having(root, "tick")[1]] == MONTHS


@pytest.mark.parametrize("narrow", [False, True])
@pytest.mark.parametrize("places", PLACES)
def test_texts_neither_overlap_nor_leave_the_chart(places: int, narrow: bool) -> None:
    for profiles in ((profile(Role.A, places), profile(Role.B, places)), (profile(Role.B, places),)):
        root = drawn(*profiles, narrow=narrow)
        assert overlaps(root) == []
        assert outside(root) == []


@pytest.mark.parametrize("name", HOSTILE_NAMES, ids=range(len(HOSTILE_NAMES)))
def test_any_name_is_text_that_fits(name: str) -> None:
    root = drawn(profile(Role.A, 12, name), profile(Role.B, 12, name[::-1]), narrow=True)
    assert overlaps(root) == []
    assert outside(root) == []
    assert {each.tag for each in root.iter()} == {"svg", "title", "desc", "g", "path", "rect", "text"}


def test_a_flat_season_has_an_axis() -> None:
    root = drawn(Profile(Role.A, "tea", [0.0] * 12))
    assert [words(text) for text in having(root, "tick")[0]] == ["−1", "−0.5", "0", "+0.5", "+1"]


def test_the_description_names_the_extremes() -> None:
    [desc] = [each.text for each in drawn(profile(Role.A, 12), profile(Role.B, 12, "coffee")) if each.tag == "desc"]
    assert desc == (
        "tea: highest at Apr, +10 points; lowest at Oct, −10 points. "
        "coffee: highest at Apr, +10 points; lowest at Oct, −10 points."
    )


def test_profiles_that_do_not_fit_the_places_are_refused() -> None:
    for profiles in ([], [Profile(Role.A, "tea", [1.0])]):
        with pytest.raises(ValueError, match="one effect for each"):
            season_chart(profiles, PLACES[7], id_="season")
