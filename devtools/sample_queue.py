"""Fills a product with synthetic comparisons and their jobs, for pictures of the console."""

from __future__ import annotations

import math
import time
from datetime import date, timedelta

import httpx

from devstack.processes.child import DevstackError

# Terms, timeframe, geo, and how often each is requested. Those at the end are not, and so stay cold.
_COMPARISONS = (
    ("tea", "coffee", "12m", "US", 9),
    ("python", "rust", "5y", "", 7),
    ("amazon", "costco", "5y", "US", 6),
    ("ventilateur", "climatiseur", "12m", "FR", 4),
    ("iphone", "android", "12m", "DE", 3),
    ("bitcoin", "ethereum", "5y", "", 2),
    ("ski", "snowboard", "12m", "CH", 2),
    ("netflix", "youtube", "5y", "", 1),
    ("bread", "rice", "12m", "", 1),
    ("tennis", "golf", "5y", "GB", 1),
    ("piano", "guitar", "12m", "", 0),
    ("cat", "dog", "5y", "", 0),
)
_WEEKS = {"12m": 53, "5y": 261}
_LAST = date(2026, 11, 22)
_SECONDS = 60.0


def fill_queue(base_url: str, secret: str) -> None:
    """Imports the comparisons, requests most of them, and waits until no job is queued.

    Raises DevstackError for an unexpected answer.
    """
    with httpx.Client(base_url=base_url, timeout=30, trust_env=False, headers={"X-Warmup-Secret": secret}) as client:
        for number, (one, other, timeframe, geo, _) in enumerate(_COMPARISONS):
            body = {"terms": [one, other], "timeframe": timeframe, "geo": geo, "source": "synthetic"}
            _checked(client.post("/api/comparisons", json={**body, "points": _points(number, _WEEKS[timeframe])}))
        for one, other, timeframe, geo, requests in _COMPARISONS:
            for _ in range(requests):
                _premium(client, one, other, timeframe, geo)
        until = time.monotonic() + _SECONDS
        while _checked(client.get("/api/jobs", params={"status": "queued"})).json()["jobs"]:
            if time.monotonic() > until:
                raise DevstackError(f"jobs still wait after {_SECONDS:.0f} s")
            time.sleep(0.2)


def _premium(client: httpx.Client, one: str, other: str, timeframe: str, geo: str) -> None:
    slug = "-vs-".join(sorted((one, other)))
    _checked(client.get("/api/comparison/premium", params={"slug": slug, "tf": timeframe, "geo": geo}))


def _points(number: int, weeks: int) -> list[dict[str, object]]:
    """A season, a trend and a ripple, which differ by comparison."""
    points: list[dict[str, object]] = []
    for week in range(weeks):
        season = math.sin(week * math.tau / 52 + number)
        trend = 12 * week / weeks * (-1) ** number
        values = [55 + 15 * season + trend + (week * 7 + number) % 5, 40 - 9 * season - trend + week % (3 + number % 4)]
        day = _LAST - timedelta(weeks=weeks - 1 - week)
        points.append({"date": str(day), "values": [round(value, 1) for value in values]})
    return points


def _checked(response: httpx.Response) -> httpx.Response:
    if response.status_code >= 400:
        raise DevstackError(f"{response.request.url.path} answered {response.status_code}: {response.text[:300]}")
    return response
