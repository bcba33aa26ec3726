from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager

import pytest

from services.common import errors
from services.common.comparison import ComparisonKey
from services.common.errors import WarmcastError
from services.common.job_status import JobStatus
from services.jobs.application.change_feed import ChangeFeed
from services.jobs.domain.job import JobChange

KEY = ComparisonKey("amazon-vs-costco", "12m", "")


class Rows:
    """The current rows of jobs."""

    def __init__(self) -> None:
        self.version = 0
        self.reads: list[list[int]] = []
        self.failure: Exception | None = None

    async def __call__(self, ids: Sequence[int]) -> list[JobChange]:
        self.reads.append(list(ids))
        if self.failure is not None:
            raise self.failure
        return [JobChange(each, KEY, "0" * 16, JobStatus.RUNNING, self.version) for each in ids]


@asynccontextmanager
async def feeding(rows: Rows, *, resync_seconds: float = 3600) -> AsyncIterator[ChangeFeed]:
    feed = ChangeFeed(rows, resync_seconds=resync_seconds)
    task = asyncio.create_task(feed.run())
    yield feed
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_without_subscribers_nothing_is_read() -> None:
    rows = Rows()
    async with feeding(rows) as feed:
        feed.on_change("1,2")
        async with aclosing(feed.subscribe()) as stream:
            assert (await anext(stream)).missed, "changes before the subscription"
            feed.on_change("3")
            assert [change.job_id for change in (await anext(stream)).changes] == [3]
    assert rows.reads == [[3]]


async def test_subscribers_resync_periodically_without_any_notification() -> None:
    rows = Rows()
    async with feeding(rows, resync_seconds=0.01) as feed, aclosing(feed.subscribe()) as stream:
        for _ in range(3):
            assert (await anext(stream)).missed
    assert rows.reads == []


async def test_one_read_serves_all_subscribers_and_a_slow_one_gets_the_latest_change() -> None:
    rows = Rows()
    async with feeding(rows) as feed, aclosing(feed.subscribe()) as fast, aclosing(feed.subscribe()) as slow:
        await anext(fast)
        await anext(slow)
        for rows.version in (1, 2):
            feed.on_change("7")
            [change] = (await anext(fast)).changes
            assert change.version == rows.version
        assert [change.version for change in (await anext(slow)).changes] == [2]
    assert rows.reads == [[7], [7]]


@pytest.mark.parametrize("payload", ["*", "", "1,x", "-1"])
async def test_a_notification_without_ids_is_published_as_missed(payload: str) -> None:
    async with feeding(Rows()) as feed, aclosing(feed.subscribe()) as stream:
        await anext(stream)
        feed.on_change(payload)
        batch = await anext(stream)
        assert (batch.changes, batch.missed) == ((), True)


async def test_a_slow_subscriber_gets_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.jobs.application.change_feed._MAX_PENDING", 3)
    async with feeding(Rows()) as feed, aclosing(feed.subscribe()) as fast, aclosing(feed.subscribe()) as slow:
        await anext(fast)
        await anext(slow)
        for number in range(5):
            feed.on_change(str(number))
            await anext(fast)
        batch = await anext(slow)
        assert batch.missed
        assert len(batch.changes) <= 3


@pytest.mark.parametrize(
    "failure", [WarmcastError(errors.UNAVAILABLE, "PostgreSQL is unavailable"), KeyError("a bug of ours")]
)
async def test_a_failed_read_is_published_as_missed_and_later_changes_are_published(
    monkeypatch: pytest.MonkeyPatch, failure: Exception
) -> None:
    monkeypatch.setattr("services.jobs.application.change_feed._RETRY_SECONDS", 0.0)
    rows = Rows()
    async with feeding(rows) as feed, aclosing(feed.subscribe()) as stream:
        await anext(stream)
        rows.failure = failure
        feed.on_change("1")
        assert (await anext(stream)).missed
        rows.failure = None
        feed.on_change("2")
        assert [change.job_id for change in (await anext(stream)).changes] == [2]


async def test_closing_ends_every_subscription_and_unsubscribing_frees_the_slot(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("services.jobs.application.change_feed._MAX_SUBSCRIBERS", 1)
    async with feeding(Rows()) as feed:
        async with aclosing(feed.subscribe()) as stream:
            await anext(stream)
            with pytest.raises(WarmcastError) as refused:
                await anext(feed.subscribe())
            assert refused.value.reason is errors.BUSY
        async with aclosing(feed.subscribe()) as stream:
            await anext(stream)
            feed.close()
            with pytest.raises(StopAsyncIteration):
                await asyncio.wait_for(anext(stream), 5)
