"""Health, metrics and documents."""

from __future__ import annotations

from services.gateway.openapi.paths.operations import Operation, document, operation, responses_of
from services.gateway.openapi.shapes import text


def service_paths() -> dict[str, dict[str, Operation]]:
    """Path → method → operation."""
    return {
        "/healthz": {"get": operation("Liveness.", answers={200: ("The process is alive.", "Health")}, local=True)},
        "/readyz": {
            "get": operation(
                "Readiness; 503 while starting or draining.",
                answers={200: ("The gateway accepts requests.", "Health")},
                errors=("unavailable",),
                local=True,
            )
        },
        "/metrics": {"get": document("Prometheus metrics; absent where METRICS_PORT is set.", "text/plain")},
        "/openapi.json": {"get": document("This document.", "application/json")},
        "/docs": {"get": document("This document as a page.", "text/html")},
        "/": {"get": _home()},
    }


def _home() -> Operation:
    described = document("The comparisons as a page; where pages are disabled, a redirect to /docs.", "text/html")
    responses_of(described)["307"] = {"description": "To /docs.", "headers": {"Location": {"schema": text()}}}
    return described
