"""JSON schemas of all bodies."""

from __future__ import annotations

from services.common.comparison import TIMEFRAMES
from services.common.job_status import JobStatus
from services.gateway.openapi.shapes import Schema, array, boolean, integer, number, obj, or_null, ref, text


def _share(description: str) -> Schema:
    return number(f"share, 0 to 1, {description}", minimum=0, maximum=1)


TIMEFRAME = text("7d hourly; 30d, 3m daily; 12m, 5y weekly; all monthly", enum=list(TIMEFRAMES))
MOMENT = text(format="date-time")
PERIOD = text("start of a period: a date, or a time where the step is hourly")
STATUS = [status.value for status in JobStatus]
_COMPARISON: dict[str, Schema] = {
    "slug": text("canonical: both terms, sorted, joined by -vs-"),
    "terms": array(text(), "termA and termB, in slug order", minItems=2, maxItems=2),
    "timeframe": TIMEFRAME,
    "geo": text("ISO 3166 code or metro area; empty is worldwide"),
    "dataHash": text("names the snapshot", pattern="^[0-9a-f]{16}$"),
    "points": integer("periods in the series"),
    "firstDate": PERIOD,
    "lastDate": PERIOD,
}
_PERCENT = number(minimum=0, maximum=100)
_FLAGS = (
    "seriesTooShort",
    "tooSpiky",
    "eventShockLikely",
    "mostlyZero",
    "partialLastPeriod",
    "gapsFilled",
    "scaledApart",
)
_WARNINGS = ["low_confidence", "insufficient_data", "high_volatility", "anomaly_detected", "data_quality_concern"]
_OUTLOOK = obj(
    {
        "averageValue": number(),
        "confidence": number(),
        "keyPoints": array(text()),
        "warnings": array(text(enum=_WARNINGS)),
    },
    description="summary of the first 14 or 30 days of the horizon",
)

