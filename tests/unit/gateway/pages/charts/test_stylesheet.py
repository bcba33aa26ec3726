from __future__ import annotations

import re
from pathlib import Path

import pytest

from services.gateway import pages
from services.gateway.pages.charts.comparison.chart import comparison_chart
from services.gateway.pages.charts.inputs import Role
from services.gateway.pages.charts.margin import margin_chart
from services.gateway.pages.charts.operations.calibration import Held, Share, calibration_chart
from services.gateway.pages.charts.operations.confidence import Came, confidence_chart
from services.gateway.pages.charts.operations.coverage_bar import coverage_bar
from services.gateway.pages.charts.operations.weekly_shares import Shares, weekly_shares_chart
from services.gateway.pages.charts.probability_dots import probability_dots
from services.gateway.pages.charts.sample import five_year_comparison
from services.gateway.pages.charts.season import season_chart
from services.gateway.pages.charts.sparkline import sparkline
from tests.unit.gateway.pages.charts import test_margin, test_season
from tests.unit.gateway.pages.charts.reading import parse

ASSETS = Path(pages.__file__).parent / "assets"
STYLES = (ASSETS / "charts.css").read_text()
LINES = ("--term-a", "--term-b", "--chart-quiet")
SURFACES = ("--chart-paper", "--chart-future")


def variables(before: str) -> dict[str, str]:
    """The variables of the first `:root` block after a text."""
    block = STYLES[STYLES.index(before) :]
    block = block[block.index(":root") : block.index("}")]
    return dict(re.findall(r"(--[a-z-]+): ([^;]+);", block))


THEMES = {"light": variables(":root"), "dark": variables("@media screen and (prefers-color-scheme: dark)")}


def rgb(colour: str) -> list[int]:
    """The three channels of `#fff` or `#ffffff`."""
    digits = colour.removeprefix("#")
    digits = "".join(2 * digit for digit in digits) if len(digits) == 3 else digits
    return [int(digits[index : index + 2], 16) for index in (0, 2, 4)]


def luminance(colour: str) -> float:
    """As WCAG 2.2 defines it."""
    channels = [channel / 255 for channel in rgb(colour)]
    linear = [each / 12.92 if each <= 0.04045 else ((each + 0.055) / 1.055) ** 2.4 for each in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def mixed(over: str, under: str, opacity: float) -> str:
    """A colour with an opacity on another one."""
    channels = zip(rgb(over), rgb(under), strict=True)
    return "#" + "".join(f"{round(opacity * one + (1 - opacity) * other):02x}" for one, other in channels)


def test_contrast_is_computed_as_wcag_does() -> None:
    assert contrast("#fff", "#000000") == pytest.approx(21)
    assert contrast("#777777", "#fff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("surface", SURFACES)
@pytest.mark.parametrize("line", LINES)
def test_lines_and_texts_can_be_read_on_every_surface(theme: str, surface: str, line: str) -> None:
    # The terms' colours also colour their names: text needs 4.5, lines 3.
    assert contrast(THEMES[theme][line], THEMES[theme][surface]) >= 4.5


@pytest.mark.parametrize("theme", THEMES)
def test_the_division_of_the_strip_can_be_seen(theme: str) -> None:
    colours = THEMES[theme]
    lower = mixed(colours["--term-a-soft"], colours["--chart-paper"], 0.45)
    assert re.search(r"\.share\.a \{[^}]*fill-opacity: \.45;", STYLES)
    assert contrast(lower, colours["--term-b"]) >= 3


def test_every_theme_defines_every_colour() -> None:
    forced = variables("@media (forced-colors: active)")
    assert set(THEMES["light"]) == set(THEMES["dark"]) == set(forced)
    assert set(re.findall(r"var\((--(?:term|chart)-[a-z-]+)", STYLES)) <= set(THEMES["light"])


def test_colours_are_in_variables_alone() -> None:
    rules = [line for line in STYLES.splitlines() if line.startswith(".chart")]
    assert not [line for line in rules if re.search(r"#[0-9a-f]{3}", line)]


def test_every_class_of_the_charts_is_known() -> None:
    charts = (
        comparison_chart(five_year_comparison(), id_="main"),
        margin_chart(test_margin.margin(), id_="margin"),
        season_chart([test_season.profile(role, 12) for role in Role], test_season.PLACES[12], id_="season"),
        sparkline("tea", "coffee", [1, 2], [3, 4]),
        probability_dots("tea", "coffee", 60),
        calibration_chart([Held("All", Share(78, 70, 84), Share(94, 92, 96))], id_="calibration"),
        confidence_chart([Came("60 to 70 %", 65.0, Share(61, 55, 67))], id_="confidence"),
        weekly_shares_chart(
            [Shares(role, "winner", [50.0, 60.0], 80) for role in Role],
            ["2026-11-02", "2026-11-09"],
            id_="w",
            title="W",
        ),
        coverage_bar(1, 2, 3),
    )
    used = {name for chart in charts for each in parse(chart).iter() for name in each.get("class", "").split()}
    # These have the look of their element, and names for scripts and tests.
    unstyled = {
        "wide",
        "season",
        "tick",
        "unit",
        "key",
        "nowlabel",
        "figure",
        "side",
        "shares",
        "names",
        "peak",
        "change",
        "calibration",
        "weekly",
    }
    styles = STYLES + (ASSETS / "ops-charts.css").read_text()
    assert used - unstyled == {name for name in used if re.search(rf"\.{name}\b", styles)}


def test_terms_differ_by_dashes_and_not_by_colour_alone() -> None:
    for rule in (".line.a", ".forecast.a", ".forecast.b"):
        assert re.search(rf"^\.chart {re.escape(rule)} {{ stroke-dasharray: ", STYLES, re.MULTILINE), rule
    assert not re.search(r"^\.chart \.line\.b \{", STYLES, re.MULTILINE)
