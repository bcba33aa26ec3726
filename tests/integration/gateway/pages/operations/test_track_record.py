"""The page of the track record."""

from __future__ import annotations

from tests.integration.gateway.conftest import World
from tests.integration.gateway.pages.browser import log_in, page
from tests.integration.gateway.pages.test_listing import words
from tests.unit.gateway.pages.operations.test_track_record import confidence_bin, stats, trust, weekly

PATH = "/ops/track-record"
WEEKS = weekly(
    ("2026-11-02", {"12m": stats(3)}),
    ("2026-11-09", {"12m": stats(5), "7d": stats(2)}),
    confidence=[confidence_bin(50, 30, 0.55, 0.4), confidence_bin(60, 1_200, 0.654, 0.61)],
)


def prepare(world: World) -> None:
    world.reply(GetTrustStats=trust(stats(), t12m=stats(30)), GetTrackRecord=WEEKS)


async def test_charts_stand_beside_tables_with_their_figures(world: World) -> None:
    prepare(world)
    await log_in(world.client)
    html = page(await world.client.get(PATH))
    assert "Of 100 values, the 80 % interval held 78: 2 fewer than said." in words(html)
    assert "40 forecasts scored, of two terms each; 1,000 values compared." in words(html)
    assert html.count('role="img"') == 2 * (2 + 2), "two calibrations and two charts of one timeframe, in two widths"
    assert html.count("<table") == 4
    assert "60 to 70 %65 %61 %1,200" in words(html)
    assert "One week has scores; a line needs two." in words(html)


async def test_newer_scores_are_shown_at_once(world: World) -> None:
    prepare(world)
    await log_in(world.client)
    page(await world.client.get(PATH))
    world.reply(GetTrustStats=trust(stats(41)))
    assert "41 forecasts scored" in words(page(await world.client.get(PATH)))
    fragment = (await world.client.get(f"{PATH}/fragment")).text
    assert "41 forecasts scored" in words(fragment)
    assert "<html" not in fragment


async def test_without_stored_confidence_its_section_is_empty(world: World) -> None:
    world.reply(GetTrustStats=trust(stats()), GetTrackRecord=weekly())
    await log_in(world.client)
    html = page(await world.client.get(PATH))
    assert "Nothing scored yet: no scored forecast of the last year has a stored confidence." in words(html)
    assert "/ops/track-record/confidence.csv" not in html


async def test_nothing_scored_says_how_to_begin(world: World) -> None:
    await log_in(world.client)
    html = page(await world.client.get(PATH))
    assert "Nothing scored yet" in html
    assert 'href="/import"' in html
    assert "<table" not in html


async def test_the_weeks_as_csv(world: World) -> None:
    prepare(world)
    await log_in(world.client)
    response = await world.client.get(f"{PATH}.csv")
    rows = response.text.splitlines()
    assert rows[1:] == [
        "2026-11-02,12m,3,75,0.78,0.95,0.72,0.61,4.256,0.9",
        "2026-11-09,12m,5,125,0.78,0.95,0.72,0.61,4.256,0.9",
        "2026-11-09,7d,2,50,0.78,0.95,0.72,0.61,4.256,0.9",
    ]


async def test_confidence_as_csv(world: World) -> None:
    prepare(world)
    await log_in(world.client)
    response = await world.client.get(f"{PATH}/confidence.csv")
    assert 'filename="confidence.csv"' in response.headers["content-disposition"]
    assert response.text.removeprefix("\ufeff").splitlines() == [
        "confidence,said,came true,directions",
        "50 to 60 %,0.55,0.4,30",
        "60 to 70 %,0.654,0.61,1200",
    ]
