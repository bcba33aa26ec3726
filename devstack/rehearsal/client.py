"""What the rehearsal asks of the product, and sees of its queue."""

from __future__ import annotations

import math
from datetime import date, timedelta
from typing import Any

import httpx
import psycopg

from devstack.rehearsal.cluster import Cluster
from devstack.rehearsal.load import Load

_PREMIUM = "/api/comparison/premium"
_WEEKS = 104


class Client:
    """Speaks to whatever gateway the Service finds; its comparisons are of numbers that are plainly made up."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster

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
        endpoints = lambda: self._cluster.endpoints("gateway", "http")  # noqa: E731 - one line says it
        return Load(endpoints, (_PREMIUM, _query(term)), lambda http, base: self._write(http, base, term))

    def rows(self) -> list[tuple[str, str, int]]:
        """Slug, status and attempts of each job in the queue, by age."""
        with psycopg.connect(self._cluster.postgres.url) as connection:
            return connection.execute("SELECT slug, status, attempts FROM warmup_jobs ORDER BY id").fetchall()

    async def _write(self, http: httpx.AsyncClient, base: str, term: str) -> httpx.Response:
        return await http.post(
            f"{base}/api/comparisons", json=_comparison(term), headers={"X-Warmup-Secret": self._cluster.secret}
        )

    def _base(self) -> str:
        if not (found := self._cluster.endpoints("gateway", "http")):
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
