"""The shapes of all JSON bodies."""

from __future__ import annotations

from services.common.comparison import TIMEFRAMES
from services.common.job_status import JobStatus
from services.gateway.openapi.shapes import Schema, flag, items, number, or_null, ref, shape, text, whole


def _share(description: str) -> Schema:
    return number(f"share, 0 to 1, {description}", minimum=0, maximum=1)


TIMEFRAME = text("7d hourly; 30d, 3m daily; 12m, 5y weekly; all monthly", enum=list(TIMEFRAMES))
MOMENT = text(format="date-time")
PERIOD = text("start of a period: a date, or a time where the step is hourly")
STATUS = [status.value for status in JobStatus]
_COMPARISON: dict[str, Schema] = {
    "slug": text("canonical: both terms in order, joined by -vs-"),
    "terms": items(text(), "termA and termB, in slug order", minItems=2, maxItems=2),
    "timeframe": TIMEFRAME,
    "geo": text("ISO 3166 code or metro area; empty is worldwide"),
    "dataHash": text("names the snapshot", pattern="^[0-9a-f]{16}$"),
    "points": whole("periods in the series"),
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
_OUTLOOK = shape(
    {
        "averageValue": number(),
        "confidence": number(),
        "keyPoints": items(text()),
        "warnings": items(text(enum=_WARNINGS)),
    },
    description="the first 14 or 30 days of the horizon in short",
)

SCHEMAS: dict[str, Schema] = {
    "Problem": shape(
        {
            "type": text("where the reason is explained"),
            "title": text(),
            "status": whole(),
            "detail": text("what is wrong, and with what"),
            "requestId": text("also in the X-Request-Id header and in the log"),
            "errors": items(shape({"field": text(), "detail": text()}), "one per parameter that is not valid"),
        },
        optional=("errors",),
        description="an error, after RFC 9457",
    ),
    "Premium": shape(
        {
            **{name: _COMPARISON[name] for name in ("slug", "terms", "timeframe", "geo", "dataHash")},
            "isPremium": {"const": True},
            "warmupStatus": text(enum=STATUS[:4]),
            "forecastAvailable": flag("both bundles are there"),
            "needsWarmup": flag("the opposite of forecastAvailable"),
            "warmupTriggered": flag("this call enqueued"),
            "stale": flag("the forecasts are over 24 h old, those of older data, or a copy from memory"),
            "refreshing": flag("better forecasts than those served here are on their way"),
            "insightsPack": shape(
                {
                    "forecasts": shape(
                        {
                            "termA": or_null(ref("ForecastBundle")),
                            "termB": or_null(ref("ForecastBundle")),
                            "headToHead": or_null(ref("HeadToHead")),
                        },
                        description="null until available; headToHead is also null when the terms are scaledApart",
                    ),
                    "signals": shape({"termA": ref("Signals"), "termB": ref("Signals")}),
                }
            ),
            "forecastsDataHash": text("only when the forecasts are those of an older snapshot: its hash"),
            "queuePosition": or_null(whole("only while unsettled; 1 is next; null while running")),
            "etaSeconds": or_null(number("only while unsettled; null when unknown")),
            "warmupDebugId": or_null(text("only with DEBUG_API_HEADERS")),
            "lastWarmupError": or_null(text("only with DEBUG_API_HEADERS")),
            "forecastCacheKeysUsed": shape(
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
    "StatusEvent": shape(
        {
            **{name: _COMPARISON[name] for name in ("slug", "timeframe", "geo", "dataHash")},
            "warmupStatus": text(enum=STATUS[:4]),
            "forecastAvailable": flag("both bundles are there"),
            "stale": flag("the forecasts are over 24 h old, those of older data, or a copy from memory"),
            "queuePosition": or_null(whole("1 is next; null unless queued")),
            "etaSeconds": or_null(number("until it is ready; null when unknown or settled")),
        }
    ),
    "ForecastBundle": shape(
        {
            "term": text(),
            "label": text(enum=["termA", "termB"]),
            "direction": text(enum=["rising", "falling", "stable", "volatile"]),
            "frequency": text(),
            "horizon": whole("periods ahead"),
            "points": items(
                shape(
                    {
                        "date": text(),
                        **dict.fromkeys(("value", "lower80", "upper80", "lower95", "upper95"), _PERCENT),
                    }
                )
            ),
            "forecast14Day": _OUTLOOK,
            "forecast30Day": _OUTLOOK,
            "method": text(),
            "metrics": shape(
                {
                    **{name: or_null(number()) for name in ("mae", "mase", "smape", "coverage80", "coverage95")},
                    "windows": whole("forecasts that were compared with what came"),
                },
                description="from a backtest; null where the series is too short for one",
            ),
            "confidence": _PERCENT,
            "qualityFlags": shape({name: flag() for name in _FLAGS}, description="what is special about the series"),
            "warnings": items(text(enum=_WARNINGS)),
            "forecastHash": text(),
            "generatedAt": MOMENT,
            "dataFreshness": shape({"lastUpdatedAt": MOMENT, "source": text()}),
            "engineVersion": text(),
        },
        description="what the engine makes for one term",
    ),
    "HeadToHead": shape(
        {
            "winnerProbability": number("that termB's mean over the horizon is above termA's", minimum=0, maximum=100),
            "expectedMargin": number("termB less termA, in points"),
            "leadChangeRisk": text(enum=["low", "medium", "high"]),
            "currentMargin": number(),
            "crossoverDate": or_null(text()),
        }
    ),
    "Signals": shape(
        {
            "trend": text(enum=["rising", "falling", "flat"]),
            "volatility": number("standard deviation of period-to-period changes, in points"),
            "seasonality": number("share of variance that the season explains, 0 to 1"),
            "lastValue": number("of the last complete period"),
            "change4": number("last value less that of four periods before, in points"),
        },
        description="from the snapshot alone; there before any forecast",
    ),
    "Stats": shape({name: number() for name in ("mean", "minimum", "maximum", "standardDeviation")}),
    "Comparison": shape({**_COMPARISON, "updatedAt": or_null(MOMENT)}),
    "ComparisonList": shape({"comparisons": items(ref("Comparison")), "nextCursor": or_null(text())}),
    "ComparisonDetail": shape(
        {
            **_COMPARISON,
            "updatedAt": or_null(MOMENT),
            "partialLastPeriod": flag("the last point covers a period that was not over"),
            "scaledApart": flag("the terms come from two exports, each scaled by itself"),
            "source": text(),
            "asOf": or_null(MOMENT),
            "stats": shape({"termA": ref("Stats"), "termB": ref("Stats")}),
            "signals": shape({"termA": ref("Signals"), "termB": ref("Signals")}),
            "series": items(shape({"date": PERIOD, "values": items(number(), "termA's, termB's")})),
        }
    ),
    "Series": shape(
        {
            "terms": items(text(), minItems=2, maxItems=2),
            "timeframe": TIMEFRAME,
            "geo": text("ISO 3166 code or metro area; empty is worldwide"),
            "source": text("where the numbers come from"),
            "points": items(
                shape(
                    {
                        "date": {
                            "type": ["string", "number"],
                            "description": "best an ISO 8601 date, or date and hour; epoch seconds and the other forms "
                            "that CSV files have are read as well",
                            "examples": ["2026-01-04"],
                        },
                        "values": items(
                            or_null(number()), "one per term, 0 to 100; null is not known", minItems=2, maxItems=2
                        ),
                    }
                ),
                "in ascending or descending order",
            ),
        },
        optional=("timeframe", "geo", "source"),
    ),
    "Ingested": shape(
        {
            **_COMPARISON,
            "cleaned": items(shape({"what": text(), "count": whole()}), "what was put right, and how often"),
            "partialLastPeriod": flag(),
            "scaledApart": flag(),
            "geoAssumed": flag(
                "neither the request nor the file says a place, so worldwide was assumed; `geo` says it"
            ),
            "warmupTriggered": flag("asked for in the last 7 d, so enqueued at once"),
        }
    ),
    "Trigger": shape(
        {
            "slug": text(),
            "tf": TIMEFRAME,
            "geo": text(),
            "force": flag("compute even if the bundles are there, and restart a running job"),
        },
        optional=("tf", "geo", "force"),
    ),
    "Triggered": shape({"job": ref("Job"), "enqueued": flag("this call changed the job")}),
    "Job": shape(
        {
            "jobId": whole(),
            "slug": text(),
            "timeframe": TIMEFRAME,
            "geo": text(),
            "dataHash": text(),
            "status": text(enum=STATUS),
            "attempts": whole("in this episode"),
            "lastError": or_null(text()),
            "debugId": or_null(text()),
            "version": whole("raised by every change"),
            "leaseId": or_null(whole()),
            "priority": whole(),
            "engineVersion": or_null(text()),
            "reason": or_null(text("why its episode began")),
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
    "JobList": shape({"jobs": items(ref("Job"), "newest first"), "nextCursor": or_null(text())}),
    "RanJob": shape(
        {
            "jobId": whole(),
            "slug": text(),
            "debugId": or_null(text()),
            "status": text(enum=STATUS),
            "lastError": or_null(text()),
        }
    ),
    "Run": shape(
        {
            "success": flag("every job that was processed is ready; true on an empty queue"),
            "processed": whole("how many jobs ran"),
            "jobs": items(ref("RanJob")),
            "jobId": or_null(whole("of the first job, like the fields below; null on an empty queue")),
            "slug": or_null(text()),
            "debugId": or_null(text()),
            "status": or_null(text()),
            "lastError": or_null(text()),
        }
    ),
    "Sweep": shape(
        {
            "requeued": items(
                shape(
                    {
                        "jobId": whole(),
                        "slug": text(),
                        "cause": text("queued-overdue, lease-expired, deadline-passed or cache-lost"),
                        "status": text(enum=STATUS),
                    }
                )
            ),
            "audited": whole("ready jobs whose bundles were asked for"),
            "auditSkipped": or_null(text("why the audit did not run to its end")),
        }
    ),
    "TrustStats": shape(
        {
            "forecasts": whole("scored, each of two terms"),
            "points": whole("dates of both terms that were compared"),
            "winnerRight": or_null(_share("of forecasts whose higher mean was the right term's; ties are left out")),
            "directionRight": or_null(_share("of terms that rose, fell or did neither as was said")),
            "coverage80": or_null(_share("of points inside the 80 % interval")),
            "coverage95": or_null(_share("of points inside the 95 % interval")),
            "mae": or_null(number("mean absolute error over terms, in points of the scale that they were forecast on")),
            "mase": or_null(number("mean over terms of MAE by the mean one-step change before")),
        },
        description="null where nothing was scored",
    ),
    "TrustPeriod": shape(
        {
            "overall": ref("TrustStats"),
            "timeframes": shape({name: ref("TrustStats") for name in TIMEFRAMES}, description="the same for each"),
        },
    ),
    "Trust": shape(
        {"total": ref("TrustPeriod"), "last90Days": ref("TrustPeriod")},
        description="forecasts by when they were scored",
    ),
    "Health": shape({"status": text()}),
}
