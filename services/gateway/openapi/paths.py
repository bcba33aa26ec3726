"""Every operation: parameters, responses, errors."""

from __future__ import annotations

from services.gateway.openapi.schemas import STATUS, TIMEFRAME
from services.gateway.openapi.shapes import Schema, array, integer, obj, ref, text
from services.gateway.premium.parts import Part
from services.gateway.routes import event_stream
from services.gateway.routes.parameters import MAX_PAGE_SIZE
from services.gateway.routes.request_bodies import CSV_TYPES
from services.gateway.routes.warmups import MAX_RUN_JOBS

Operation = dict[str, object]

_GUARDED = ("unauthenticated", "secret-not-configured")
_UPSTREAM = ("unavailable", "deadline-exceeded", "busy", "internal")
_EVERYWHERE = ("rate-limited",)
_WITH_BODY = ("unreadable-input", "too-large", "request-timeout", "unsupported-media-type")
_KEYED: list[dict[str, list[str]]] = [{}, {"apiKey": []}, {"bearerKey": []}]
_RATE_LIMITS: Schema = {
    name: {"$ref": f"#/components/headers/{name}"} for name in ("RateLimit-Policy", "RateLimit", "X-Request-Id")
}


def paths() -> dict[str, dict[str, Operation]]:
    """Path → method → operation."""
    return {
        "/api/comparison/premium": {"get": _premium(), "head": _premium(head=True)},
        "/api/comparison/premium/events": {"get": _events()},
        "/api/comparison/warmup": {
            "post": _operation(
                "Enqueue a warmup now, in any state.",
                answers={202: ("The job after the call.", "Triggered")},
                errors=("invalid-argument", "not-found", *_WITH_BODY),
                body={"application/json": ref("Trigger")},
                guarded=True,
            )
        },
        "/api/comparisons": {
            "get": _operation(
                "List the comparisons, or find some of them.",
                answers={200: ("One page.", "ComparisonList")},
                errors=("invalid-argument",),
                parameters=[_QUERY, _LIMIT, _CURSOR],
            ),
            "post": _ingest("Import a snapshot; its terms determine the slug.", [_TERM, *_WHERE, _AS_OF, *_PREVIEW]),
        },
        "/api/comparisons/{slug}": {
            "get": _operation(
                "Show one comparison: its series, stats and signals.",
                answers={200: ("The comparison.", "ComparisonDetail")},
                errors=("invalid-argument", "not-found"),
                parameters=[_SLUG_IN_PATH, *_WHERE],
            ),
            "put": _ingest(
                "Import a snapshot for an existing slug, whose terms must match.",
                [_SLUG_IN_PATH, _TERM, *_WHERE, _AS_OF, *_PREVIEW],
                more_errors=("terms-mismatch",),
            ),
        },
        "/api/forecast/trust-stats": {"get": _trust()},
        "/api/jobs": {
            "get": _operation(
                "List the warmup jobs, newest first.",
                answers={200: ("One page.", "JobList")},
                errors=("invalid-argument",),
                parameters=[
                    _query("status", text(enum=STATUS)),
                    _query("slug", text("only jobs of this slug")),
                    _query("olderThan", text("only jobs older than this: 90 (seconds), 5m, 2h, 7d")),
                    _query("newerThan", text("only jobs newer than this, in the same form")),
                    _LIMIT,
                    _CURSOR,
                ],
                guarded=True,
            )
        },
        "/api/jobs/run-warmup": {
            "post": _operation(
                "Claim and run the oldest queued jobs. A client that disconnects does not cancel the run.",
                answers={200: ("The jobs that ran.", "Run")},
                errors=("invalid-argument",),
                parameters=[_query("max", integer("most jobs to run", minimum=1, maximum=MAX_RUN_JOBS, default=1))],
                guarded=True,
            )
        },
        "/api/jobs/sweep": {
            "post": _operation(
                "Re-queue stuck jobs, then audit ready ones against the cache.",
                answers={200: ("The re-queued jobs, with causes.", "Sweep")},
                guarded=True,
            )
        },
        "/api/jobs/{id}": {"get": _job("Show one job.")},
        "/api/jobs/{id}/requeue": {"post": _job("Re-queue one job.", ("wrong-state",))},
        "/api/jobs/{id}/cancel": {"post": _job("Cancel one queued or running job.", ("wrong-state",))},
        "/healthz": {"get": _operation("Liveness.", answers={200: ("The process is alive.", "Health")}, local=True)},
        "/readyz": {
            "get": _operation(
                "Readiness; 503 while starting or draining.",
                answers={200: ("The gateway accepts requests.", "Health")},
                errors=("unavailable",),
                local=True,
            )
        },
        "/metrics": {"get": _document("Prometheus metrics; absent where METRICS_PORT is set.", "text/plain")},
        "/openapi.json": {"get": _document("This document.", "application/json")},
        "/docs": {"get": _document("This document as a page.", "text/html")},
        "/": {"get": _home()},
    }


