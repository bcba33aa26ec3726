"""The OpenAPI 3.1 document as a whole."""

from __future__ import annotations

from typing import Any

import msgspec

from services.common.errors import REASONS
from services.gateway.http.problems import MEDIA_TYPE, problem_type
from services.gateway.openapi.examples import attach
from services.gateway.openapi.paths import paths
from services.gateway.openapi.repeats import repeatable
from services.gateway.openapi.schemas import SCHEMAS
from services.gateway.openapi.shapes import Schema, ref, text, whole

ABOUT = (
    "Forecasts for two search terms, computed in the background. A premium call never waits for a computation: it "
    "answers with the cached forecasts, reports their freshness, and enqueues what is missing.\n\n"
    "Every error is `application/problem+json` with the request's id. A malformed request, or one whose head is too "
    "large or too slow, is also answered with a problem (`malformed-request`, `headers-too-large`, "
    "`request-timeout`), and its connection is closed. Unknown query parameters are ignored; a repeated one is "
    "refused. A valid `X-Request-Id` is kept, and a valid `traceparent` (W3C Trace Context) is followed.\n\n"
    "Where rates are configured, each replica of the gateway limits each API key, and each client address without "
    "one: `RateLimit-Policy` and `RateLimit` report what is left, and 429 says when to retry."
)

HEADERS: dict[str, Schema] = {
    "RateLimit-Policy": {
        "description": "Where a rate applies: its name, requests (q) and seconds (w).",
        "schema": text(examples=['"partner";q=600;w=60']),
    },
    "RateLimit": {
        "description": "Where a rate applies: the requests left (r), and the seconds until all are there again (t).",
        "schema": text(examples=['"partner";r=599;t=1']),
    },
    "X-Request-Id": {"description": "The request's own where it sent a sane one.", "schema": text()},
}

PROBLEM_HEADERS: dict[str, Schema] = {
    "Retry-After": {
        "description": "Seconds after which it is worth coming again; where that helps.",
        "schema": whole(),
    },
    "WWW-Authenticate": {"description": "With 401: what is missing.", "schema": text()},
    **{name: {"$ref": f"#/components/headers/{name}"} for name in HEADERS},
}

# A document is JSON of any shape, so its type says no more than that.
Document = dict[str, Any]


def document(*, metrics: bool = True) -> Document:
    """The document; without `/metrics` where that has a port of its own."""
    shown = paths()
    for operations in shown.values():
        if "post" in operations:
            repeatable(operations["post"])
    if not metrics:
        del shown["/metrics"]
    made: Document = {
        "openapi": "3.1.0",
        "info": {"title": "Warmcast", "version": "1", "description": ABOUT},
        "paths": shown,
        "components": {
            "schemas": SCHEMAS,
            "responses": {
                "Problem": {
                    "description": "An error; x-problems of the operation lists which ones there are.",
                    "headers": PROBLEM_HEADERS,
                    "content": {MEDIA_TYPE: {"schema": ref("Problem")}},
                }
            },
            "headers": HEADERS,
            "securitySchemes": {
                "apiKey": {
                    "type": "apiKey",
                    "in": "header",
                    "name": "X-API-Key",
                    "description": "a key of the server's API_KEYS; not needed where none are configured",
                },
                "bearerKey": {"type": "http", "scheme": "bearer", "description": "the same key"},
                "warmupSecret": {
                    "type": "apiKey",
                    "in": "header",
                    "name": "X-Warmup-Secret",
                    "description": "WARMUP_SECRET of the server; 503 where none is set, 401 where it differs",
                },
            },
        },
        "x-problem-types": [
            {"slug": reason.slug, "type": problem_type(reason), "status": reason.http_status, "title": reason.title}
            for reason in REASONS.values()
        ],
    }
    attach(made)
    return made


def document_json(*, metrics: bool = True) -> bytes:
    """The document as it is served."""
    return msgspec.json.encode(document(metrics=metrics))
