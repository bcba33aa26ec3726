"""What jobs answer to imports on pages, and forms as a browser sends them."""

from __future__ import annotations

import re
from typing import Any

import httpx
from warmcast.jobs.v1 import jobs_pb2

from tests.integration.gateway.conftest import World
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