def _query(name: str, schema: Schema, *, required: bool = False) -> Schema:
    return {"name": name, "in": "query", "required": required, "schema": schema}


# The comparison of the recorded examples, which `make run` imports.
_SLUG_EXAMPLES, _TIMEFRAME_EXAMPLES = ["amzn-stock-price-vs-ibm-stock-price"], ["all"]
_SLUG = _query("slug", text("two terms in any order, such as amazon-vs-costco", examples=_SLUG_EXAMPLES), required=True)
_SLUG_IN_PATH: Schema = {
    "name": "slug",
    "in": "path",
    "required": True,
    "schema": text("the two terms, as in amazon-vs-costco", examples=_SLUG_EXAMPLES),
}
_WHERE = [
    _query(
        "tf",
        {
            **TIMEFRAME,
            "description": f"{TIMEFRAME['description']}; also accepted as timeframe",
            "examples": _TIMEFRAME_EXAMPLES,
        },
    ),
    _query("geo", text("ISO 3166 code such as US or US-CA, or a metro area such as US-NY-501; empty is worldwide")),
]
_TERM: Schema = {
    **_query("term", array(text(), minItems=2, maxItems=2)),
    "description": "given twice, selects two of a file's terms",
    "explode": True,
}
_AS_OF = _query(
    "asOf",
    text(
        "when the data were exported, which decides whether the last period was complete "
        "(default: now; for data that were imported before, their first asOf)",
        format="date-time",
    ),
)
_PREVIEW = [
    _query(
        "dryRun", {"type": "boolean", "description": "answer what would be stored, and store nothing", "default": False}
    ),
    _query("expectedDataHash", text("`dataHash` of the dry run; data with another hash are refused")),
]
_FIELDS: Schema = {
    **_query("fields", array(text(enum=list(Part)), minItems=1, uniqueItems=True)),
    "description": "parts of insightsPack to return, separated by commas: forecasts (termA and termB), headToHead, "
    "signals, insights, interpretations; default: all",
    "explode": False,
}
_LIMIT = _query("limit", integer("page size", minimum=1, maximum=MAX_PAGE_SIZE, default=50))
_QUERY = _query(
    "q",
    text(
        "only comparisons of which either term begins with this; case, punctuation and spacing do not matter. Where "
        "the database has pg_trgm, three characters or more are also found within the slug",
        maxLength=200,
    ),
)
_CURSOR = _query("cursor", text("nextCursor of the page before"))
_IF_NONE_MATCH: Schema = {"name": "If-None-Match", "in": "header", "schema": text("an ETag")}
_LAST_EVENT_ID: Schema = {
    "name": "Last-Event-ID",
    "in": "header",
    "schema": text("`id` of the last event received; it is not sent again"),
}
_ETAG: Schema = {"schema": text("a strong validator of the body")}
_ID: Schema = {"name": "id", "in": "path", "required": True, "schema": integer("job id", minimum=1, examples=[1])}


def _operation(
    summary: str,
    *,
    answers: dict[int, tuple[str, str]],
    errors: tuple[str, ...] = (),
    parameters: list[Schema] | None = None,
    body: dict[str, Schema] | None = None,
    guarded: bool = False,
    local: bool = False,
) -> Operation:
    """One operation; a `local` one calls no other service."""
    responses: dict[str, object] = {
        str(status): {
            "description": description,
            "headers": _RATE_LIMITS,
            "content": {"application/json": {"schema": ref(name)}},
        }
        for status, (description, name) in answers.items()
    }
    responses["default"] = {"$ref": "#/components/responses/Problem"}
    reasons = (*errors, *(_GUARDED if guarded else ()), *(() if local else (*_EVERYWHERE, *_UPSTREAM)))
    return {
        "summary": summary,
        **({"parameters": parameters} if parameters else {}),
        **({"requestBody": {"required": True, "content": _content(body)}} if body else {}),
        **({"security": [{"warmupSecret": []}]} if guarded else {}),
        "responses": responses,
        "x-problems": list(dict.fromkeys(reasons)),
    }