SCHEMAS: dict[str, Schema] = {
    "Problem": obj(
        {
            "type": text("link to the explanation of this error"),
            "title": text(),
            "status": integer(),
            "detail": text("what is wrong"),
            "requestId": text("also in the X-Request-Id header and in the log"),
            "errors": array(obj({"field": text(), "detail": text()}), "one for each invalid parameter"),
        },
        optional=("errors",),
        description="an error (RFC 9457)",
    ),
    "Premium": obj(
        {
            **{name: _COMPARISON[name] for name in ("slug", "terms", "timeframe", "geo", "dataHash")},
            "isPremium": {"const": True},
            "warmupStatus": text(enum=STATUS[:4]),
            "forecastAvailable": boolean("both bundles are available"),
            "needsWarmup": boolean("the opposite of forecastAvailable"),
            "warmupTriggered": boolean("this call enqueued"),
            "stale": boolean("the forecasts are over 24 h old, of an older snapshot, or a stale copy"),
            "refreshing": boolean("newer forecasts are being computed"),
            "insightsPack": obj(
                {
                    "forecasts": obj(
                        {
                            "termA": or_null(ref("ForecastBundle")),
                            "termB": or_null(ref("ForecastBundle")),
                            "headToHead": or_null(ref("HeadToHead")),
                        },
                        description="null until available; headToHead is also null when the terms are scaledApart",
                    ),
                    "signals": obj({"termA": ref("Signals"), "termB": ref("Signals")}),
                }
            ),
            "forecastsDataHash": text("only when the forecasts are those of an older snapshot: its hash"),
            "queuePosition": or_null(integer("only while unsettled; 1 is next; null while running")),
            "etaSeconds": or_null(number("only while unsettled; null when unknown")),
            "warmupDebugId": or_null(text("only with DEBUG_API_HEADERS")),
            "lastWarmupError": or_null(text("only with DEBUG_API_HEADERS")),
            "forecastCacheKeysUsed": obj(
                {"termAKey": text(), "termBKey": text()}, description="only with DEBUG_API_HEADERS"
            ),
        },
        optional=(
            "forecastsDataHash",
            "queuePosition",
            "etaSeconds",
            "warmupDebugId",
            "lastWarmupError",
            "forecastCacheKeysUsed",
        ),
    ),
    "StatusEvent": obj(
        {
            **{name: _COMPARISON[name] for name in ("slug", "timeframe", "geo", "dataHash")},
            "warmupStatus": text(enum=STATUS[:4]),
            "forecastAvailable": boolean("both bundles are available"),
            "stale": boolean("the forecasts are over 24 h old, of an older snapshot, or a stale copy"),
            "queuePosition": or_null(integer("1 is next; null unless queued")),
            "etaSeconds": or_null(number("until it is ready; null when unknown or settled")),
        }
    ),
    "ForecastBundle": obj(
        {
            "term": text(),
            "label": text(enum=["termA", "termB"]),
            "direction": text(enum=["rising", "falling", "stable", "volatile"]),
            "frequency": text(),
            "horizon": integer("periods ahead"),
            "points": array(
                obj(
                    {
                        "date": text(),
                        **dict.fromkeys(("value", "lower80", "upper80", "lower95", "upper95"), _PERCENT),
                    }
                )
            ),
            "forecast14Day": _OUTLOOK,
            "forecast30Day": _OUTLOOK,
            "method": text(),
            "metrics": obj(
                {
                    **{name: or_null(number()) for name in ("mae", "mase", "smape", "coverage80", "coverage95")},
                    "windows": integer("forecasts that were compared with actual values"),
                },
                description="from a backtest; null where the series is too short for one",
            ),
            "confidence": _PERCENT,
            "qualityFlags": obj({name: boolean() for name in _FLAGS}, description="properties of the series"),
            "warnings": array(text(enum=_WARNINGS)),
            "forecastHash": text(),
            "generatedAt": MOMENT,
            "dataFreshness": obj({"lastUpdatedAt": MOMENT, "source": text()}),
            "engineVersion": text(),
        },
        description="the forecast of one term",
    ),
    "HeadToHead": obj(
        {
            "winnerProbability": number(
                "of a higher mean of termB over the horizon, in percent", minimum=0, maximum=100
            ),
            "expectedMargin": number("termB less termA, in points"),
            "leadChangeRisk": text(enum=["low", "medium", "high"]),
            "currentMargin": number(),
            "crossoverDate": or_null(text()),
        }
    ),
    "Signals": obj(
        {
            "trend": text(enum=["rising", "falling", "flat"]),
            "volatility": number("standard deviation of period-to-period changes, in points"),
            "seasonality": number("share of variance that the season explains, 0 to 1"),
            "lastValue": number("of the last complete period"),
            "change4": number("last value less that of four periods before, in points"),
        },
        description="computed from the snapshot alone; available before any forecast",
    ),
    "Stats": obj({name: number() for name in ("mean", "minimum", "maximum", "standardDeviation")}),
    "Comparison": obj({**_COMPARISON, "updatedAt": or_null(MOMENT)}),
    "ComparisonList": obj({"comparisons": array(ref("Comparison")), "nextCursor": or_null(text())}),
    "ComparisonDetail": obj(
        {
            **_COMPARISON,
            "updatedAt": or_null(MOMENT),
            "partialLastPeriod": boolean("the last point covers an incomplete period"),
            "scaledApart": boolean("the terms come from two exports, each with its own scale"),
            "source": text(),
            "asOf": or_null(MOMENT),
            "stats": obj({"termA": ref("Stats"), "termB": ref("Stats")}),
            "signals": obj({"termA": ref("Signals"), "termB": ref("Signals")}),
            "series": array(obj({"date": PERIOD, "values": array(number(), "termA's, termB's")})),
        }
    ),
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
                            or_null(number()), "one for each term, 0 to 100; null where unknown", minItems=2, maxItems=2
                        ),
                    }
                ),
                "in ascending or descending order",
            ),
        },
        optional=("timeframe", "geo", "source"),
    ),
    "Ingested": obj(
        {
            **_COMPARISON,
            "cleaned": array(obj({"what": text(), "count": integer()}), "what was corrected, and how often"),
            "partialLastPeriod": boolean(),
            "scaledApart": boolean(),
            "geoAssumed": boolean("neither the request nor the file names a geo, so worldwide was assumed"),
            "warmupTriggered": boolean("requested in the last 7 d, so enqueued at once"),
        }
    ),
    "Trigger": obj(
        {
            "slug": text(),
            "tf": TIMEFRAME,
            "geo": text(),
            "force": boolean("compute even if the bundles are cached, and restart a running job"),
        },
        optional=("tf", "geo", "force"),
    ),
    "Triggered": obj({"job": ref("Job"), "enqueued": boolean("this call changed the job")}),
    "Job": obj(
        {
            "jobId": integer(),
            "slug": text(),
            "timeframe": TIMEFRAME,
            "geo": text(),
            "dataHash": text(),
            "status": text(enum=STATUS),
            "attempts": integer("in this episode"),
            "lastError": or_null(text()),
            "debugId": or_null(text()),
            "version": integer("incremented by every change"),
            "leaseId": or_null(integer()),
            "priority": integer(),
            "engineVersion": or_null(text()),
            "reason": or_null(text("reason of the episode's enqueue")),
            **{
                name: or_null(MOMENT)
                for name in (
                    "createdAt",
                    "updatedAt",
                    "queuedAt",
                    "startedAt",
                    "completedAt",
                    "notBefore",
                    "leaseExpiresAt",
                    "cooldownUntil",
                )
            },
        }
    ),
    "JobList": obj({"jobs": array(ref("Job"), "newest first"), "nextCursor": or_null(text())}),
    "RanJob": obj(
        {
            "jobId": integer(),
            "slug": text(),
            "debugId": or_null(text()),
            "status": text(enum=STATUS),
            "lastError": or_null(text()),
        }
    ),
    "Run": obj(
        {
            "success": boolean("every processed job is ready; true on an empty queue"),
            "processed": integer("number of jobs that ran"),
            "jobs": array(ref("RanJob")),
            "jobId": or_null(integer("of the first job, like the fields below; null on an empty queue")),
            "slug": or_null(text()),
            "debugId": or_null(text()),
            "status": or_null(text()),
            "lastError": or_null(text()),
        }
    ),
    "Sweep": obj(
        {
            "requeued": array(
                obj(
                    {
                        "jobId": integer(),
                        "slug": text(),
                        "cause": text("queued-overdue, lease-expired, deadline-passed or cache-lost"),
                        "status": text(enum=STATUS),
                    }
                )
            ),
            "audited": integer("ready jobs whose bundles were checked"),
            "auditSkipped": or_null(text("why the audit did not finish")),
        }
    ),
    "TrustStats": obj(
        {
            "forecasts": integer("scored forecasts, each of two terms"),
            "points": integer("compared dates of both terms"),
            "winnerRight": or_null(_share("of forecasts that predicted the term with the higher mean; no ties")),
            "directionRight": or_null(_share("of terms whose direction was predicted")),
            "coverage80": or_null(_share("of points inside the 80 % interval")),
            "coverage95": or_null(_share("of points inside the 95 % interval")),
            "mae": or_null(number("mean absolute error over terms, in points of the forecast's scale")),
            "mase": or_null(number("mean over terms of MAE divided by the mean one-step change of the history")),
        },
        description="null where nothing was scored yet",
    ),
    "TrustPeriod": obj(
        {
            "overall": ref("TrustStats"),
            "timeframes": obj({name: ref("TrustStats") for name in TIMEFRAMES}, description="the same by timeframe"),
        },
    ),
    "Trust": obj(
        {"total": ref("TrustPeriod"), "last90Days": ref("TrustPeriod")},
        description="forecasts by the time at which they were scored",
    ),
    "Health": obj({"status": text()}),
}
