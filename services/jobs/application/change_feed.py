"""The feed of changed warmup jobs: database notifications are batched, read once, and published to all subscribers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import structlog
from prometheus_client import Gauge

from services.common import errors
from services.common.errors import WarmcastError
from services.common.runtime.background import beat, report_failure, until_set
from services.jobs.domain.job import JobChange

log = structlog.get_logger()

SUBSCRIBERS = Gauge("warmcast_jobs_watchers", "Open streams of changes")
_READ_BATCH = 1_000  # rows in one read
_MAX_PENDING = 10_000  # changes kept for a slow subscriber, about 3 MB; with more it gets `missed`
_MAX_SUBSCRIBERS = 1_000  # one for each gateway is expected
_RETRY_SECONDS = 1.0
_RESYNC_SECONDS = 60.0


@dataclass(frozen=True)
class ChangeBatch:
    """What a subscriber receives at once."""

    changes: tuple[JobChange, ...]
    missed: bool  # other changes may have been lost, so the subscriber must read the state anew


@dataclass(eq=False)
class _Subscriber:
    changes: dict[int, JobChange] = field(default_factory=dict)  # the latest of each job
    missed: bool = True  # the subscriber does not know changes from before its subscription
    pending: asyncio.Event = field(default_factory=asyncio.Event)

    def publish(self, changes: Sequence[JobChange]) -> None:
        self.changes.update((change.job_id, change) for change in changes)
        if len(self.changes) > _MAX_PENDING:
            self.publish_missed()
        self.pending.set()

    def publish_missed(self) -> None:
        self.changes.clear()
        self.missed = True
        self.pending.set()

    def take_batch(self) -> ChangeBatch:
        self.pending.clear()
        batch = ChangeBatch(tuple(self.changes.values()), self.missed)
        self.changes, self.missed = {}, False
        return batch


class ChangeFeed:
    """Publishes every change to every subscriber. Without subscribers nothing is read."""

    def __init__(
        self,
        read: Callable[[Sequence[int]], Awaitable[Sequence[JobChange]]],
        *,
        resync_seconds: float = _RESYNC_SECONDS,
    ) -> None:
        """`read` fetches the jobs with those ids as they are now; it may raise WarmcastError.

        Every `resync_seconds` subscribers get `missed`: a process that is killed between a commit and its notification
        leaves a change unpublished.
        """
        self._read = read
        self._resync_seconds = resync_seconds
        self._subscribers: set[_Subscriber] = set()
        self._changed: dict[int, None] = {}  # ids in the order of their changes
        self._pending = asyncio.Event()
        self._closed = False

    def on_change(self, payload: str) -> None:
        """Takes a payload: job ids, or CHANGED_TOO_MANY. One that cannot be parsed counts as too many."""
        if not self._subscribers:
            return
        ids = payload.split(",")
        if not all(each.isdecimal() for each in ids) or len(self._changed) > _MAX_PENDING:
            self.on_missed()
            return
        self._changed.update(dict.fromkeys(map(int, ids)))
        self._pending.set()

    def on_missed(self) -> None:
        """Notifications may have been lost."""
        self._changed.clear()
        for subscriber in self._subscribers:
            subscriber.publish_missed()

    async def run(self) -> None:
        """Reads and publishes changes. Ends only when cancelled."""
        async with asyncio.TaskGroup() as loops:
            loops.create_task(self._publish())
            loops.create_task(self._resync())

    async def subscribe(self) -> AsyncGenerator[ChangeBatch, None]:
        """Batches from now on, the first at once. Ends when the feed closes; close it with `aclosing`.

        Raises WarmcastError(BUSY) when there are too many subscribers.
        """
        if len(self._subscribers) >= _MAX_SUBSCRIBERS:
            raise WarmcastError(errors.BUSY, "too many streams of changes are open on this server", retry_after=5)
        with self._subscribed() as subscriber:
            while not self._closed:
                yield subscriber.take_batch()
                await subscriber.pending.wait()

    def close(self) -> None:
        """Ends every subscription: this process is shutting down, and subscribers reconnect elsewhere."""
        self._closed = True
        for subscriber in self._subscribers:
            subscriber.pending.set()

    async def _publish(self) -> None:
        while True:
            await until_set(self._pending)
            self._pending.clear()
            while self._changed:
                ids = list(self._changed)[:_READ_BATCH]
                for each in ids:
                    del self._changed[each]
                try:
                    changes = await self._read(ids)
                except Exception as error:
                    if isinstance(error, WarmcastError):
                        log.warning("could not read changes; subscribers resync", reason=error.reason.name)
                    else:
                        report_failure()
                    self.on_missed()
                    await asyncio.sleep(_RETRY_SECONDS)
                    continue
                for subscriber in self._subscribers:
                    subscriber.publish(changes)
                beat()

    async def _resync(self) -> None:
        while True:
            await asyncio.sleep(self._resync_seconds)
            self.on_missed()

    @contextmanager
    def _subscribed(self) -> Iterator[_Subscriber]:
        subscriber = _Subscriber()
        self._subscribers.add(subscriber)
        SUBSCRIBERS.set(len(self._subscribers))
        try:
            yield subscriber
        finally:
            self._subscribers.discard(subscriber)
            SUBSCRIBERS.set(len(self._subscribers))
