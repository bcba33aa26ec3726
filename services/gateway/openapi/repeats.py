"""What every POST takes and answers beside its own: an `Idempotency-Key`."""

from __future__ import annotations

from typing import Any

from services.gateway.openapi.shapes import Schema, text
from services.gateway.upstream.idempotency import HEADER, REPLAYED

_KEY: Schema = {
    "name": HEADER,
    "in": "header",
    "schema": text(
        "1 to 255 visible ASCII characters, new for each request: for 24 hours the same request under it is answered "
        "as the first time, without being run again"
    ),
}
_PROBLEMS = ("invalid-argument", "idempotency-mismatch", "idempotency-in-progress")
_REPLAYED: Schema = {"schema": text("true where the answer is that of an earlier request", enum=["true"])}


# An operation is a piece of the document, which is JSON of any shape.
def repeatable(operation: dict[str, Any]) -> None:
    """Adds the key, its header and its problems to a POST."""
    operation["parameters"] = [*operation.get("parameters", ()), _KEY]
    operation["x-problems"] = list(dict.fromkeys((*operation["x-problems"], *_PROBLEMS)))
    for status, response in operation["responses"].items():
        if status.startswith("2"):
            response["headers"] = {**response["headers"], REPLAYED: _REPLAYED}
