"""The import page: preview, choice of terms, confirmation, refusals, and what it protects."""

from __future__ import annotations

import csv
import io
import re
from typing import Any

import httpx
import pytest
from markupsafe import escape
from pydantic import SecretStr
from warmcast.jobs.v1 import jobs_pb2

from services.common import errors
from services.common.errors import WarmcastError
from services.gateway.auth.api_keys import new_api_key
from services.gateway.auth.rate_limits import Rate
from tests.integration.gateway.conftest import SECRET, OpenWorld, World
from tests.integration.gateway.data import HASH, moment
from tests.integration.gateway.pages.browser import SAME_SITE, form_token, log_in, page
from tests.integration.gateway.peers import Call

CSV = b"Week,amazon,costco\n2025-01-05,40,60\n"
FILE = ("file", ("multiTimeline.csv", CSV, "text/csv"))
HOSTILE = ("<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "{{7*7}}", "\u202eevil", "x" * 100)


def column(term: str, *, chosen: bool = True, values: int = 52, missing: int = 0) -> jobs_pb2.ImportColumn:
    lowest, highest = (3, 91) if values else (0, 0)
    sampled = (lowest, highest, 40) if values else ()
    return jobs_pb2.ImportColumn(
        term=term,
        chosen=chosen,
        values=values,
        missing=missing,
        lowest=lowest,
        highest=highest,
        sampled_values=sampled,
    )


def read(*columns: jobs_pb2.ImportColumn, **more: Any) -> jobs_pb2.PreviewSnapshotResponse:
    """What a preview returns of 52 weeks; without `slug` in `more`, the terms are to be chosen."""
    snapshot = jobs_pb2.IngestSnapshotResponse(
        timeframe="12m",
        points=52,
        first=moment("2025-01-05"),
        last=moment("2025-12-28"),
        as_of=moment("2026-01-02T10:30:00.123456"),
        step="weekly",
        **{"created": True, **more},
    )
    return jobs_pb2.PreviewSnapshotResponse(snapshot=snapshot, columns=columns)


def read_pair(terms: tuple[str, str] = ("amazon", "costco"), **more: Any) -> jobs_pb2.PreviewSnapshotResponse:
    return read(*map(column, terms), slug="amazon-vs-costco", terms=terms, data_hash=HASH, **more)


def stored_pair(**more: Any) -> jobs_pb2.IngestPreviewedResponse:
    """What storing it returns."""
    return jobs_pb2.IngestPreviewedResponse(snapshot=read_pair(**more).snapshot)


def import_calls(world: World) -> list[Call]:
    """The calls of all RPCs that read files."""
    return [
        call for name in ("PreviewSnapshot", "IngestPreviewed", "IngestSnapshot") for call in world.jobs.calls[name]
    ]


def words(html: str) -> str:
    """The text of a page."""
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


def sent_again(html: str, action: str) -> list[tuple[str, str]]:
    """The hidden fields of a form, as a browser sends them."""
    form = re.search(rf'<form[^>]+action="{action}".*?</form>', html, re.DOTALL)
    assert form
    return re.findall(r'type="hidden" name="([^"]*)" value="([^"]*)"', form[0])


async def send(client: httpx.AsyncClient, path: str, fields: list[tuple[str, str]], *files: Any) -> httpx.Response:
    """Sends a form as a browser does."""
    parts: list[Any] = [(name, (None, value)) for name, value in fields]
    return await client.post(path, files=parts + list(files or [FILE]), headers=SAME_SITE)


async def token_of(world: World) -> str:
    """Logs in, and returns the token of the form."""
    await log_in(world.client)
    return form_token(page(await world.client.get("/import")))


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
    ("name", "value", "text"),
    [
        ("tf", "13m", "Unknown timeframe"),
        ("geo", '"><script>', "Malformed geo"),
        ("asOf", "yesterday", "must be an ISO 8601 time"),
    ],
)
async def test_a_wrong_setting_is_named_and_kept(world: World, name: str, value: str, text: str) -> None:
    token = await token_of(world)
    html = page(await send(world.client, "/import", [("token", token), (name, value)]), 400)
    assert text in html
    assert "<script>" not in html
    assert name == "tf" or f'value="{escape(value)}"' in html
    assert not import_calls(world)


@pytest.mark.parametrize("empty", [[("file", ("", b"", "application/octet-stream"))], [("other", (None, "x"))]])
async def test_a_file_is_needed(world: World, empty: list[Any]) -> None:
    token = await token_of(world)
    html = page(await send(world.client, "/import", [("token", token), ("geo", "US")], *empty), 400)
    assert "The form has no file" in html
    assert 'value="US"' in html


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
    assert errors.UNAUTHENTICATED.title in page(await send(world.client, path, [("token", token)]), 401)
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
    [file] = world.jobs.only("IngestSnapshot").request.files.files
    assert file.content == (await world.client.get("/import/sample.csv")).content


async def test_the_sample_can_be_downloaded(world: World) -> None:
    assert "/import/sample.csv" in page(await world.client.get("/"))
    response = await world.client.get("/import/sample.csv")
    assert response.headers["content-type"].startswith("text/csv")
    rows = list(csv.reader(io.StringIO(response.text)))[3:]
    assert len(rows) == 260
    assert all(0 <= int(value) <= 100 for row in rows for value in row[1:])
