"""The filter of jobs, as it stands in addresses and forms."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from urllib.parse import urlencode

from starlette.datastructures import QueryParams
from warmcast.jobs.v1 import operations_pb2

from services.common.comparison import TIMEFRAMES, ComparisonKey
from services.common.job_status import JobStatus
from services.gateway.pages.operations.frame.lists import Field
from services.gateway.pages.words import TIMEFRAMES as TIMEFRAME_WORDS
from services.gateway.routes.operators import filters

NAMES: Final = ("status", "reason", "slug", "tf", "geo", "olderThan", "newerThan", "errorReason", "engineVersion")
WORLDWIDE: Final = "worldwide"  # an empty field means any geo
REASONS: Final = {
    "first-call": "first call",
    "refresh": "refresh",
    "cache-lost": "cache lost",
    "by-hand": "by hand",
    "import": "import",
}


def job_filter(given: Mapping[str, str]) -> operations_pb2.JobFilter:
    """The filter as a message. Raises WarmcastError for a field that cannot be read."""
    worldwide = given.get("geo", "").lower() == WORLDWIDE
    query = QueryParams({**given, "geo": ""} if worldwide else dict(given))
    return filters.job_filter(filters.from_query(query))


def jobs_of(key: ComparisonKey) -> str:
    """The list of all jobs of a comparison."""
    return f"/ops/jobs?{urlencode({'slug': key.slug, 'tf': key.timeframe, 'geo': key.geo or WORLDWIDE})}"


def fields(given: Mapping[str, str]) -> list[Field]:
    """The form."""
    value = given.get
    return [
        Field("status", "Status", value("status", ""), tuple((each, each) for each in JobStatus)),
        Field("slug", "Comparison", value("slug", ""), hint="tea-vs-coffee"),
        Field("errorReason", "Error", value("errorReason", ""), hint="unavailable"),
        Field("olderThan", "Older than", value("olderThan", ""), hint="2h"),
        Field("newerThan", "Newer than", value("newerThan", ""), hint="7d", rare=True),
        Field(
            "tf", "Timeframe", value("tf", ""), tuple((name, TIMEFRAME_WORDS[name]) for name in TIMEFRAMES), rare=True
        ),
        Field("geo", "Geo", value("geo", ""), hint=f"US, or {WORLDWIDE}", rare=True),
        Field("reason", "Enqueued by", value("reason", ""), tuple(REASONS.items()), rare=True),
        Field("engineVersion", "Engine", value("engineVersion", ""), hint="9", rare=True),
    ]
