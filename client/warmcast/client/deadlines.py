"""How long calls may take."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Deadlines:
    """Seconds that each kind of call may take; `within` sets a nearer end for all calls inside it.

    `connect` is how long a call first waits for a replica that accepts it; 0 fails at once.
    """

    read: float = 5.0
    command: float = 60.0
    run: float = 600.0  # RunWarmup lasts as long as its runs
    connect: float = 0.0


DEFAULT = Deadlines()
