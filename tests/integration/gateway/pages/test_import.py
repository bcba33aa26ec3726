"""The import page: preview, choice of terms, confirmation."""

from __future__ import annotations

import re
from typing import Any

import pytest
from pydantic import SecretStr
from warmcast.jobs.v1 import jobs_pb2

from services.common import errors
from services.common.errors import WarmcastError
from services.gateway.auth.api_keys import new_api_key
from services.gateway.auth.rate_limits import Rate
from tests.integration.gateway.conftest import SECRET, OpenWorld, World
from tests.integration.gateway.data import HASH, moment
from tests.integration.gateway.pages.browser import form_token, log_in, page
from tests.integration.gateway.pages.imports import (
    CSV,
    FILE,
    column,
    import_calls,
    read,
    read_pair,
    send,
    sent_again,
    stored_pair,
    token_of,
    words,
)


async def test_without_a_login_the_page_says_what_it_does(world: World) -> None:
    html = page(await world.client.get("/import"))
    assert 'href="/login?next=/import"' in html
    assert "Where to find an export" in html
    assert 'type="file"' not in html


async def test_a_read_only_login_gets_no_form(open_world: OpenWorld) -> None:
    key, entry = new_api_key("shop", Rate(100, 1))
    async with open_world(api_keys=SecretStr(entry.entry())) as world:
        await log_in(world.client, key)
        html = page(await world.client.get("/import"))
        assert "This login is read-only" in html
        assert 'type="file"' not in html
        for path in ("/import", "/import/confirm"):
            response = await send(world.client, path, [("token", form_token(html))])
            assert errors.FORBIDDEN.title in page(response, 403)
        assert not import_calls(world)


async def test_without_a_secret_imports_are_off(open_world: OpenWorld) -> None:
    async with open_world(warmup_secret=None) as world:
        assert "Imports are turned off" in page(await world.client.get("/import"))


async def test_the_form_is_not_kept(world: World) -> None:
    token = await token_of(world)
    world.reply(PreviewSnapshot=read_pair())
    assert (await world.client.get("/import")).headers["cache-control"] == "no-store"
    assert (await send(world.client, "/import", [("token", token)])).headers["cache-control"] == "no-store"


async def test_a_preview_shows_what_was_read_and_stores_nothing(world: World) -> None:
    token = await token_of(world)
    cleaned = [jobs_pb2.Cleaning(what="below one read as half", count=3)]
    world.reply(PreviewSnapshot=read_pair(cleaned=cleaned, partial_last_period=True, geo_assumed=True))
    fields = [("token", token), ("tf", "12m"), ("geo", ""), ("asOf", "")]
    text = words(page(await send(world.client, "/import", fields)))
    assert "amazon vs costco" in text
    assert "12 months, weekly" in text
    assert "Worldwide assumed" in text
    assert "52 weeks, 5 January 2025 to 28 December 2025" in text
    assert "Below one read as half: 3" in text
    assert "Has not ended" in text
    assert "stored already" not in text
    [call] = import_calls(world)
    assert call.metadata["x-warmup-secret"] == SECRET
    request = call.request.snapshot
    assert request.timeframe == "12m"
    assert not request.HasField("geo")
    assert [(each.name, each.content) for each in request.files.files] == [("multiTimeline.csv", CSV)]


async def test_a_preview_pictures_each_column_that_was_read(world: World) -> None:
    token = await token_of(world)
    world.reply(PreviewSnapshot=read_pair())
    html = page(await send(world.client, "/import", [("token", token)]))
    assert re.findall(r'class="chart sparkline" [^>]*aria-label="([^"]*)"><g class="(\w)"', html) == [
        ("amazon 40", "a"),
        ("costco 40", "b"),
    ]
    undecided = (column("tea", chosen=False), column("milk", chosen=False), column("coffee", values=0))
    world.reply(PreviewSnapshot=read(*undecided))
    html = page(await send(world.client, "/import", [("token", token)]))
    assert html.count('class="chart sparkline"') == 2
    assert "<g class=" not in html, "a role is given by a choice"


async def test_columns_of_one_export_are_pictured_on_one_scale(world: World) -> None:
    token = await token_of(world)
    columns = [column("amazon"), column("costco")]
    del columns[1].sampled_values[:]
    columns[1].sampled_values.extend((3, 3, 3))
    pair: dict[str, Any] = {"slug": "amazon-vs-costco", "terms": ("amazon", "costco"), "data_hash": HASH}
    heights = []
    for scaled_apart in (False, True):
        world.reply(PreviewSnapshot=read(*columns, scaled_apart=scaled_apart, **pair))
        html = page(await send(world.client, "/import", [("token", token)]))
        heights.append([float(y) for y in re.findall(r'cy="([^"]*)" r="2.6"', html.partition("<main")[2])])
    assert heights[0][1] == 40, "at the bottom, where amazon is lowest"
    assert heights[1][1] == 22, "in the middle of its own scale"


async def test_an_older_jobs_stores_nothing(world: World) -> None:
    token = await token_of(world)
    world.reply(PreviewSnapshot=read_pair())
    preview = page(await send(world.client, "/import", [("token", token)]))
    world.jobs.lacking = {"PreviewSnapshot", "IngestPreviewed"}
    for response in (
        await send(world.client, "/import", [("token", token)]),
        await send(world.client, "/import/confirm", sent_again(preview, "/import/confirm")),
    ):
        assert "Nothing was stored. Send the form again after the update." in page(response, 503)
        assert response.headers["retry-after"] == "10"
    assert not world.jobs.calls["IngestSnapshot"]


