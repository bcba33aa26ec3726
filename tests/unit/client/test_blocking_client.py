"""The blocking client is what its generator writes."""

from __future__ import annotations

from devtools.blocking_client import GENERATED, blocking


def test_the_blocking_client_is_generated_from_the_asyncio_client() -> None:
    assert GENERATED.read_text(encoding="utf-8") == blocking(), "run: make docs"
