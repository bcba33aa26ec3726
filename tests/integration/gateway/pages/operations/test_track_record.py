"""The page of the track record."""

from __future__ import annotations

from warmcast.jobs.v1 import operations_pb2 as pb

from tests.integration.gateway.conftest import World
from tests.integration.gateway.pages.browser import log_in, page
from tests.integration.gateway.pages.test_listing import words
from tests.unit.gateway.pages.operations.test_track_record import SCORED, WEEK, accuracy, record, trust

PATH = "/ops/track-record"


def prepare(world: World) -> None:
    world.reply(GetTrustStats=trust(), GetTrackRecord=SCORED)


async def test_charts_stand_beside_tables_with_their_figures(world: World) -> None:
    prepare(world)
    await log_in(world.client)
    html = page(await world.client.get(PATH))
    assert "the 80 % interval held 78 (73 to 83 with the uncertainty): no clear difference" in words(html)
    assert "Of all timeframes, scored in the last year: 40 forecasts, of two terms each. 500 since the first" in words(
        html
    )
    assert html.count('role="img"') == 2 * 5, "five charts in two widths"
    assert html.count("<table") == 3
    assert "60 to 70 %65 %50 % 45 to 55 %, of 1,200" in words(html)
    assert f'href="{PATH}?tf=12m"' in html


async def test_a_timeframe_and_an_engine_version_are_selected(world: World) -> None:
    prepare(world)
    await log_in(world.client)
    html = page(await world.client.get(PATH, params={"tf": "12M", "engine": "9"}))
    assert world.jobs.only("GetTrackRecord").request == pb.GetTrackRecordRequest(timeframe="12m", engine_version="9")
    assert "Of 12 months, weekly, engine version 9, scored in the last year" in words(html)
    assert '<option value="9" selected>' in html
    assert f'data-fragment="{PATH}/fragment?tf=12M&amp;engine=9"' in html
    for path in (f"{PATH}.csv", f"{PATH}/confidence.csv"):
        assert f'href="{path}?tf=12m&amp;engine=9"' in html


async def test_what_is_wrong_with_the_filter_is_said_above_the_form(world: World) -> None:
    await log_in(world.client)
    html = page(await world.client.get(PATH, params={"tf": "1y"}), 400)
    assert 'role="alert"' in html
    assert "GetTrackRecord" not in world.jobs.calls


async def test_newer_scores_are_shown_at_once(world: World) -> None:
    prepare(world)
    await log_in(world.client)
    page(await world.client.get(PATH))
    world.reply(GetTrackRecord=record(accuracy(41), WEEK))
    assert "41 forecasts, of two terms" in words(page(await world.client.get(PATH)))
    fragment = (await world.client.get(f"{PATH}/fragment")).text
    assert "41 forecasts, of two terms" in words(fragment)
    assert "<html" not in fragment
    assert "<form" not in fragment, "a filter that is being filled in stays"


async def test_without_stored_confidence_its_section_is_empty(world: World) -> None:
    world.reply(GetTrustStats=trust(), GetTrackRecord=record(accuracy(), WEEK))
    await log_in(world.client)
    html = page(await world.client.get(PATH))
    assert "Nothing scored yet: no scored forecast of the last year has a stored confidence." in words(html)
    assert "One week has scores; a line needs two." in words(html)
    assert "/ops/track-record/confidence.csv" not in html


async def test_nothing_scored_says_how_to_begin(world: World) -> None:
    await log_in(world.client)
    html = page(await world.client.get(PATH))
    assert "Nothing scored yet" in html
    assert 'href="/import"' in html
    assert "<table" not in html


async def test_nothing_scored_of_a_filter_leads_to_all(world: World) -> None:
    world.reply(GetTrustStats=trust(), GetTrackRecord=record(pb.Accuracy()))
    await log_in(world.client)
    html = page(await world.client.get(PATH, params={"engine": "9"}))
    assert "no forecast of this timeframe and engine version was scored" in words(html)
    assert f'<a href="{PATH}">All forecasts</a>' in html
    assert "Before that, 500 forecasts were scored." in words(page(await world.client.get(PATH)))


async def test_the_weeks_as_csv(world: World) -> None:
    prepare(world)
    await log_in(world.client)
    response = await world.client.get(f"{PATH}.csv", params={"tf": "12m"})
    rows = response.text.splitlines()
    assert rows[0].startswith("\ufeffweek,timeframe,engine version,forecasts,in 80 % interval,")
    assert rows[1] == (
        "2026-11-02,12m,all,3,0.78,0.73,0.83,75,0.95,0.9,1.0,75,0.72,0.67,0.77,3,0.61,0.56,0.66,6,,,,0,,4.256,0.9"
    )
    assert world.jobs.only("GetTrackRecord").request.timeframe == "12m"


async def test_confidence_as_csv(world: World) -> None:
    prepare(world)
    of_year = pb.GetTrackRecordResponse()
    of_year.CopyFrom(SCORED)
    of_year.by_timeframe[1].accuracy.CopyFrom(SCORED.total)
    world.reply(GetTrackRecord=of_year)
    await log_in(world.client)
    response = await world.client.get(f"{PATH}/confidence.csv", params={"engine": "9"})
    assert 'filename="confidence.csv"' in response.headers["content-disposition"]
    rows = response.text.removeprefix("\ufeff").splitlines()
    assert rows[2] == "12m,9,60 to 70 %,0.654,0.5,0.45,0.55,1200,1200"
