"""What the rehearsal asks of the product."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import httpx

from devstack.rehearsal.load import Load

_PREMIUM = "/api/comparison/premium"
_WEEKS = 104


class Client:
    """Speaks to whatever gateway the Service finds; its comparisons are of numbers that are plainly made up."""

    def __init__(self, secret: str, endpoints: Callable[[], list[str]]) -> None:
        """`endpoints` are host:port of gateways that can be asked now."""
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

    def load(self, term: str) -> Load:
        """Reads and writes of a comparison that is warm."""
        return Load(self._endpoints, (_PREMIUM, _query(term)), lambda http, base: self._write(http, base, term))

    async def _write(self, http: httpx.AsyncClient, base: str, term: str) -> httpx.Response:
        return await http.post(
            f"{base}/api/comparisons", json=_comparison(term), headers={"X-Warmup-Secret": self._secret}
        )

    def _base(self) -> str:
        if not (found := self._endpoints()):
            raise LookupError("the Service finds no gateway")
        return f"http://{found[0]}"


def slug_of(term: str) -> str:
    """The slug of `amazon` and that term."""
    return "-vs-".join(sorted(("amazon", term)))


def _query(term: str) -> dict[str, str]:
    return {"slug": slug_of(term), "tf": "5y", "geo": ""}


def _comparison(term: str) -> dict[str, object]:
    points = []
    for week in range(_WEEKS):
        season = math.sin(week * math.tau / 52)
        values = [round(60 + 20 * season + week % 5), round(30 - 9 * season + (week + len(term)) % 7)]
        points.append({"date": (date(2022, 1, 2) + timedelta(weeks=week)).isoformat(), "values": values})
    return {"terms": ["amazon", term], "timeframe": "5y", "geo": "", "source": "rehearsal", "points": points}
