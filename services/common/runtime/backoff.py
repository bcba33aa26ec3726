"""Growing pauses with jitter."""

from __future__ import annotations

import random


class Backoff:
    """Each pause is up to twice the one before, and at least half of that, so that replicas spread out."""

    def __init__(self, first: float, longest: float) -> None:
        """Both in seconds."""
        self._first = first
        self._longest = longest
        self._pause = first

    def next(self) -> float:
        """The pause before the next attempt, in seconds."""
        pause = self._pause
        self._pause = min(2 * pause, self._longest)
        return pause * random.uniform(0.5, 1.0)  # noqa: S311 - no secret

    def reset(self) -> None:
        """Starts again at the first pause, after a success."""
        self._pause = self._first
