"""What is known of writes to the cache: by probes, and by the writes of runs, which are larger and decide more."""

from __future__ import annotations

import time
from collections.abc import Callable

import structlog
from prometheus_client import Gauge

from services.forecaster.cache.failure_causes import FailureCause

log = structlog.get_logger()

REFUSED = Gauge(
    "warmcast_forecaster_cache_writes_refused", "1 while the forecast cache refuses writes, by cause", ["cause"]
)
for _refusal in FailureCause:
    REFUSED.labels(_refusal.label).set(0)

PROBE_EVERY = 1.0  # seconds
_HOLD, _LONGEST_HOLD = 5.0, 60.0  # seconds without runs after a refused one, whatever probes say; doubles each time


class WriteHealth:
    """Whether runs can store what they compute. `now` is monotonic, in seconds."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._probed_at = float("-inf")
        self._by_probe: FailureCause | None = None
        self._by_run: FailureCause | None = None
        self._held_until = float("-inf")
        self._hold = _HOLD
        self._reported: FailureCause | None = None

    @property
    def cause(self) -> FailureCause | None:
        """Why no run can end well now; None: nothing speaks against it."""
        held = self._by_run if self._now() < self._held_until else None
        return self._by_probe or held

    def probe_due(self) -> bool:
        """Whether the last probe is too old to go by."""
        return self._now() - self._probed_at >= PROBE_EVERY

    def record_probe(self, refusal: FailureCause | None) -> None:
        """Notes how a probe ended."""
        self._probed_at = self._now()
        self._by_probe = refusal
        self._report()

    def record_refused_run(self, refusal: FailureCause) -> None:
        """Notes a run's write that was refused; those that are refused at the same time count once."""
        if refusal is FailureCause.UNANSWERED:
            return  # the next probe finds out by itself
        if self._now() >= self._held_until:
            self._held_until = self._now() + self._hold
            self._hold = min(2 * self._hold, _LONGEST_HOLD)
        self._by_run = refusal
        self._report()

    def record_stored_run(self) -> None:
        """Notes bundles that were written."""
        self._hold = _HOLD
        self._held_until = float("-inf")
        self._report()

    def _report(self) -> None:
        refusal = self.cause
        if refusal is self._reported:
            return
        if self._reported:
            REFUSED.labels(self._reported.label).set(0)
        self._reported = refusal
        if refusal is None:
            log.info("the forecast cache accepts writes again")
            return
        REFUSED.labels(refusal.label).set(1)
        log.error("the forecast cache refuses writes; no run is started", cause=refusal.label, why=refusal.words)
