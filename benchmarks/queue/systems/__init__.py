"""The measured queues, behind one protocol."""

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
    "bare": "psycopg",  # not a peer: the floor of every queue over psycopg
}

Started = Callable[[int], None]  # called when the handler of job n is called
Enqueue = Callable[[int], Awaitable[None]]  # commits one job with the number


class System(Protocol):
    """One queue: its schema, a producer and a worker, as in its documentation."""

    concurrency: int  # concurrent jobs, and jobs per claim where they are the same; the best value of those tried
    # SQL that counts unfinished jobs.
    unfinished: str

    async def install(self, url: str, jobs: int) -> None:
        """Creates the schema, and the rows that up to `jobs` jobs refer to."""
        ...

    async def enqueue_all(self, url: str, numbers: range) -> None:
        """Enqueues jobs beforehand, in the fastest way."""
        ...

    def producer(self, url: str) -> AbstractAsyncContextManager[Enqueue]:
        """A function that enqueues one job and returns after its commit."""
        ...

    async def work(self, url: str, concurrency: int, started: Started) -> None:
        """Runs jobs in this process until cancelled."""
        ...


def load(name: str) -> System:
    """The system of that name. Raises ImportError if its package is not installed."""
    system: System = importlib.import_module(f"{__name__}.{name}").SYSTEM
    return system


def installed_version(name: str) -> str | None:
    """The version of its package; None if not installed."""
    try:
        return "of this checkout" if name == OURS else version(_PACKAGES[name])
    except PackageNotFoundError:
        return None
