"""Premium answers, comparisons and the track record."""

from __future__ import annotations

from services.gateway.openapi.paths.operations import (
    CURSOR,
    KEYED,
    LIMIT,
    RATE_LIMITS,
    SLUG_EXAMPLES,
    SLUG_IN_PATH,
    WHERE,
    WITH_BODY,
    Operation,
    content,
    operation,
    query,
    responses_of,
    with_headers,
)
from services.gateway.openapi.shapes import Schema, array, integer, obj, ref, text
from services.gateway.premium.parts import Part
from services.gateway.routes import event_stream
from services.gateway.routes.requests.request_bodies import CSV_TYPES

_SLUG = query("slug", text("two terms in any order, such as amazon-vs-costco", examples=SLUG_EXAMPLES), required=True)
_TERM: Schema = {
    **query("term", array(text(), minItems=2, maxItems=2)),
    "description": "given twice, selects two of a file's terms",
    "explode": True,
}
_AS_OF = query(
    "asOf",
    text(
        "when the data were exported, which decides whether the last period was complete "
        "(default: now; for data that were imported before, their first asOf)",
        format="date-time",
    ),
)
_PREVIEW = [
    query(
        "dryRun", {"type": "boolean", "description": "answer what would be stored, and store nothing", "default": False}
    ),
    query("expectedDataHash", text("`dataHash` of the dry run; data with another hash are refused")),
]
_FIELDS: Schema = {
    **query("fields", array(text(enum=list(Part)), minItems=1, uniqueItems=True)),
    "description": "parts of insightsPack to return, separated by commas: forecasts (termA and termB), headToHead, "
    "signals, insights, interpretations; default: all",
    "explode": False,
}
_QUERY = query(
    "q",
    text(
        "only comparisons of which either term begins with this; case, punctuation and spacing do not matter. Where "
        "the database has pg_trgm, three characters or more are also found within the slug",
        maxLength=200,
    ),
)
_IF_NONE_MATCH: Schema = {"name": "If-None-Match", "in": "header", "schema": text("an ETag")}
_LAST_EVENT_ID: Schema = {
    "name": "Last-Event-ID",
    "in": "header",
    "schema": text("`id` of the last event received; it is not sent again"),
}
_ETAG: Schema = {"schema": text("a strong validator of the body")}


def comparison_paths() -> dict[str, dict[str, Operation]]:
    """Path → method → operation."""
    return {
        "/api/comparison/premium": {"get": _premium(), "head": _premium(head=True)},
        "/api/comparison/premium/events": {"get": _events()},
        "/api/comparison/warmup": {
            "post": operation(
                "Enqueue a warmup now, in any state.",
                answers={202: ("The job after the call.", "Triggered")},
                errors=("invalid-argument", "not-found", *WITH_BODY),
                body={"application/json": ref("Trigger")},
                guarded=True,
            )
        },
        "/api/comparisons": {
            "get": operation(
                "List the comparisons, or find some of them.",
                answers={200: ("One page.", "ComparisonList")},
                errors=("invalid-argument",),
                parameters=[_QUERY, LIMIT, CURSOR],
            ),
            "post": _ingest("Import a snapshot; its terms determine the slug.", [_TERM, *WHERE, _AS_OF, *_PREVIEW]),
        },
        "/api/comparisons/{slug}": {
            "get": operation(
                "Show one comparison: its series, stats and signals.",
                answers={200: ("The comparison.", "ComparisonDetail")},
                errors=("invalid-argument", "not-found"),
                parameters=[SLUG_IN_PATH, *WHERE],
            ),
            "put": _ingest(
                "Import a snapshot for an existing slug, whose terms must match.",
                [SLUG_IN_PATH, _TERM, *WHERE, _AS_OF, *_PREVIEW],
                more_errors=("terms-mismatch",),
            ),
        },
        "/api/forecast/trust-stats": {"get": _trust()},
    }


def _premium(*, head: bool = False) -> Operation:
    described = operation(
        "The premium answer's headers; never enqueues."
        if head
        else "The premium answer: forecasts for two terms. It never computes a forecast; it enqueues a missing one.",
        answers={200: ("The answer.", "Premium")},
        errors=("invalid-argument", "api-key-required", "not-found"),
        parameters=[_SLUG, *WHERE, _FIELDS, _IF_NONE_MATCH],
    )
    described["security"] = KEYED
    headers: Schema = {
        "ETag": _ETAG,
        "Age": {"schema": integer("seconds since the answer was fetched; a cached one is at most 1 s old")},
        "Vary": {
            "schema": text(
                "Accept-Encoding, because long bodies are sent as gzip; also X-API-Key and Authorization where keys "
                "are configured"
            )
        },
        "Cache-Control": {
            "schema": text("max-age=30 with stale-while-revalidate when ready and nothing was enqueued, else no-store")
        },
        "Retry-After": {"schema": integer("seconds; while unsettled, and while a failed job cools down")},
    }
    responses = with_headers(described, headers)
    if head:
        del responses["200"]["content"]
    return described


def _events() -> Operation:
    described = operation(
        "Server-Sent Events: a `status` event for each change of `warmupStatus`, the first at once, until it settles. "
        "Opening it is a premium call and enqueues what is missing.",
        answers={},
        errors=("invalid-argument", "api-key-required", "not-found"),
        parameters=[_SLUG, *WHERE, _LAST_EVENT_ID],
    )
    described["security"] = KEYED
    stream: Schema = {
        **text("`data:` of each event is a StatusEvent, `id:` is for Last-Event-ID; comments are heartbeats"),
        "contentMediaType": "application/json",
        "contentSchema": ref("StatusEvent"),
    }
    responses = responses_of(described)
    responses["200"] = {
        "description": "The events.",
        "headers": RATE_LIMITS,
        "content": {event_stream.MEDIA_TYPE: {"schema": stream}},
    }
    responses["204"] = {
        "description": "The warmup has settled, and `Last-Event-ID` is its last event; do not reconnect."
    }
    return described


def _trust() -> Operation:
    described = operation(
        "Accuracy of past forecasts against the actual values: in total and of the last 90 days, by timeframe.",
        answers={200: ("The track record.", "Trust")},
        parameters=[_IF_NONE_MATCH],
    )
    cached: Schema = {"schema": text("max-age=30 with stale-while-revalidate")}
    with_headers(described, {"ETag": _ETAG, "Cache-Control": cached})
    return described


def _ingest(summary: str, parameters: list[Schema], more_errors: tuple[str, ...] = ()) -> Operation:
    file: Schema = text(
        "a Google Trends CSV export: in the charset of the content type, else in a detected one; the file name of a "
        "Content-Disposition may name the geo (`time_series_US_….csv`)"
    )
    upload = obj({"file": array(text("one export", format="binary"), minItems=1, maxItems=2)})
    described = operation(
        summary,
        answers={
            200: ("The same data were imported before; with `dryRun`, what would be stored.", "Ingested"),
            201: ("Stored.", "Ingested"),
        },
        errors=(
            "invalid-argument",
            "single-term",
            *more_errors,
            "slug-taken",
            "data-mismatch",
            "service-outdated",
            *WITH_BODY,
        ),
        parameters=parameters,
        body={**dict.fromkeys(CSV_TYPES, file), "application/json": ref("Series"), "multipart/form-data": upload},
        guarded=True,
    )
    responses_of(described)["200"]["content"] = content(
        {"application/json": {"oneOf": [ref("Ingested"), ref("Preview")]}}
    )
    return described
