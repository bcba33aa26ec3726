"""Lists of the console: a filter that stays in the address, pages by cursor, and the whole list as CSV."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias
from urllib.parse import urlencode

from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import Response

from services.common.comparison import invalid
from services.gateway.http.representation import Representation
from services.gateway.pages import spreadsheet
from services.gateway.routes.requests.parameters import single

PAGE_SIZE = 50
MAX_CSV_ROWS = 10_000
CSV_PAGE_SIZE = 200
_MAX_VALUE = 100  # characters of one filter field
# Fetches the page after a cursor: its rows as cells, and the next cursor, empty after the last page.
FetchRows: TypeAlias = Callable[[str], Awaitable[tuple[Sequence[Iterable[object]], str]]]


@dataclass(frozen=True)
class Field:
    """One field of a filter form."""

    name: str  # of the parameter
    label: str
    value: str
    options: tuple[tuple[str, str], ...] = ()  # value and words of a choice; without any, the field takes text
    hint: str = ""  # an example, shown in an empty field
    rare: bool = False  # among those that are folded away until one of them is used


@dataclass(frozen=True)
class Addresses:
    """The addresses of a list with its filter."""

    path: str  # of the page, such as /ops/jobs
    filter: Mapping[str, str]  # parameters that are not empty

    def page(self, cursor: str = "") -> str:
        """The page after a cursor; the first one without."""
        return self._of(self.path, cursor)

    def fragment(self, cursor: str = "") -> str:
        """The live part of the same."""
        return self._of(f"{self.path}/fragment", cursor)

    @property
    def csv(self) -> str:
        """The whole list."""
        return self._of(f"{self.path}.csv", "")

    def _of(self, path: str, cursor: str) -> str:
        parameters = {**self.filter, **({"cursor": cursor} if cursor else {})}
        return f"{path}?{urlencode(parameters)}" if parameters else path


def read_filter(query: QueryParams, names: Iterable[str]) -> dict[str, str]:
    """The fields of a filter that are not empty. Raises WarmcastError for one that is repeated or too long."""
    found = {}
    for name in names:
        value = (single(query, name) or "").strip()
        if len(value) > _MAX_VALUE:
            raise invalid(name, f"{name} is longer than {_MAX_VALUE} characters")
        if value:
            found[name] = value
    return found


async def csv_download(request: Request, name: str, header: Sequence[str], fetch: FetchRows) -> Response:
    """A list as a file `name`.csv, at most MAX_CSV_ROWS rows; cells that a spreadsheet would run are escaped."""
    rows: list[Iterable[object]] = [header]
    cursor = ""
    while True:
        page, cursor = await fetch(cursor)
        rows += page
        if not cursor or len(rows) > MAX_CSV_ROWS:
            break
    headers = {
        "cache-control": "private, no-store",
        "vary": "accept-encoding, cookie",
        "content-disposition": f'attachment; filename="{name}.csv"',
    }

    def respond() -> Response:
        body = spreadsheet.as_csv(rows[: MAX_CSV_ROWS + 1])
        return Representation(body, headers, "text/csv").respond(request.scope["headers"])

    # 10,000 rows take long enough to block other requests.
    return await asyncio.to_thread(respond)
