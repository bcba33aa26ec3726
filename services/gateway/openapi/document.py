"""Builds the OpenAPI 3.1 document."""

from __future__ import annotations

from typing import Any

import msgspec

from services.common.errors import REASONS
from services.common.rpc.metadata import MAX_CLAIMED
from services.gateway.http.problems import MEDIA_TYPE, problem_type
from services.gateway.openapi.examples import attach
from services.gateway.openapi.idempotency import add_idempotency_key
from services.gateway.openapi.paths.table import paths
from services.gateway.openapi.schemas import SCHEMAS
from services.gateway.openapi.shapes import Schema, integer, ref, text
from services.gateway.upstream.claimed_operator import HEADER

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
        "description": "Where a rate limit applies: its name, requests (q) and seconds (w).",
        "schema": text(examples=['"partner";q=600;w=60']),
    },
    "RateLimit": {
        "description": "Where a rate limit applies: requests left (r), seconds until the full quota is available (t).",
        "schema": text(examples=['"partner";r=599;t=1']),
    },
    "X-Request-Id": {"description": "The request's own id if it was valid, else a new one.", "schema": text()},
}

PROBLEM_HEADERS: dict[str, Schema] = {
    "Retry-After": {
        "description": "Seconds after which to retry, where a retry may succeed.",
        "schema": integer(),
    },
    "WWW-Authenticate": {"description": "With 401: the credential that is missing.", "schema": text()},
    **{name: {"$ref": f"#/components/headers/{name}"} for name in HEADERS},
}

_OPERATOR: Schema = {
    "name": HEADER,
    "in": "header",
    "schema": text(
        f"your name for the audit, percent-encoded UTF-8 of at most {MAX_CLAIMED} characters; nothing verifies it, and "
        "Ada is recorded as `secret (Ada)`",
        examples=["Ada"],
    ),
}

# The document is arbitrary JSON.
Document = dict[str, Any]


def document(*, metrics: bool = True) -> Document:
    """The document; without `/metrics` where metrics have a port of their own."""
    operations_by_path = paths()
    for operations in operations_by_path.values():
        if "post" in operations:
            add_idempotency_key(operations["post"])
        for method in operations.keys() - {"get", "head"}:
            _add_secret(operations[method])
    if not metrics:
        del operations_by_path["/metrics"]
    result: Document = {
        "openapi": "3.1.0",
        "info": {"title": "Warmcast", "version": "1", "description": ABOUT},
        "paths": operations_by_path,
        "components": {
            "schemas": SCHEMAS,
            "responses": {
                "Problem": {
                    "description": "An error; x-problems of the operation lists the possible ones.",
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
                    "description": "one of the server's API_KEYS; not required where none are configured",
                },
                "bearerKey": {"type": "http", "scheme": "bearer", "description": "the same key"},
                "warmupSecret": {
                    "type": "apiKey",
                    "in": "header",
                    "name": "X-Warmup-Secret",
                    "description": "the server's WARMUP_SECRET; 503 where none is set, 401 for a wrong one. "
                    "GET routes accept OPERATOR_READ_SECRET too, which is 403 for the others",
                },
            },
        },
        "x-problem-types": [
            {"slug": reason.slug, "type": problem_type(reason), "status": reason.http_status, "title": reason.title}
            for reason in REASONS.values()
        ],
    }
    attach(result)
    return result


def _add_secret(operation: Document) -> None:
    """Adds the operator's name, and the error of the read secret, to an operation behind the warmup secret."""
    if "security" in operation:
        operation["parameters"] = [*operation.get("parameters", ()), _OPERATOR]
        operation["x-problems"] = list(dict.fromkeys((*operation["x-problems"], "invalid-argument", "forbidden")))


def document_json(*, metrics: bool = True) -> bytes:
    """The document as JSON."""
    return msgspec.json.encode(document(metrics=metrics))
