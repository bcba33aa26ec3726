"""How often Python looks for reference cycles."""

from __future__ import annotations

import gc

_NEW_OBJECTS = 20_000  # Python's own 700 are there again after a handful of jobs: a third of the time went into it


def collect_less_often() -> None:
    """For a process that serves: call it once all is imported, since what is there by then is never garbage."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(_NEW_OBJECTS, 10, 10)
