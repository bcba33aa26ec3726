"""JSON schemas of all bodies: those of responses are generated from their types."""

from __future__ import annotations

import msgspec

from services.common.comparison import TIMEFRAMES
from services.common.job_status import JobStatus
from services.gateway.bodies.comparisons import ComparisonDetail, ComparisonList, Ingested, Preview
from services.gateway.bodies.fields import REF
from services.gateway.bodies.forecasts import ForecastBundle, HeadToHead
from services.gateway.bodies.insights import Interpretation, TermInsights, Together
from services.gateway.bodies.jobs import JobList, Run, Sweep, Triggered
from services.gateway.bodies.operators.attempts import AttemptList
from services.gateway.bodies.operators.coverage import FILTER_STATES, CoverageList, CoverageSummary
from services.gateway.bodies.operators.operations import ActionList, PreparedOperation, PreparedWarming
from services.gateway.bodies.operators.schedules import ScheduleRunList
from services.gateway.bodies.operators.statistics import HolderList, Statistics
from services.gateway.bodies.operators.track_record import TrackRecord
from services.gateway.bodies.premium import Premium, StatusEvent
from services.gateway.bodies.trust import Trust
from services.gateway.http.problems import Problem
from services.gateway.http.readiness import Health
from services.gateway.openapi.shapes import Schema, array, obj, text

TIMEFRAME = text("7d hourly; 30d, 3m daily; 12m, 5y weekly; all monthly", enum=list(TIMEFRAMES))
STATUS = list(JobStatus)
_RESPONSES = (
    Problem,
    Premium,
    StatusEvent,
    ForecastBundle,
    HeadToHead,
    TermInsights,
    Together,
    Interpretation,
    ComparisonList,
    ComparisonDetail,
    Ingested,
    Preview,
    Triggered,
    JobList,
    Run,
    Sweep,
    Trust,
    Health,
    AttemptList,
    Statistics,
    HolderList,
    CoverageList,
    CoverageSummary,
    PreparedOperation,
    PreparedWarming,
    TrackRecord,
    ScheduleRunList,
    ActionList,
)
REASON = text("why, for the audit", maxLength=500)
_AGE = text("90 (seconds), 5m, 2h or 7d")
_FILTER: dict[str, Schema] = {
    "status": text(enum=STATUS),
    "slug": text(),
    "tf": TIMEFRAME,
    "geo": text("empty is worldwide"),
    "reason": text("of the episode, such as refresh"),
    "errorReason": text("of the last error, such as unavailable"),
    "engineVersion": text("with which it last became ready"),
    "olderThan": _AGE,
    "newerThan": _AGE,
}
_COVERAGE: dict[str, Schema] = {
    "state": text("of the forecasts", enum=list(FILTER_STATES)),
    "q": text("beginning of either term"),
    "tf": TIMEFRAME,
    "geo": text("empty is worldwide"),
    "requested": {"type": "boolean", "description": "only those requested in the last 7 d"},
}


def _bulk(filters: dict[str, Schema]) -> Schema:
    return obj(
        {
            "filter": obj(filters, optional=tuple(filters)),
            "reason": {**REASON, "description": f"{REASON['description']}; required unless it is a dry run"},
            "dryRun": {"type": "boolean", "description": "only prepare the operation"},
        },
        optional=("filter", "reason", "dryRun"),
    )


# Not generated, because the gateway accepts more than it documents: null for optional fields, `timeframe` for `tf`.
_REQUESTS: dict[str, Schema] = {
    "Series": obj(
        {
            "terms": array(text(), minItems=2, maxItems=2),
            "timeframe": TIMEFRAME,
            "geo": text("ISO 3166 code or metro area; empty is worldwide"),
            "source": text("origin of the values"),
            "points": array(
                obj(
                    {
                        "date": {
                            "type": ["string", "number"],
                            "description": "preferably an ISO 8601 date, or date and hour; epoch seconds and the date "
                            "formats of CSV files are accepted too",
                            "examples": ["2026-01-04"],
                        },
                        "values": array(
                            {"type": ["number", "null"]},
                            "one for each term, 0 to 100; null where unknown",
                            minItems=2,
                            maxItems=2,
                        ),
                    }
                ),
                "in ascending or descending order",
            ),
        },
        optional=("timeframe", "geo", "source"),
    ),
    "Trigger": obj(
        {
            "slug": text(),
            "tf": TIMEFRAME,
            "geo": text(),
            "force": {
                "type": "boolean",
                "description": "compute even if the bundles are cached, and restart a running job",
            },
            "reason": REASON,
        },
        optional=("tf", "geo", "force", "reason"),
    ),
    "Reason": obj({"reason": REASON}, optional=("reason",)),
    "Bulk": _bulk(_FILTER),
    "Warming": _bulk(_COVERAGE),
}

SCHEMAS: dict[str, Schema] = {**msgspec.json.schema_components(_RESPONSES, ref_template=REF)[1], **_REQUESTS}