def _content(body: dict[str, Schema]) -> dict[str, object]:
    return {media_type: {"schema": schema} for media_type, schema in body.items()}


def _premium(*, head: bool = False) -> Operation:
    operation = _operation(
        "The premium answer's headers; never enqueues."
        if head
        else "The premium answer: forecasts for two terms. It never computes a forecast; it enqueues a missing one.",
        answers={200: ("The answer.", "Premium")},
        errors=("invalid-argument", "api-key-required", "not-found"),
        parameters=[_SLUG, *_WHERE, _FIELDS, _IF_NONE_MATCH],
    )
    operation["security"] = _KEYED
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
    responses = _with_headers(operation, headers)
    if head:
        del responses["200"]["content"]
    return operation


def _events() -> Operation:
    operation = _operation(
        "Server-Sent Events: a `status` event for each change of `warmupStatus`, the first at once, until it settles. "
        "Opening it is a premium call and enqueues what is missing.",
        answers={},
        errors=("invalid-argument", "api-key-required", "not-found"),
        parameters=[_SLUG, *_WHERE, _LAST_EVENT_ID],
    )
    operation["security"] = _KEYED
    stream: Schema = {
        **text("`data:` of each event is a StatusEvent, `id:` is for Last-Event-ID; comments are heartbeats"),
        "contentMediaType": "application/json",
        "contentSchema": ref("StatusEvent"),
    }
    responses = _responses(operation)
    responses["200"] = {
        "description": "The events.",
        "headers": _RATE_LIMITS,
        "content": {event_stream.MEDIA_TYPE: {"schema": stream}},
    }
    responses["204"] = {
        "description": "The warmup has settled, and `Last-Event-ID` is its last event; do not reconnect."
    }
    return operation


def _trust() -> Operation:
    operation = _operation(
        "Accuracy of past forecasts against the actual values: in total and of the last 90 days, by timeframe.",
        answers={200: ("The track record.", "Trust")},
        parameters=[_IF_NONE_MATCH],
    )
    cached: Schema = {"schema": text("max-age=30 with stale-while-revalidate")}
    _with_headers(operation, {"ETag": _ETAG, "Cache-Control": cached})
    return operation


def _with_headers(operation: Operation, headers: Schema) -> dict[str, dict[str, object]]:
    """Adds headers to the 200, and a 304 with the same headers."""
    responses = _responses(operation)
    responses["200"] = {**responses["200"], "headers": {**_RATE_LIMITS, **headers}}
    responses["304"] = {"description": "Not modified.", "headers": {**_RATE_LIMITS, **headers}}
    return responses


def _responses(operation: Operation) -> dict[str, dict[str, object]]:
    responses = operation["responses"]
    assert isinstance(responses, dict)  # noqa: S101 - for the type checker; _operation sets a dictionary
    return responses


def _ingest(summary: str, parameters: list[Schema], more_errors: tuple[str, ...] = ()) -> Operation:
    file: Schema = text(
        "a Google Trends CSV export: in the charset of the content type, else in a detected one; the file name of a "
        "Content-Disposition may name the geo (`time_series_US_….csv`)"
    )
    upload = obj({"file": array(text("one export", format="binary"), minItems=1, maxItems=2)})
    operation = _operation(
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
            *_WITH_BODY,
        ),
        parameters=parameters,
        body={**dict.fromkeys(CSV_TYPES, file), "application/json": ref("Series"), "multipart/form-data": upload},
        guarded=True,
    )
    _responses(operation)["200"]["content"] = _content(
        {"application/json": {"oneOf": [ref("Ingested"), ref("Preview")]}}
    )
    return operation


def _job(summary: str, more_errors: tuple[str, ...] = ()) -> Operation:
    return _operation(
        summary,
        answers={200: ("The job.", "Job")},
        errors=("invalid-argument", "not-found", *more_errors),
        parameters=[_ID],
        guarded=True,
    )


def _home() -> Operation:
    operation = _document("The comparisons as a page; where pages are disabled, a redirect to /docs.", "text/html")
    _responses(operation)["307"] = {"description": "To /docs.", "headers": {"Location": {"schema": text()}}}
    return operation


def _document(summary: str, media_type: str) -> Operation:
    return {
        "summary": summary,
        "responses": {"200": {"description": "The document.", "content": {media_type: {"schema": text()}}}},
    }
