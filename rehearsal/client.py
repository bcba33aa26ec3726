"""The calls of the rehearsal to the product."""

from __future__ import annotations

import json
import math
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import date, timedelta
from functools import partial
from typing import Any
from urllib.parse import urlencode

import httpx

from rehearsal.keep_alive import KeepAliveClient
from rehearsal.load import Failed, Load

_PREMIUM = "/api/comparison/premium"
_WEEKS = 104
_READERS = 5  # beside one writer
_KEPT_ALIVE = 3  # readers with keep-alive connections
_PAUSE = 0.02  # seconds between two calls; limits the load for machines with two processors


class Client:
    """Calls gateways that are ready, with comparisons of synthetic values."""

    def __init__(self, secret: str, endpoints: Callable[[], list[str]]) -> None:
        """`endpoints` returns host:port of each ready gateway."""
        self._secret = secret
        self._endpoints = endpoints

    async def ingest(self, term: str) -> None:
        """Imports a comparison of `amazon` and that term. Raises httpx.HTTPStatusError if it is refused."""
        async with httpx.AsyncClient(timeout=30, trust_env=False) as http:
            (await self._write(http, self._base(), term)).raise_for_status()

    async def premium(self, term: str) -> dict[str, Any]:
        """The premium answer of `amazon` and that term."""
        async with httpx.AsyncClient(timeout=30, trust_env=False) as http:
            response = await http.get(self._base() + _PREMIUM, params=_query(term))
            response.raise_for_status()
            return dict(response.json())

    async def status(self, term: str) -> str:
        """The `warmupStatus`, or the error's text without an answer, as while pods restart."""
        try:
            return str((await self.premium(term))["warmupStatus"])
        except (httpx.HTTPError, LookupError) as error:
            return repr(error)

    @asynccontextmanager
    async def load(self, term: str) -> AsyncIterator[Load]:
        """Reads and writes a warm comparison at all gateways during the context."""
        async with httpx.AsyncClient(timeout=20, trust_env=False) as http:
            read, write = partial(self._read_warm, http, term), partial(self._write_again, http, term)
            connections = [KeepAliveClient(self._any_endpoint) for _ in range(_KEPT_ALIVE)]
            load = Load(
                [write, *[read] * _READERS, *(partial(_read_kept_alive, each, term) for each in connections)], _PAUSE
            )
            async with load.running():
                yield load
            for each in connections:
                each.close()

    async def _read_warm(self, http: httpx.AsyncClient, term: str) -> None:
        _check_warm(_good(await http.get(self._any_base() + _PREMIUM, params=_query(term))).json())

    async def _write_again(self, http: httpx.AsyncClient, term: str) -> None:
        _good(await self._write(http, self._any_base(), term))

    async def _write(self, http: httpx.AsyncClient, base: str, term: str) -> httpx.Response:
        return await http.post(
            f"{base}/api/comparisons", json=_comparison(term), headers={"X-Warmup-Secret": self._secret}
        )

    def _any_base(self) -> str:
        return f"http://{self._any_endpoint()}"

    def _any_endpoint(self) -> str:
        if not (found := self._endpoints()):
            raise Failed("no gateway is ready")
        return random.choice(found)  # noqa: S311

    def _base(self) -> str:
        if not (found := self._endpoints()):
            raise LookupError("no gateway is ready")
        return f"http://{found[0]}"


def slug_of(term: str) -> str:
    """The slug of `amazon` and that term."""
    return "-vs-".join(sorted(("amazon", term)))


def _good(response: httpx.Response) -> httpx.Response:
    if not response.is_success:
        raise Failed(f"{response.status_code}: {response.text[:200]}")
    return response


async def _read_kept_alive(connections: KeepAliveClient, term: str) -> None:
    _check_warm(json.loads(await connections.get(f"{_PREMIUM}?{urlencode(_query(term))}")))


def _check_warm(answer: dict[str, Any]) -> None:
    if (answer["warmupStatus"], answer["stale"]) != ("ready", False):
        raise Failed("a stale answer, since a dependency is unavailable")


def _query(term: str) -> dict[str, str]:
    return {"slug": slug_of(term), "tf": "5y", "geo": ""}


def _comparison(term: str) -> dict[str, object]:
    points = []
    for week in range(_WEEKS):
        season = math.sin(week * math.tau / 52)
        values = [round(60 + 20 * season + week % 5), round(30 - 9 * season + (week + len(term)) % 7)]
        points.append({"date": (date(2022, 1, 2) + timedelta(weeks=week)).isoformat(), "values": values})
    return {"terms": ["amazon", term], "timeframe": "5y", "geo": "", "source": "rehearsal", "points": points}
