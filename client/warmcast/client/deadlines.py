"""How long calls may take."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Deadlines:
    """Seconds that each kind of call may take; `within` sets a nearer end for all calls inside it."""

    read: float = 5.0
    command: float = 60.0
    run: float = 600.0  # RunWarmup lasts as long as its runs


DEFAULT = Deadlines()
