"""The import page: what it refuses, what it protects, and the sample."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from markupsafe import escape

from services.common import errors
from services.common.errors import WarmcastError
from tests.integration.gateway.conftest import OpenWorld, World
from tests.integration.gateway.pages.browser import SAME_SITE, page
from tests.integration.gateway.pages.imports import FILE, HOSTILE, column, import_calls, read, read_pair, send, token_of


@pytest.mark.parametrize(
    ("error", "status", "text"),
    [
        (
            WarmcastError(errors.UNREADABLE_INPUT, "“a.csv”: line 3, column “tea”: “x” is not a number"),
            400,
            "“a.csv”: line 3, column “tea”: “x” is not a number. Correct the file or export it again.",
        ),
        (WarmcastError(errors.TOO_LARGE, "“a.csv” has more than 2 MiB"), 413, "“a.csv” has more than 2 MiB."),
        (WarmcastError(errors.UNAVAILABLE, "down", retry_after=7), 503, "Try again in 7 seconds."),
    ],
)
async def test_an_error_keeps_what_was_entered(world: World, error: WarmcastError, status: int, text: str) -> None:
    token = await token_of(world)
    world.reply(PreviewSnapshot=error)
    fields = [("token", token), ("tf", "5y"), ("geo", "US"), ("asOf", "2026-01-31 12:00")]
    html = page(await send(world.client, "/import", fields), status)
    assert text in html
    assert 'role="alert"' in html
    assert '<option value="5y" selected>' in html
    assert 'value="US"' in html
    assert 'value="2026-01-31 12:00"' in html


@pytest.mark.parametrize(
    ("name", "value", "text", "label"),
    [
        ("tf", "13m", "Unknown timeframe", "Timeframe"),
        ("geo", '"><script>', "Malformed geo", "Place"),
        ("asOf", "yesterday", "must be an ISO 8601 time", "Exported at"),
    ],
)
async def test_a_wrong_setting_is_named_and_kept(world: World, name: str, value: str, text: str, label: str) -> None:
    token = await token_of(world)
    html = page(await send(world.client, "/import", [("token", token), (name, value)]), 400)
    assert text in html
    assert f"In this form, that is “{label}”." in html
    assert "<script>" not in html
    assert name == "tf" or f'value="{escape(value)}"' in html
    assert not import_calls(world)


@pytest.mark.parametrize("empty", [[("file", ("", b"", "application/octet-stream"))], [("other", (None, "x"))]])
async def test_a_file_is_needed(world: World, empty: list[Any]) -> None:
    token = await token_of(world)
    html = page(await send(world.client, "/import", [("token", token), ("geo", "US")], *empty), 400)
    assert "The form has no file" in html
    assert 'value="US"' in html


async def test_a_setting_that_the_file_needs_is_shown(world: World) -> None:
    detail = "the header of tea.csv names “Atlantis”, which is not a known place; pass geo="
    world.reply(PreviewSnapshot=WarmcastError(errors.INVALID_ARGUMENT, detail, fields=(("geo", detail),)))
    token = await token_of(world)
    html = page(await send(world.client, "/import", [("token", token)], FILE), 400)
    assert "In this form, that is “Place”." in html
    assert '<details id="settings" open>' in html


async def test_more_than_two_files_are_refused(world: World) -> None:
    token = await token_of(world)
    assert "Too many files" in page(await send(world.client, "/import", [("token", token)], FILE, FILE, FILE), 400)


async def test_a_body_beyond_the_limit_is_refused(open_world: OpenWorld) -> None:
    async with open_world(max_body_bytes=2_000) as world:
        token = await token_of(world)
        large = ("file", ("a.csv", b"x" * 3_000, "text/csv"))
        html = page(await send(world.client, "/import", [("token", token)], large), 413)
        assert errors.TOO_LARGE.title in html
        assert "Export fewer terms or a shorter time." in html
        assert '<input id="file" name="file" type="file"' in html, "the form is gone"
        assert not import_calls(world)


async def test_a_form_without_files_is_refused(world: World) -> None:
    token = await token_of(world)
    response = await world.client.post("/import", data={"token": token}, headers=SAME_SITE)
    assert errors.UNSUPPORTED_MEDIA_TYPE.title in page(response, 415)


@pytest.mark.parametrize("path", ["/import", "/import/confirm"])
async def test_only_a_form_of_this_login_imports(world: World, path: str) -> None:
    token = await token_of(world)
    sent = {"files": [("token", (None, token)), FILE]}
    for headers in ({}, {"Origin": "http://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        response = await world.client.post(path, **sent, headers=headers)  # type: ignore[arg-type] # of several types
        assert errors.FORM_REFUSED.title in page(response, 403)
    for wrong in ([], [("token", token[::-1])]):
        assert errors.FORM_REFUSED.title in page(await send(world.client, path, wrong), 403)
    world.client.cookies.clear()
    html = page(await send(world.client, path, [("token", token)]), 401)
    assert errors.UNAUTHENTICATED.title in html
    assert 'href="/login?next=/import"' in html, "the login leads back to the form"
    assert not import_calls(world)


@pytest.mark.parametrize("term", HOSTILE)
async def test_terms_are_text(world: World, term: str) -> None:
    token = await token_of(world)
    world.reply(PreviewSnapshot=read_pair((term, "costco")))
    pair = page(await send(world.client, "/import", [("token", token)]))
    world.reply(PreviewSnapshot=read(column(term), column("a"), column("b")))
    choice = page(await send(world.client, "/import", [("token", token)]))
    for html in (pair, choice):
        assert "<script>alert" not in html
        assert "<img" not in html
        assert str(escape(term)) in html


async def test_the_sample_is_stored_and_opened(world: World) -> None:
    token = await token_of(world)
    html = page(await world.client.get("/"))
    assert 'formaction="/import/sample"' in html
    refused = await world.client.post("/import/sample", data={"token": "wrong"}, headers=SAME_SITE)
    assert errors.FORM_REFUSED.title in page(refused, 403)
    world.reply(IngestSnapshot=read_pair().snapshot)
    response = await world.client.post("/import/sample", data={"token": token}, headers=SAME_SITE)
    assert (response.status_code, response.headers["location"]) == (303, "/compare/amazon-vs-costco?tf=12m")
    assert world.jobs.only("IngestSnapshot").metadata["x-warmcast-operator"] == "Ada"
    [file] = world.jobs.only("IngestSnapshot").request.files.files
    assert file.content == (await world.client.get("/import/sample.csv")).content


async def test_the_sample_can_be_downloaded(world: World) -> None:
    assert "/import/sample.csv" in page(await world.client.get("/"))
    response = await world.client.get("/import/sample.csv")
    assert response.headers["content-type"].startswith("text/csv")
    rows = list(csv.reader(io.StringIO(response.text)))[3:]
    assert len(rows) == 260
    assert all(0 <= int(value) <= 100 for row in rows for value in row[1:])
