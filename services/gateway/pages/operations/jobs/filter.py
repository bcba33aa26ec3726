"""The filter of jobs, as it stands in addresses and forms."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from starlette.datastructures import QueryParams
from warmcast.jobs.v1 import jobs_pb2

from services.common.comparison import TIMEFRAMES, canonical_slug, invalid, parse_geo, parse_timeframe
from services.common.job_status import JobStatus
from services.common.rpc.job_status import TO_PROTO
from services.gateway.pages.operations.frame.lists import Field
from services.gateway.pages.words import TIMEFRAMES as TIMEFRAME_WORDS
from services.gateway.routes.parameters import age

NAMES: Final = ("status", "reason", "slug", "tf", "geo", "olderThan", "newerThan", "errorReason", "engineVersion")
WORLDWIDE: Final = "worldwide"  # an empty field means any geo
REASONS: Final = {
    "first-call": "first call",
    "refresh": "refresh",
    "cache-lost": "cache lost",
    "by-hand": "by hand",
    "import": "import",
}


def list_request(given: Mapping[str, str]) -> jobs_pb2.ListJobsRequest:
    """The request for jobs that match. Raises WarmcastError for a field that cannot be read."""
    query = QueryParams(list(given.items()))
    request = jobs_pb2.ListJobsRequest(
        slug=canonical_slug(given["slug"]) if "slug" in given else "",
        timeframe=parse_timeframe(given["tf"]).name if "tf" in given else "",
        reason=given.get("reason", ""),
        error_reason=given.get("errorReason", ""),
        engine_version=given.get("engineVersion", ""),
        older_than_seconds=age(query, "olderThan"),
        newer_than_seconds=age(query, "newerThan"),
    )
    if "status" in given:
        request.status = _status(given["status"])
    if "geo" in given:
        request.geo = "" if given["geo"].lower() == WORLDWIDE else parse_geo(given["geo"])
    return request


def fields(given: Mapping[str, str]) -> list[Field]:
    """The form."""
    value = given.get
    return [
        Field("status", "Status", value("status", ""), tuple((each, each) for each in JobStatus)),
        Field("slug", "Comparison", value("slug", ""), hint="tea-vs-coffee"),
        Field("tf", "Timeframe", value("tf", ""), tuple((name, TIMEFRAME_WORDS[name]) for name in TIMEFRAMES)),
        Field("geo", "Geo", value("geo", ""), hint=f"US, or {WORLDWIDE}"),
        Field("reason", "Enqueued by", value("reason", ""), tuple(REASONS.items())),
        Field("errorReason", "Error", value("errorReason", ""), hint="unavailable"),
        Field("engineVersion", "Engine", value("engineVersion", ""), hint="9"),
        Field("olderThan", "Older than", value("olderThan", ""), hint="2h"),
        Field("newerThan", "Newer than", value("newerThan", ""), hint="7d"),
    ]


def _status(text: str) -> jobs_pb2.JobStatus.ValueType:
    if text not in set(JobStatus):
        raise invalid("status", f"status must be one of {', '.join(JobStatus)}")
    return TO_PROTO[JobStatus(text)]
