"""Addresses of one comparison."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote, urlencode

from services.common.comparison import ComparisonKey


@dataclass(frozen=True)
class Links:
    """The page of a comparison, and what belongs to it."""

    page: str
    fragment: str
    events: str
    csv: str
    json: str
    retry: str

    @classmethod
    def of(cls, key: ComparisonKey) -> Links:
        """The addresses of `key`."""
        query = urlencode({"tf": key.timeframe, **({"geo": key.geo} if key.geo else {})})
        slug = quote(key.slug)
        page = f"/compare/{slug}"
        return cls(
            page=f"{page}?{query}",
            fragment=f"{page}/fragment?{query}",
            events=f"{page}/events?{query}",
            csv=f"{page}/data.csv?{query}",
            json=f"{page}/data.json?{query}",
            retry=f"{page}/retry?{query}",
        )
