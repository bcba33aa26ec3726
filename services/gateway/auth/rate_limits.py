"""Token buckets: how many requests each caller may make, and what the RateLimit header fields say of that."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Callable, MutableMapping
from dataclasses import dataclass

_RATE = re.compile(r"([0-9]{1,9})(?:/([0-9]{1,9}))?")
_MOST_REQUESTS = 1_000_000
_LONGEST_WINDOW = 86_400  # seconds
_ROUNDING = 1e-3  # of a request: what a sum of many small floats may be off by


@dataclass(frozen=True)
class Rate:
    """A bucket of `requests` that fills up again within `window` seconds, evenly."""

    requests: int
    window: int

    @classmethod
    def parse(cls, text: str) -> Rate:
        """`100` (a second) or `600/60` (within 60 seconds, all of them at once if need be). Raises ValueError."""
        match = _RATE.fullmatch(text.strip())
        requests, window = (int(match[1]), int(match[2] or 1)) if match else (0, 0)
        if not (1 <= requests <= _MOST_REQUESTS and 1 <= window <= _LONGEST_WINDOW):
            raise ValueError(
                f"a rate is a number of requests a second such as 100, or requests/seconds such as 600/60: "
                f"1 to {_MOST_REQUESTS} requests, 1 to {_LONGEST_WINDOW} seconds"
            )
        return cls(requests, window)

    def __str__(self) -> str:
        return f"{self.requests}/{self.window}"


@dataclass(frozen=True)
class Taken:
    """What became of one request."""

    allowed: bool
    remaining: int  # requests that could follow at once
    full_in: float  # seconds until the bucket is full
    retry_after: float  # seconds until a refused one would be allowed


class Buckets:
    """One bucket a caller, all of the same rate.

    Of each bucket only the moment is kept at which it will be full again (GCRA): one float, and a caller that nobody
    remembers has a full one. What bounds `full_at` may therefore forget whom it likes.
    """

    def __init__(
        self, rate: Rate, full_at: MutableMapping[str, float], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._window = float(rate.window)
        self._each = rate.window / rate.requests
        self._full_at = full_at
        self._clock = clock

    def take(self, caller: str) -> Taken:
        """One request of `caller`; a refused one costs nothing."""
        now = self._clock()
        before = max(self._full_at.get(caller, now) - now, 0.0)
        after = before + self._each
        late = after - self._window
        if late > _ROUNDING * self._each:
            return Taken(False, 0, before, late)
        self._full_at[caller] = now + after
        return Taken(True, max(math.floor(-late / self._each + _ROUNDING), 0), after, 0.0)


def policy_field(name: str, rate: Rate) -> bytes:
    """`RateLimit-Policy`, after draft-ietf-httpapi-ratelimit-headers: the quota and its window in seconds."""
    return f'"{name}";q={rate.requests};w={rate.window}'.encode()


def limit_field(name: str, taken: Taken) -> bytes:
    """`RateLimit`: what is left, and the seconds until all of the quota is there again."""
    return f'"{name}";r={taken.remaining};t={math.ceil(taken.full_in)}'.encode()
