from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager

import pytest

from services.common import errors
from services.common.comparison import ComparisonKey
from services.common.errors import WarmcastError
from services.common.job_status import JobStatus
from services.jobs.application.change_feed import Changes
from services.jobs.domain.job import JobChange

KEY = ComparisonKey("amazon-vs-costco", "12m", "")


class Rows:
    """Jobs as they are when they are read."""

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
async def telling(rows: Rows, *, look_anyway: float = 3600) -> AsyncIterator[Changes]:
    changes = Changes(rows, look_anyway=look_anyway)
    task = asyncio.create_task(changes.run())
    yield changes
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_with_nobody_watching_nothing_is_read() -> None:
    rows = Rows()
    async with telling(rows) as changes:
        changes.heard("1,2")
        async with aclosing(changes.watch()) as watch:
            assert (await anext(watch)).missed, "whatever came before"
            changes.heard("3")
            assert [change.job_id for change in (await anext(watch)).changes] == [3]
    assert rows.reads == [[3]]


async def test_who_watches_is_told_to_look_now_and_then_whatever_was_heard() -> None:
    rows = Rows()
    async with telling(rows, look_anyway=0.01) as changes, aclosing(changes.watch()) as watch:
        for _ in range(3):
            assert (await anext(watch)).missed
    assert rows.reads == []


async def test_all_who_watch_are_told_of_one_read_and_a_slow_one_of_the_latest() -> None:
    rows = Rows()
    async with telling(rows) as changes, aclosing(changes.watch()) as fast, aclosing(changes.watch()) as slow:
        await anext(fast)
        await anext(slow)
        for rows.version in (1, 2):
            changes.heard("7")
            [change] = (await anext(fast)).changes
            assert change.version == rows.version
        assert [change.version for change in (await anext(slow)).changes] == [2]
    assert rows.reads == [[7], [7]]


@pytest.mark.parametrize("payload", ["*", "", "1,x", "-1"])
async def test_a_notification_that_names_no_rows_tells_to_look_anew(payload: str) -> None:
    async with telling(Rows()) as changes, aclosing(changes.watch()) as watch:
        await anext(watch)
        changes.heard(payload)
        news = await anext(watch)
        assert (news.changes, news.missed) == ((), True)


async def test_a_watcher_that_takes_nothing_for_long_is_told_to_look_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.jobs.application.change_feed._MOST_WAITING", 3)
    async with telling(Rows()) as changes, aclosing(changes.watch()) as fast, aclosing(changes.watch()) as slow:
        await anext(fast)
        await anext(slow)
        for number in range(5):
            changes.heard(str(number))
            await anext(fast)
        news = await anext(slow)
        assert news.missed
        assert len(news.changes) <= 3


@pytest.mark.parametrize(
    "failure", [WarmcastError(errors.UNAVAILABLE, "PostgreSQL cannot be asked"), KeyError("a bug of ours")]
)
async def test_what_cannot_be_read_is_told_as_missed_and_the_next_change_is_told_again(
    monkeypatch: pytest.MonkeyPatch, failure: Exception
) -> None:
    monkeypatch.setattr("services.jobs.application.change_feed._ASK_AGAIN_SECONDS", 0.0)
    rows = Rows()
    async with telling(rows) as changes, aclosing(changes.watch()) as watch:
        await anext(watch)
        rows.failure = failure
        changes.heard("1")
        assert (await anext(watch)).missed
        rows.failure = None
        changes.heard("2")
        assert [change.job_id for change in (await anext(watch)).changes] == [2]


async def test_closing_ends_every_watch_and_leaving_frees_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.jobs.application.change_feed._MOST_WATCHERS", 1)
    async with telling(Rows()) as changes:
        async with aclosing(changes.watch()) as watch:
            await anext(watch)
            with pytest.raises(WarmcastError) as refused:
                await anext(changes.watch())
            assert refused.value.reason is errors.BUSY
        async with aclosing(changes.watch()) as watch:
            await anext(watch)
            changes.close()
            with pytest.raises(StopAsyncIteration):
                await asyncio.wait_for(anext(watch), 5)
