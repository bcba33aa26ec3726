"""REST calls to a running product, and access to its database and Redis."""

from __future__ import annotations

import csv
import dataclasses
import io
import math
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import httpx
import psycopg
import redis
from psycopg.rows import dict_row

from services.forecaster.cache import envelope
from tests.waiting import wait_until

if TYPE_CHECKING:
    from tests.e2e.conftest import Product

PREMIUM = "/api/comparison/premium"
AMAZON = {"slug": "amazon-vs-costco", "tf": "5y", "geo": "US"}
Answer = dict[str, Any]  # JSON


def export(
    term_a: str = "amazon",
    term_b: str = "costco",
    *,
    weeks: int = 104,
    place: str = "United States",
    scale: float = 1.0,
) -> bytes:
    """A weekly export of two terms in Google's format, with synthetic values multiplied by `scale`."""
    out = io.StringIO()
    out.write("Category: All categories\r\n\r\n")
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(["Week", f"{term_a}: ({place})", f"{term_b}: ({place})"])
    for week in range(weeks):
        season = math.sin(week * math.tau / 52)
        writer.writerow(
            [
                date(2022, 1, 2) + timedelta(weeks=week),
                round(scale * (60 + 20 * season + week % 5)),
                round(scale * (30 - 9 * season + week % 3)),
            ]
        )
    return out.getvalue().encode()


class Caller:
    """A client of one product."""

    def __init__(self, product: Product) -> None:
        self.product = product
        self.http = httpx.Client(base_url=product.base_url, timeout=90, trust_env=False)
        self.secret = {"X-Warmup-Secret": product.secret}

    def ingest(self, content: bytes | None = None, **query: str) -> Answer:
        """Imports an export, which must succeed."""
        headers = self.secret | {"Content-Type": "text/csv"}
        response = self.http.post("/api/comparisons", content=content or export(), headers=headers, params=query)
        assert response.status_code in (200, 201), response.text
        return dict(response.json())

    def premium(self, slug: str = "amazon-vs-costco", tf: str = "5y", geo: str = "US") -> Answer:
        """The premium answer; its status must be 200."""
        response = self.http.get(PREMIUM, params={"slug": slug, "tf": tf, "geo": geo})
        assert response.status_code == 200, response.text
        return dict(response.json())

    def until(self, status: str, *, timeout: float = 120, fresh: bool = False, **comparison: str) -> Answer:
        """Requests the premium answer until it has that status; with `fresh`, also until it is not stale."""

        def answer() -> Answer | None:
            now = self.http.get(PREMIUM, params=AMAZON | comparison)
            # 503 while a service or store is unavailable.
            found = dict(now.json())
            matches = now.status_code == 200 and found["warmupStatus"] == status
            return found if matches and not (fresh and found["stale"]) else None

        found = wait_until(answer, timeout, f"warmupStatus is {status}")
        assert found is not None
        return found

    def post(self, path: str, **query: str) -> Answer:
        """A POST with the warmup secret, which must succeed."""
        response = self.http.post(path, headers=self.secret, params=query)
        assert response.is_success, response.text
        return dict(response.json())

    def post_json(self, path: str, document: Answer) -> Answer:
        """A POST with the warmup secret and a body, which must succeed."""
        response = self.http.post(path, headers=self.secret, json=document)
        assert response.is_success, response.text
        return dict(response.json())

    def rows(self, statement: str = "SELECT * FROM warmup_jobs ORDER BY id") -> list[dict[str, Any]]:
        """Runs SQL and returns its rows. Tests change times in the database instead of waiting."""
        with psycopg.connect(self.product.database_url, autocommit=True, row_factory=dict_row) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def redis(self) -> redis.Redis:
        """The product's Redis."""
        return redis.Redis.from_url(self.product.redis_url)


def age(caller: Caller, by: timedelta) -> None:
    """Ages the bundles in Redis and the run that computed them."""
    keys = caller.premium()["forecastCacheKeysUsed"]
    names = (keys["termAKey"], keys["termBKey"])
    with caller.redis() as client:
        pair = envelope.unseal(*client.mget(names))
        assert pair is not None
        aged = dataclasses.replace(pair, generated_at=datetime.now(UTC) - by)
        for name, value in zip(names, envelope.seal(aged), strict=True):
            client.set(name, value, keepttl=True)
    caller.rows(f"UPDATE warmup_jobs SET completed_at = completed_at - interval '{by.total_seconds()} s'")
