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


class Heard:
    """Counts what a listener calls."""

    def __init__(self) -> None:
        self.wakes = 0
        self.missed = 0
        self.changes: list[str] = []

    def wake(self) -> None:
        self.wakes += 1

    def miss(self) -> None:
        self.missed += 1


@pytest.fixture
def quick_echoes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listener, "_ECHO_EVERY", 0.2)
    monkeypatch.setattr(listener, "_ECHO_SECONDS", 0.5)


def test_a_silent_connection_is_found_within_ten_seconds() -> None:
    assert listener._ECHO_EVERY + listener._ECHO_SECONDS <= 10


@pytest.mark.usefixtures("quick_echoes")
async def test_a_connection_that_loses_notifications_is_replaced(store: Store) -> None:
    server, _, database = store.url.partition("@")[2].partition("/")
    link = Proxy("to postgres", int(server.rpartition(":")[2]))
    url = f"{store.url.partition('@')[0]}@{LOOPBACK}:{link.port}/{database}"
    try:
        async with _listening(url) as heard:
            with link.with_fault(LinkFault.HALF_OPEN):
                pass  # open connections stay open and silent
            await wait_until_async(lambda: _more(heard.missed, 1), 10, "it has connected anew")
            before = heard.wakes
            await store.execute("SELECT pg_notify('warmcast_jobs', '')")
            await wait_until_async(lambda: _more(heard.wakes, before), 1, "a start is notified at once")
            await store.execute("SELECT pg_notify('warmcast_changes', '7')")
            await wait_until_async(lambda: _more(len(heard.changes), 0), 1, "a change is notified at once")
    finally:
        link.close()


@pytest.mark.parametrize("channel", ["warmcast_jobs", "warmcast_changes"])
async def test_notifications_arrive_at_once_between_two_echoes(store: Store, channel: str) -> None:
    async with _listening(store.url) as heard:
        for number in range(20):  # some of them during an echo
            wakes, changes = heard.wakes, len(heard.changes)
            await store.execute(f"SELECT pg_notify('{channel}', '{'' if channel == 'warmcast_jobs' else number}')")
            await wait_until_async(lambda: _more(heard.wakes + len(heard.changes), wakes + changes), 1, "it arrived")  # noqa: B023 - awaited here


@pytest.mark.usefixtures("quick_echoes")
async def test_an_echo_wakes_no_replica(store: Store) -> None:
    async with _listening(store.url) as first, _listening(store.url) as second:
        wakes = (first.wakes, second.wakes)
        async with _listening(store.url):  # receives the notifications too, and sends echoes
            await store.execute("SELECT pg_notify('warmcast_jobs', 'an echo of another release')")
            await store.execute("SELECT pg_notify('warmcast_changes', '7')")
            await wait_until_async(lambda: _more(len(first.changes) + len(second.changes), 1), 5, "both heard the rest")
        assert (first.wakes, second.wakes) == wakes


async def _more(value: int, than: int) -> bool:
    return value > than


@asynccontextmanager
async def _listening(url: str) -> AsyncIterator[Heard]:
    heard = Heard()
    listener = Listener(url, on_wake_up=heard.wake, on_change=heard.changes.append, on_missed=heard.miss)
    task = asyncio.create_task(listener.run())
    try:
        await wait_until_async(lambda: _more(heard.missed, 0), 10, "it listens")
        yield heard
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
