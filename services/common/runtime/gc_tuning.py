"""Settings of the garbage collector."""

from __future__ import annotations

import gc

_NEW_OBJECTS = 20_000  # docs/decisions/garbage-collection.md


def collect_less_often() -> None:
    """For servers: call it after all imports; objects that exist then are never collected."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(_NEW_OBJECTS, 10, 10)
