"""Rate limits as token buckets (GCRA), and the RateLimit header fields."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Callable, MutableMapping
from dataclasses import dataclass

_RATE = re.compile(r"([0-9]{1,9})(?:/([0-9]{1,9}))?")
_MAX_REQUESTS = 1_000_000
_MAX_WINDOW = 86_400  # seconds
_ROUNDING = 1e-3  # of a request; absorbs the error of adding many floats


@dataclass(frozen=True)
class Rate:
    """A bucket of `requests` that refills evenly within `window` seconds."""

    requests: int
    window: int

    @classmethod
    def parse(cls, text: str) -> Rate:
        """Parses `100` (a second) or `600/60` (within 60 seconds, in one burst if need be). Raises ValueError."""
        match = _RATE.fullmatch(text.strip())
        requests, window = (int(match[1]), int(match[2] or 1)) if match else (0, 0)
        if not (1 <= requests <= _MAX_REQUESTS and 1 <= window <= _MAX_WINDOW):
            raise ValueError(
                f"a rate is a number of requests a second such as 100, or requests/seconds such as 600/60: "
                f"1 to {_MAX_REQUESTS} requests, 1 to {_MAX_WINDOW} seconds"
            )
        return cls(requests, window)

    def __str__(self) -> str:
        return f"{self.requests}/{self.window}"


@dataclass(frozen=True)
class Outcome:
    """The outcome of one request."""

    allowed: bool
    remaining: int  # requests that are allowed right now
    full_in: float  # seconds until the bucket is full
    retry_after: float  # seconds until a refused request would be allowed


class RateLimiter:
    """One bucket for each caller, all of the same rate.

    GCRA stores one float a caller: the time at which its bucket is full again. An evicted caller starts with a full
    bucket, so `full_at` may be bounded in any way.
    """

    def __init__(
        self, rate: Rate, full_at: MutableMapping[str, float], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._window = float(rate.window)
        self._interval = rate.window / rate.requests
        self._full_at = full_at
        self._clock = clock

    def take(self, caller: str) -> Outcome:
        """Takes one token from the caller's bucket; a refused request takes none."""
        now = self._clock()
        before = max(self._full_at.get(caller, now) - now, 0.0)
        after = before + self._interval
        excess = after - self._window
        if excess > _ROUNDING * self._interval:
            return Outcome(False, 0, before, excess)
        self._full_at[caller] = now + after
        return Outcome(True, max(math.floor(-excess / self._interval + _ROUNDING), 0), after, 0.0)


def policy_field(name: str, rate: Rate) -> bytes:
    """`RateLimit-Policy` (draft-ietf-httpapi-ratelimit-headers): quota and window in seconds."""
    return f'"{name}";q={rate.requests};w={rate.window}'.encode()


def limit_field(name: str, outcome: Outcome) -> bytes:
    """`RateLimit`: requests left, and seconds until the full quota is available."""
    return f'"{name}";r={outcome.remaining};t={math.ceil(outcome.full_in)}'.encode()
