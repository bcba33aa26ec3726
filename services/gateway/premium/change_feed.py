"""Fans out warmup changes: from one stream of jobs to every client that watches a comparison."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import aclosing, contextmanager

import structlog
from prometheus_client import Gauge
from warmcast.jobs.v1 import jobs_pb2

from services.common import errors
from services.common.comparison import ComparisonKey
from services.common.errors import WarmcastError
from services.common.runtime.background import beat, report_failure
from services.gateway.premium.cache import AnswerCache

log = structlog.get_logger()

_MAX_SILENCE_SECONDS = 90.0  # jobs writes to each stream at least every 60 s
STREAMS = Gauge("warmcast_gateway_event_streams", "Open event streams of clients")
_MIN_RECONNECT_SECONDS, _MAX_RECONNECT_SECONDS = 0.1, 1.0


class ChangeFeed:
    """For each change, invalidates the cached answer, then wakes the watchers of that comparison."""

    def __init__(
        self,
        watch: Callable[[], AsyncGenerator[jobs_pb2.WatchWarmupsResponse, None]],
        answers: AnswerCache,
        *,
        max_streams: int,
    ) -> None:
        """`watch` opens the stream of jobs and may raise WarmcastError."""
        self._watch = watch
        self._answers = answers
        self._max_streams = max_streams
        self._open = 0
        self._watchers: dict[ComparisonKey | None, set[asyncio.Event]] = {}
        self.connected = False  # while false, watchers must poll
        self.closing = False

    async def run(self) -> None:
        """Follows the stream, and reconnects until it is cancelled."""
        reported = False  # one log line for each outage
        while True:
            try:
                await self._follow_stream()
            except WarmcastError as error:
                if self.connected or not reported:
                    log.info("warmup change stream unavailable; reconnecting", reason=error.reason.name)
                reported = True
            except TimeoutError:
                log.warning("warmup change stream is silent; reconnecting", seconds=_MAX_SILENCE_SECONDS)
            except Exception:
                report_failure()
            finally:
                self.connected = False
            beat()
            # Jitter, so that gateways that lost the same server do not reconnect at one moment.
            await asyncio.sleep(random.uniform(_MIN_RECONNECT_SECONDS, _MAX_RECONNECT_SECONDS))  # noqa: S311 - no secret

    async def _follow_stream(self) -> None:
        now = asyncio.get_running_loop().time
        async with asyncio.timeout(_MAX_SILENCE_SECONDS) as silence, aclosing(self._watch()) as stream:
            async for message in stream:
                silence.reschedule(now() + _MAX_SILENCE_SECONDS)
                self.connected = True
                self._apply(message)
                beat()

    @contextmanager
    def watching(self, key: ComparisonKey | None) -> Iterator[asyncio.Event]:
        """An event that is set at each change of `key`, or of any comparison for None.

        Raises WarmcastError(BUSY) at the limit of streams.
        """
        if self._open >= self._max_streams or self.closing:
            raise WarmcastError(errors.BUSY, "too many event streams are open; retry later", retry_after=5)
        changed = asyncio.Event()
        self._open += 1
        self._watchers.setdefault(key, set()).add(changed)
        STREAMS.set(self._open)
        try:
            yield changed
        finally:
            self._open -= 1
            STREAMS.set(self._open)
            watchers = self._watchers[key]
            watchers.discard(changed)
            if not watchers:
                del self._watchers[key]

    def close(self) -> None:
        """Ends every stream, because the gateway is shutting down."""
        self.closing = True
        self._wake_all()

    def _apply(self, message: jobs_pb2.WatchWarmupsResponse) -> None:
        if message.missed:
            self._answers.invalidate_all()
            self._wake_all()
        for change in message.changes:
            key = ComparisonKey(change.key.slug, change.key.timeframe, change.key.geo)
            self._answers.invalidate(key)
            self._wake(key)
        if message.changes:
            self._wake(None)

    def _wake(self, key: ComparisonKey | None) -> None:
        for changed in self._watchers.get(key, ()):
            changed.set()

    def _wake_all(self) -> None:
        for watchers in self._watchers.values():
            for changed in watchers:
                changed.set()
