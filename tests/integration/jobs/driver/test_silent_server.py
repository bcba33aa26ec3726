"""The queue with silent connections, or with all connections in use: neither blocks it for ever."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from devstack.stores.ports import LOOPBACK
from services.common import errors
from services.common.errors import WarmcastError
from services.jobs.postgres.change_publisher import ChangePublisher
from services.jobs.postgres.driver.connection import run
from services.jobs.postgres.driver.database import Database
from services.jobs.postgres.queue import Queue
from tests.chaos.proxy import LinkFault, Proxy
from tests.integration.jobs.conftest import POLICY, Store, forecasts

_LONGEST = 2.0  # seconds for a statement; psycopg needs five more to close its connection


@pytest.fixture
async def link(store: Store) -> AsyncIterator[Proxy]:
    """A link to PostgreSQL with injected faults."""
    address = store.url.rpartition("@")[2]
    link = Proxy("to postgres", int(address.partition("/")[0].rpartition(":")[2]))
    yield link
    link.close()


@pytest.fixture
async def linked(store: Store, link: Proxy) -> AsyncIterator[Database]:
    """PostgreSQL over that link."""
    before, _, address = store.url.rpartition("@")
    database = Database(
        f"{before}@{LOOPBACK}:{link.port}/{address.partition('/')[2]}", pool_size=2, wait=10, longest=_LONGEST
    )
    await database.open()
    yield database
    await database.close()


@pytest.fixture
def queue(linked: Database) -> Queue:
    """A queue over that link."""
    return Queue(linked, POLICY, holder="linked", publisher=ChangePublisher(linked))


def _go_silent(link: Proxy) -> None:
    with link.with_fault(LinkFault.HALF_OPEN):
        pass  # connections that were open then stay silent


@pytest.mark.slow
async def test_a_claim_on_a_silent_connection_fails_and_the_next_claim_succeeds(
    store: Store, link: Proxy, queue: Queue
) -> None:
    job = await store.queued()
    await queue.claim(0)
    _go_silent(link)
    await _does_not_answer(lambda: queue.claim(1))
    assert [claimed.id for claimed in (await queue.claim(1)).claimed] == [job.id]


@pytest.mark.slow
async def test_a_completion_on_a_silent_connection_fails_and_its_retry_succeeds(
    store: Store, link: Proxy, queue: Queue
) -> None:
    first, second = [await store.claimed(term) for term in ("amazon", "walmart")]
    assert await queue.ready(first, forecasts())
    _go_silent(link)
    await _does_not_answer(lambda: queue.ready(second, forecasts()))
    assert await queue.ready(second, forecasts())


@pytest.mark.slow
async def test_a_heartbeat_on_a_silent_connection_fails_and_the_next_one_renews_the_lease(
    store: Store, link: Proxy, queue: Queue
) -> None:
    job = await store.claimed()
    assert await queue.heartbeat(job)
    _go_silent(link)
    await _does_not_answer(lambda: queue.heartbeat(job))
    assert await queue.heartbeat(job)


@pytest.mark.slow
async def test_one_failed_call_replaces_all_connections_of_a_silent_pool(
    store: Store, link: Proxy, linked: Database
) -> None:
    async with linked.transaction(), linked.transaction():
        pass  # both of its connections are open
    _go_silent(link)
    await _does_not_answer(lambda: linked.fetch("SELECT 1"))
    assert await linked.fetch("SELECT 1 AS one") == [{"one": 1}]


async def test_a_transaction_is_ended_after_its_timeout(store: Store) -> None:
    async def endless() -> None:
        async with hasty.transaction() as connection:
            await run(connection, "UPDATE warmup_jobs SET attempts = 7 WHERE id = %(id)s", {"id": job.id})
            await run(connection, "SELECT pg_sleep(600)")

    hasty = Database(store.url, pool_size=1, longest=_LONGEST)
    await hasty.open()
    job = await store.queued()
    await _does_not_answer(endless)
    await hasty.close()
    assert await store.row(job) == job


async def test_calls_that_occupy_every_connection_delay_neither_claims_nor_completions(store: Store) -> None:
    crowded = Database(store.url, pool_size=1)
    await crowded.open()
    queue = Queue(crowded, POLICY, holder="crowded", publisher=ChangePublisher(crowded))
    await store.queued()
    async with crowded.transaction():
        (job,) = (await queue.claim(1)).claimed
        assert await queue.ready(job, forecasts())
    await crowded.close()


async def _does_not_answer(call: Callable[[], Awaitable[object]]) -> None:
    with pytest.raises(WarmcastError) as caught:
        await call()
    assert (caught.value.reason, caught.value.detail) == (errors.UNAVAILABLE, "PostgreSQL does not respond")
