"""The queues that are measured, each behind the same few methods."""

from __future__ import annotations

import importlib
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from importlib.metadata import PackageNotFoundError, version
from typing import Protocol

OURS = "warmcast"
NAMES = (OURS, "pgqueuer", "oban", "awa", "procrastinate", "bare")
_PACKAGES = {
    "pgqueuer": "pgqueuer",
    "oban": "oban",
    "awa": "awa-pg",
    "procrastinate": "procrastinate",
    "bare": "psycopg",  # no peer: the floor under every queue over psycopg
}

Started = Callable[[int], None]  # the handler of job number n has been called
Enqueue = Callable[[int], Awaitable[None]]  # commits one job that carries the number


class System(Protocol):
    """One queue: its schema, a producer and a worker, as its own documentation has them."""

    concurrency: int  # jobs at once, and jobs per claim where the two are one: the best of those that were tried
    # How many jobs are not at their end yet, as SQL.
    unfinished: str

    async def install(self, url: str, jobs: int) -> None:
        """Makes the schema, and whatever up to `jobs` jobs refer to."""
        ...

    async def enqueue_all(self, url: str, numbers: range) -> None:
        """Enqueues them beforehand, in whatever way is fastest."""
        ...

    def producer(self, url: str) -> AbstractAsyncContextManager[Enqueue]:
        """Its own call that enqueues one job and returns once it is committed."""
        ...

    async def work(self, url: str, concurrency: int, started: Started) -> None:
        """Works in this process until cancelled."""
        ...


def load(name: str) -> System:
    """The system of that name. Raises ImportError where its package is not installed."""
    system: System = importlib.import_module(f"{__name__}.{name}").SYSTEM
    return system


def installed_version(name: str) -> str | None:
    """Of its package; None where it is not installed."""
    try:
        return "of this checkout" if name == OURS else version(_PACKAGES[name])
    except PackageNotFoundError:
        return None
