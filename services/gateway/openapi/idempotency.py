"""The `Idempotency-Key` of every POST."""

from __future__ import annotations

from typing import Any

from services.gateway.openapi.shapes import Schema, text
from services.gateway.upstream.idempotency import HEADER, REPLAYED

_KEY: Schema = {
    "name": HEADER,
    "in": "header",
    "schema": text(
        "1 to 255 visible ASCII characters, new for each request; for 24 hours, the same request with the same key "
        "gets the first response again and is not run again"
    ),
}
_PROBLEMS = ("invalid-argument", "idempotency-mismatch", "idempotency-in-progress")
_REPLAYED: Schema = {"schema": text("true where the response is that of an earlier request", enum=["true"])}


# An operation is a piece of the document, which is arbitrary JSON.
def add_idempotency_key(operation: dict[str, Any]) -> None:
    """Adds the header, the response's header and the errors to a POST."""
    operation["parameters"] = [*operation.get("parameters", ()), _KEY]
    operation["x-problems"] = list(dict.fromkeys((*operation["x-problems"], *_PROBLEMS)))
    for status, response in operation["responses"].items():
        if status.startswith("2"):
            response["headers"] = {**response["headers"], REPLAYED: _REPLAYED}
