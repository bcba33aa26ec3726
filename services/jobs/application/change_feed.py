"""Changes of warmup jobs, from the database's word to all who watch: read once, however many they are."""

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

WATCHERS = Gauge("warmcast_jobs_watchers", "Streams of changes that are open")
_MOST_AT_ONCE = 1_000  # rows read together
_MOST_WAITING = 10_000  # changes that a slow watcher is kept waiting for, about 3 MB; past these it looks anew
_MOST_WATCHERS = 1_000  # one a gateway is what is expected
_ASK_AGAIN_SECONDS = 1.0
_LOOK_ANYWAY_SECONDS = 60.0


@dataclass(frozen=True)
class News:
    """What a watcher is told at once. `missed`: other changes may have gone by, so that it must look for itself."""

    changes: tuple[JobChange, ...]
    missed: bool


@dataclass(eq=False)
class _Watcher:
    changes: dict[int, JobChange] = field(default_factory=dict)  # the latest of each job
    missed: bool = True  # whatever happened before it began to watch
    news: asyncio.Event = field(default_factory=asyncio.Event)

    def tell(self, changes: Sequence[JobChange]) -> None:
        self.changes.update((change.job_id, change) for change in changes)
        if len(self.changes) > _MOST_WAITING:
            self.tell_missed()
        self.news.set()

    def tell_missed(self) -> None:
        self.changes.clear()
        self.missed = True
        self.news.set()

    def take(self) -> News:
        self.news.clear()
        news = News(tuple(self.changes.values()), self.missed)
        self.changes, self.missed = {}, False
        return news


class Changes:
    """Tells every watcher of every change. With nobody watching, notifications cost nothing and nothing is read."""

    def __init__(
        self,
        read: Callable[[Sequence[int]], Awaitable[Sequence[JobChange]]],
        *,
        look_anyway: float = _LOOK_ANYWAY_SECONDS,
    ) -> None:
        """`read` gives the jobs of those ids as they are now; it may raise WarmcastError.

        Every `look_anyway` seconds watchers are told to look: who was killed between a commit and its word about it
        leaves a change untold.
        """
        self._read = read
        self._look_anyway = look_anyway
        self._watchers: set[_Watcher] = set()
        self._changed: dict[int, None] = {}  # ids in the order of their changes
        self._some = asyncio.Event()
        self._closed = False

    def heard(self, notification: str) -> None:
        """A notification's payload: ids, or CHANGED_TOO_MANY. What cannot be read counts as too many."""
        if not self._watchers:
            return
        ids = notification.split(",")
        if not all(each.isdecimal() for each in ids) or len(self._changed) > _MOST_WAITING:
            self.missed()
            return
        self._changed.update(dict.fromkeys(map(int, ids)))
        self._some.set()

    def missed(self) -> None:
        """Changes may have gone by unheard."""
        self._changed.clear()
        for watcher in self._watchers:
            watcher.tell_missed()

    async def run(self) -> None:
        """Reads what has changed and tells it, for ever. Ends only when cancelled."""
        async with asyncio.TaskGroup() as loops:
            loops.create_task(self._tell())
            loops.create_task(self._tell_to_look())

    async def _tell_to_look(self) -> None:
        while True:
            await asyncio.sleep(self._look_anyway)
            self.missed()

    async def _tell(self) -> None:
        while True:
            await until_set(self._some)
            self._some.clear()
            while self._changed:
                ids = list(self._changed)[:_MOST_AT_ONCE]
                for each in ids:
                    del self._changed[each]
                try:
                    changes = await self._read(ids)
                except Exception as error:
                    if isinstance(error, WarmcastError):
                        log.warning("changes could not be read; watchers look for themselves", reason=error.reason.name)
                    else:
                        report_failure()
                    self.missed()
                    await asyncio.sleep(_ASK_AGAIN_SECONDS)
                    continue
                for watcher in self._watchers:
                    watcher.tell(changes)
                beat()

    async def watch(self) -> AsyncGenerator[News, None]:
        """News from now on, the first at once. Ends when this closes; close it with `aclosing`.

        Raises WarmcastError(BUSY) when there are too many already.
        """
        if len(self._watchers) >= _MOST_WATCHERS:
            raise WarmcastError(errors.BUSY, "too many watch this server already", retry_after=5)
        with self._watching() as watcher:
            while not self._closed:
                yield watcher.take()
                await watcher.news.wait()

    def close(self) -> None:
        """Ends every watch: this process is about to end, and its watchers find another."""
        self._closed = True
        for watcher in self._watchers:
            watcher.news.set()

    @contextmanager
    def _watching(self) -> Iterator[_Watcher]:
        watcher = _Watcher()
        self._watchers.add(watcher)
        WATCHERS.set(len(self._watchers))
        try:
            yield watcher
        finally:
            self._watchers.discard(watcher)
            WATCHERS.set(len(self._watchers))
