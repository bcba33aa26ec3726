"""Tracks whether the cache accepts writes, from probes and from the writes of runs, which are larger."""

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
for _cause in FailureCause:
    REFUSED.labels(_cause.label).set(0)

PROBE_EVERY = 1.0  # seconds
_BACKOFF, _MAX_BACKOFF = 5.0, 60.0  # seconds without runs after a refused write, doubled each time


class WriteHealth:
    """Whether runs can store their results. `now` is monotonic, in seconds."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._probed_at = float("-inf")
        self._by_probe: FailureCause | None = None
        self._by_run: FailureCause | None = None
        self._backoff_until = float("-inf")
        self._backoff = _BACKOFF
        self._reported: FailureCause | None = None

    @property
    def cause(self) -> FailureCause | None:
        """The cause for which runs cannot store their results now; None if they can."""
        backed_off = self._by_run if self._now() < self._backoff_until else None
        return self._by_probe or backed_off

    def probe_due(self) -> bool:
        """Whether the last probe has expired."""
        return self._now() - self._probed_at >= PROBE_EVERY

    def record_probe(self, cause: FailureCause | None) -> None:
        """Records the result of a probe."""
        self._probed_at = self._now()
        self._by_probe = cause
        self._report()

    def record_refused_run(self, cause: FailureCause) -> None:
        """Records a run's refused write; refusals at the same time count once."""
        if cause is FailureCause.UNANSWERED:
            return  # the next probe detects it
        if self._now() >= self._backoff_until:
            self._backoff_until = self._now() + self._backoff
            self._backoff = min(2 * self._backoff, _MAX_BACKOFF)
        self._by_run = cause
        self._report()

    def record_stored_run(self) -> None:
        """Records a successful write of bundles."""
        self._backoff = _BACKOFF
        self._backoff_until = float("-inf")
        self._report()

    def _report(self) -> None:
        cause = self.cause
        if cause is self._reported:
            return
        if self._reported:
            REFUSED.labels(self._reported.label).set(0)
        self._reported = cause
        if cause is None:
            log.info("the forecast cache accepts writes again")
            return
        REFUSED.labels(cause.label).set(1)
        log.error(
            "the forecast cache refuses writes; runs are paused", cause=cause.label, description=cause.description
        )
