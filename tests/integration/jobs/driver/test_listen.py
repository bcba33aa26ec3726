"""LISTEN over a link that drops bytes, and the effects of echoes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from devstack.stores.ports import LOOPBACK
from services.jobs.postgres.driver import listener
from services.jobs.postgres.driver.listener import Listener
from tests.chaos.proxy import LinkFault, Proxy
from tests.integration.jobs.conftest import Store
from tests.waiting import wait_until_async


class Received:
    """Counts what a listener calls."""

    def __init__(self) -> None:
        self.wakes = 0
        self.missed = 0
        self.changes: list[str] = []

    def __len__(self) -> int:
        return self.wakes + len(self.changes)

    def wake(self) -> None:
        self.wakes += 1

    def miss(self) -> None:
        self.missed += 1


@pytest.fixture
def quick_echoes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listener, "_ECHO_EVERY", 0.2)
    monkeypatch.setattr(listener, "_ECHO_SECONDS", 2.0)


def test_a_silent_connection_is_found_within_ten_seconds() -> None:
    assert listener._ECHO_EVERY + listener._ECHO_SECONDS <= 10


@pytest.mark.usefixtures("quick_echoes")
async def test_a_connection_that_loses_notifications_is_replaced(store: Store) -> None:
    server, _, database = store.url.partition("@")[2].partition("/")
    link = Proxy("to postgres", int(server.rpartition(":")[2]))
    url = f"{store.url.partition('@')[0]}@{LOOPBACK}:{link.port}/{database}"
    try:
        async with _listening(url) as received:
            with link.with_fault(LinkFault.HALF_OPEN):
                pass  # open connections stay open and silent
            await wait_until_async(lambda: _more(received.missed, 1), 10, "it has reconnected")
            before = received.wakes
            await store.execute("SELECT pg_notify('warmcast_jobs', '')")
            await wait_until_async(lambda: _more(received.wakes, before), 4, "a start is notified at once")
            await store.execute("SELECT pg_notify('warmcast_changes', '7')")
            await wait_until_async(lambda: _more(len(received.changes), 0), 4, "a change is notified at once")
    finally:
        link.close()


@pytest.mark.parametrize("channel", ["warmcast_jobs", "warmcast_changes"])
async def test_notifications_arrive_at_once_between_two_echoes(store: Store, channel: str) -> None:
    async with _listening(store.url) as received:
        for number in range(20):  # some of them during an echo
            seen = len(received)
            await store.execute(f"SELECT pg_notify('{channel}', '{'' if channel == 'warmcast_jobs' else number}')")
            await wait_until_async(lambda: _more(len(received), seen), 4, "it arrived")  # noqa: B023 - awaited here


@pytest.mark.usefixtures("quick_echoes")
async def test_an_echo_wakes_no_replica(store: Store) -> None:
    async with _listening(store.url) as first, _listening(store.url) as second:
        wakes = (first.wakes, second.wakes)
        async with _listening(store.url):  # receives the notifications too, and sends echoes
            await store.execute("SELECT pg_notify('warmcast_jobs', 'an echo of another release')")
            await store.execute("SELECT pg_notify('warmcast_changes', '7')")
            await wait_until_async(
                lambda: _more(len(first.changes) + len(second.changes), 1), 5, "both received the change"
            )
        assert (first.wakes, second.wakes) == wakes


async def _more(value: int, than: int) -> bool:
    return value > than


@asynccontextmanager
async def _listening(url: str) -> AsyncIterator[Received]:
    received = Received()
    listener = Listener(url, on_wake_up=received.wake, on_change=received.changes.append, on_missed=received.miss)
    task = asyncio.create_task(listener.run())
    try:
        await wait_until_async(lambda: _more(received.missed, 0), 10, "it listens")
        yield received
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
