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

from rehearsal.kept_alive import KeptAlive
from rehearsal.load import Failed, Load

_PREMIUM = "/api/comparison/premium"
_WEEKS = 104
_READERS = 5  # beside one writer
_KEPT_ALIVE = 3  # readers, each on a connection of its own
_PAUSE = 0.02  # seconds; paces the load, which two processors carry beside all the rest


class Client:
    """Speaks to whatever gateway the Service finds; its comparisons are of numbers that are plainly made up."""

    def __init__(self, secret: str, endpoints: Callable[[], list[str]]) -> None:
        """`endpoints` are host:port of the gateways that are ready."""
        self._secret = secret
        self._endpoints = endpoints

    async def ingest(self, term: str) -> None:
        """Imports `amazon` and that term. Raises httpx.HTTPStatusError when it is not taken."""
        async with httpx.AsyncClient(timeout=30, trust_env=False) as http:
            (await self._write(http, self._base(), term)).raise_for_status()

    async def premium(self, term: str) -> dict[str, Any]:
        """The premium answer of `amazon` and that term."""
        async with httpx.AsyncClient(timeout=30, trust_env=False) as http:
            response = await http.get(self._base() + _PREMIUM, params=_query(term))
            response.raise_for_status()
            return dict(response.json())

    async def status(self, term: str) -> str:
        """Its `warmupStatus`; what went wrong where there is no answer now, as while pods come back."""
        try:
            return str((await self.premium(term))["warmupStatus"])
        except (httpx.HTTPError, LookupError) as error:
            return repr(error)

    @asynccontextmanager
    async def load(self, term: str) -> AsyncIterator[Load]:
        """Reads and writes of a comparison that is warm, at all gateways, for as long as the context lasts."""
        async with httpx.AsyncClient(timeout=20, trust_env=False) as http:
            read, write = partial(self._read_warm, http, term), partial(self._write_again, http, term)
            kept = [KeptAlive(self._any_endpoint) for _ in range(_KEPT_ALIVE)]
            load = Load([write, *[read] * _READERS, *(partial(_read_kept_alive, each, term) for each in kept)], _PAUSE)
            async with load.running():
                yield load
            for each in kept:
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
            raise Failed("the Service finds no gateway")
        return random.choice(found)  # noqa: S311

    def _base(self) -> str:
        if not (found := self._endpoints()):
            raise LookupError("the Service finds no gateway")
        return f"http://{found[0]}"


def slug_of(term: str) -> str:
    """The slug of `amazon` and that term."""
    return "-vs-".join(sorted(("amazon", term)))


def _good(response: httpx.Response) -> httpx.Response:
    if not response.is_success:
        raise Failed(f"{response.status_code}: {response.text[:200]}")
    return response


async def _read_kept_alive(kept: KeptAlive, term: str) -> None:
    _check_warm(json.loads(await kept.get(f"{_PREMIUM}?{urlencode(_query(term))}")))


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
