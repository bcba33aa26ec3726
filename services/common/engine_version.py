"""Engine versions in their order, which two releases that run side by side must agree on."""

from __future__ import annotations

import re

_LEADING_INTEGER = re.compile(r"[0-9]+")


def engine_number(version: str) -> int:
    """The version's leading integer: 7 for "7-naive", 10 for "10". -1, below every other, where there is none."""
    found = _LEADING_INTEGER.match(version)
    return int(found[0]) if found else -1