async def test_confirming_sends_the_hash_and_the_time_of_the_preview(world: World) -> None:
    token = await token_of(world)
    world.reply(PreviewSnapshot=read_pair())
    html = page(await send(world.client, "/import", [("token", token), ("geo", "us")]))
    world.reply(IngestPreviewed=stored_pair(geo="US"))
    response = await send(world.client, "/import/confirm", sent_again(html, "/import/confirm"))
    assert (response.status_code, response.headers["location"]) == (303, "/compare/amazon-vs-costco?tf=12m&geo=US")
    assert world.jobs.only("IngestPreviewed").metadata["x-warmcast-operator"] == "Ada"
    request = world.jobs.only("IngestPreviewed").request
    assert (request.data_hash, request.snapshot.geo) == (HASH, "US")
    assert request.snapshot.as_of == moment("2026-01-02T10:30:00.123456")


async def test_other_data_than_those_of_the_preview_are_refused(world: World) -> None:
    token = await token_of(world)
    world.reply(PreviewSnapshot=read_pair())
    html = page(await send(world.client, "/import", [("token", token), ("geo", "US"), ("tf", "12m")]))
    world.reply(IngestPreviewed=WarmcastError(errors.DATA_MISMATCH, "the file differs; preview the file again"))
    response = await send(world.client, "/import/confirm", sent_again(html, "/import/confirm"))
    html = page(response, 409)
    assert "The file differs; preview the file again. Nothing was stored." in html
    assert 'value="US"' in html
    assert '<option value="12m" selected>' in html


@pytest.mark.parametrize("missing", ["dataHash", "previewedAt"])
async def test_nothing_is_stored_without_a_preview(world: World, missing: str) -> None:
    token = await token_of(world)
    fields = {"token": token, "dataHash": HASH, "previewedAt": "2026-01-02T10:30:00+00:00"}
    del fields[missing]
    response = await send(world.client, "/import/confirm", list(fields.items()))
    assert "There was no preview of these data" in page(response, 400)
    assert not import_calls(world)


async def test_two_of_many_terms_are_chosen(world: World) -> None:
    token = await token_of(world)
    world.reply(PreviewSnapshot=read(*(column(term, chosen=False) for term in ("tea", "coffee", "milk"))))
    html = page(await send(world.client, "/import", [("token", token), ("geo", "US")]))
    assert "Choose two of 3 terms" in words(html)
    assert 'type="checkbox" name="term" value="milk"' in html
    assert "stored already" not in html
    again = sent_again(html, "/import")
    chosen = [*again, ("term", "tea"), ("term", "milk")]
    pair = {"slug": "milk-vs-tea", "terms": ("milk", "tea"), "data_hash": HASH}
    coffee = column("coffee", chosen=False, values=0)
    world.reply(PreviewSnapshot=read(column("tea"), column("milk"), coffee, **pair))
    html = page(await send(world.client, "/import", chosen))
    assert "not read" in html
    assert [value for name, value in sent_again(html, "/import/confirm") if name == "term"] == ["tea", "milk"]
    assert list(world.jobs.calls["PreviewSnapshot"][1].request.snapshot.terms) == ["tea", "milk"]


async def test_a_choice_is_of_two_terms(world: World) -> None:
    token = await token_of(world)
    world.reply(PreviewSnapshot=read(*(column(term, chosen=False) for term in ("tea", "coffee", "milk"))))
    again = sent_again(page(await send(world.client, "/import", [("token", token)])), "/import")
    for chosen in ([], [("term", "tea")]):
        html = page(await send(world.client, "/import", [*again, *chosen]), 400)
        assert f"Choose two terms, not {len(chosen)}." in html
    assert 'type="checkbox" name="term" value="tea" checked' in html


async def test_one_term_needs_a_second_file(world: World) -> None:
    token = await token_of(world)
    world.reply(PreviewSnapshot=read(column("tea", chosen=False)))
    html = page(await send(world.client, "/import", [("token", token)]))
    assert "tea needs a second term" in words(html)
    assert "data-joins" in html
    second = ("file", ("coffee.csv", CSV, "text/csv"))
    world.reply(PreviewSnapshot=read_pair(("coffee", "tea"), scaled_apart=True))
    html = page(await send(world.client, "/import", [("token", token)], FILE, second))
    assert "there will be no winner" in html
    assert len(world.jobs.calls["PreviewSnapshot"][1].request.snapshot.files.files) == 2


async def test_a_declared_charset_is_used_again_when_confirming(world: World) -> None:
    token = await token_of(world)
    world.reply(PreviewSnapshot=read_pair())
    html = page(await send(world.client, "/import", [("token", token), ("charset", " Windows-1252 ")]))
    await send(world.client, "/import/confirm", sent_again(html, "/import/confirm"))
    requests = [call.request.snapshot for call in import_calls(world)]
    assert [request.files.files[0].charset for request in requests] == ["windows-1252"] * 2


async def test_known_data_lead_to_their_comparison(world: World) -> None:
    token = await token_of(world)
    world.reply(PreviewSnapshot=read_pair(created=False))
    html = page(await send(world.client, "/import", [("token", token)]))
    assert "These data are stored already" in html
    assert 'href="/compare/amazon-vs-costco?tf=12m"' in html
