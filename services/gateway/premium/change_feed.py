"""Who waits for what: changes of warmups, from one stream of jobs to every client that watches a comparison."""

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
from services.gateway.premium.cache import WarmAnswers

log = structlog.get_logger()

_LONGEST_SILENCE = 90.0  # seconds; jobs writes to each stream at least every 60
STREAMS = Gauge("warmcast_gateway_event_streams", "Clients that watch a comparison")
_SHORTEST_PAUSE, _LONGEST_PAUSE = 0.1, 1.0  # seconds before the stream of jobs is opened again


class LiveStatus:
    """Wakes whoever watches a comparison that has changed, and drops what is remembered of it first."""

    def __init__(
        self,
        watch: Callable[[], AsyncGenerator[jobs_pb2.WatchWarmupsResponse, None]],
        answers: WarmAnswers,
        *,
        most: int,
    ) -> None:
        """`watch` opens the stream of jobs and may raise WarmcastError; `most` clients may watch at once."""
        self._watch = watch
        self._answers = answers
        self._most = most
        self._open = 0
        self._watchers: dict[ComparisonKey, set[asyncio.Event]] = {}
        self.connected = False  # changes are told; without that, whoever waits must look now and then
        self.closing = False

    async def run(self) -> None:
        """Follows the changes for ever. Ends only when cancelled."""
        while True:
            try:
                await self._follow()
            except WarmcastError as error:
                log.info("changes of warmups are not told at the moment", reason=error.reason.name)
            except TimeoutError:
                log.warning("the stream of warmup changes is silent; opening another", seconds=_LONGEST_SILENCE)
            except Exception:
                report_failure()
            finally:
                self.connected = False
            beat()
            # Gateways that lost the same server do not all come back in one moment.
            await asyncio.sleep(random.uniform(_SHORTEST_PAUSE, _LONGEST_PAUSE))  # noqa: S311 - no secret

    async def _follow(self) -> None:
        now = asyncio.get_running_loop().time
        async with asyncio.timeout(_LONGEST_SILENCE) as silence, aclosing(self._watch()) as stream:
            async for news in stream:
                silence.reschedule(now() + _LONGEST_SILENCE)
                self.connected = True
                self._take(news)
                beat()

    @contextmanager
    def watching(self, key: ComparisonKey) -> Iterator[asyncio.Event]:
        """Set at each change of `key` from now on. Raises WarmcastError(BUSY) when too many watch already."""
        if self._open >= self._most or self.closing:
            raise WarmcastError(errors.BUSY, "no further stream of events can be opened here", retry_after=5)
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
        """Ends every stream: this gateway is about to end."""
        self.closing = True
        self._wake_all()

    def _take(self, news: jobs_pb2.WatchWarmupsResponse) -> None:
        if news.missed:
            self._answers.forget_all()
            self._wake_all()
        for change in news.changes:
            key = ComparisonKey(change.key.slug, change.key.timeframe, change.key.geo)
            self._answers.forget(key)
            for changed in self._watchers.get(key, ()):
                changed.set()

    def _wake_all(self) -> None:
        for watchers in self._watchers.values():
            for changed in watchers:
                changed.set()
