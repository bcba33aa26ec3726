"""Questions in groups: none waits long, none is lost, and one that fails takes no other with it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextvars import ContextVar

import pytest

from services.common import errors
from services.common.errors import WarmcastError
from services.gateway.upstream.batching import Gathering

LONG = 60.0  # seconds that no test waits
asked_by: ContextVar[int] = ContextVar("asked_by", default=0)


class Server:
    """Answers ten times the question; notes who is asked what, and by whom."""

    def __init__(self) -> None:
        self.groups: list[list[int]] = []
        self.callers: list[int] = []
        self.asked = asyncio.Event()
        self.go = asyncio.Event()
        self.go.set()
        self.fails: Callable[[Sequence[int]], Exception | None] = lambda questions: None
        self.unknown: set[int] = set()

    async def alone(self, question: int) -> int:
        """One question."""
        await self._take([question])
        return 10 * question

    async def together(self, questions: Sequence[int]) -> list[int | None]:
        """Several."""
        await self._take(questions)
        return [None if question in self.unknown else 10 * question for question in questions]

    def gathering(self, *, most: int = 100, patience: float = LONG) -> Gathering[int, int]:
        """In front of this server."""
        return Gathering(self.alone, self.together, most=most, patience=patience)

    async def _take(self, questions: Sequence[int]) -> None:
        self.groups.append(list(questions))
        self.callers.append(asked_by.get())
        self.asked.set()
        await self.go.wait()
        if failure := self.fails(questions):
            raise failure


async def _settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_what_is_asked_in_one_turn_goes_together() -> None:
    server = Server()
    gathering = server.gathering()
    assert await asyncio.gather(*(gathering.ask(number) for number in (1, 2, 3))) == [10, 20, 30]
    assert server.groups == [[1, 2, 3]]


async def test_one_alone_goes_by_the_call_for_one() -> None:
    server = Server()
    server.unknown = {1}  # by the call for several it would have no answer
    assert await server.gathering().ask(1) == 10
    assert server.groups == [[1]]


async def test_what_comes_while_a_call_is_out_shares_the_next() -> None:
    server = Server()
    server.go.clear()
    gathering = server.gathering()
    first = asyncio.create_task(gathering.ask(1))
    await _settle()
    others = [asyncio.create_task(gathering.ask(number)) for number in (2, 3)]
    await _settle()
    assert server.groups == [[1]]
    server.go.set()
    assert await asyncio.gather(first, *others) == [10, 20, 30]
    assert server.groups == [[1], [2, 3]]


async def test_a_server_that_hangs_holds_up_nobody_else() -> None:
    server = Server()
    server.go.clear()
    gathering = server.gathering(patience=0.01)
    hanging = asyncio.create_task(gathering.ask(1))
    await _settle()
    server.groups.clear()
    server.asked.clear()
    later = asyncio.create_task(gathering.ask(2))
    await _settle()
    assert not server.groups, "it waits a moment"
    async with asyncio.timeout(10):
        await server.asked.wait()
    assert server.groups == [[2]]
    assert not hanging.done()
    server.go.set()
    assert [await hanging, await later] == [10, 20]


async def test_more_than_a_call_holds_go_by_several() -> None:
    server = Server()
    gathering = server.gathering(most=2)
    assert await asyncio.gather(*(gathering.ask(number) for number in range(5))) == [0, 10, 20, 30, 40]
    assert server.groups == [[0, 1], [2, 3], [4]]


async def test_one_that_is_asked_alone_is_asked_in_its_own_context() -> None:
    server = Server()
    server.unknown = {2}
    gathering = server.gathering()

    async def ask(number: int) -> int:
        asked_by.set(number)
        return await gathering.ask(number)

    assert await asyncio.gather(*(ask(number) for number in (1, 2, 3))) == [10, 20, 30]
    assert server.groups == [[1, 2, 3], [2]]
    assert server.callers == [1, 2]


async def test_one_without_an_answer_is_asked_alone() -> None:
    server = Server()
    server.unknown = {2}
    server.fails = lambda questions: WarmcastError(errors.NOT_FOUND, "no 2") if questions == [2] else None
    gathering = server.gathering()
    results = await asyncio.gather(*(gathering.ask(number) for number in (1, 2, 3)), return_exceptions=True)
    assert [results[0], results[2]] == [10, 30]
    assert isinstance(results[1], WarmcastError)
    assert results[1].reason is errors.NOT_FOUND
    assert server.groups == [[1, 2, 3], [2]]


async def test_an_answer_that_is_incomplete_is_none() -> None:
    server = Server()

    async def together(questions: Sequence[int]) -> list[int | None]:
        return [10]

    gathering = Gathering(server.alone, together, most=100, patience=LONG)
    assert await asyncio.gather(*(gathering.ask(number) for number in (1, 2))) == [10, 20]
    assert server.groups == [[1], [2]]


@pytest.mark.parametrize(
    "failure", [WarmcastError(errors.INVALID_ARGUMENT, "13"), WarmcastError(errors.INTERNAL, "13"), ValueError("13")]
)
async def test_a_question_that_fails_takes_no_other_with_it(failure: Exception) -> None:
    server = Server()
    server.fails = lambda questions: failure if 13 in questions else None
    gathering = server.gathering()
    results = await asyncio.gather(*(gathering.ask(number) for number in (12, 13, 14)), return_exceptions=True)
    assert results == [120, failure, 140]


@pytest.mark.parametrize("reason", [errors.UNAVAILABLE, errors.DEADLINE_EXCEEDED, errors.BUSY])
async def test_a_server_that_cannot_be_asked_is_asked_once_for_all(reason: errors.Reason) -> None:
    server = Server()
    away = WarmcastError(reason, "away")
    server.fails = lambda questions: away
    gathering = server.gathering()
    results = await asyncio.gather(*(gathering.ask(number) for number in range(5)), return_exceptions=True)
    assert results == [away] * 5
    assert len(server.groups) == 1


async def test_a_caller_that_leaves_holds_up_nobody() -> None:
    server = Server()
    server.go.clear()
    gathering = server.gathering()
    leaver, stayer = (asyncio.create_task(gathering.ask(number)) for number in (1, 2))
    await _settle()
    leaver.cancel()
    await _settle()
    server.go.set()
    assert await stayer == 20


async def test_a_shared_call_is_made_in_the_name_of_the_first() -> None:
    server = Server()
    server.go.clear()
    gathering = server.gathering()

    async def ask(caller: int) -> int:
        asked_by.set(caller)
        return await gathering.ask(caller)

    tasks = [asyncio.create_task(ask(1))]
    await _settle()
    tasks += [asyncio.create_task(ask(number)) for number in (2, 3)]
    await _settle()
    server.go.set()
    await asyncio.gather(*tasks)
    assert server.callers == [1, 2]
