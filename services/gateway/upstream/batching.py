"""Questions that come at one time share one call, and none waits long for another."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextvars import Context, copy_context
from dataclasses import dataclass
from typing import Generic, TypeVar

from services.common import errors
from services.common.errors import WarmcastError

Question = TypeVar("Question")
Answer = TypeVar("Answer")

# Of anything else that a shared call fails with, one question may be the cause.
_OF_ALL_ALIKE = (errors.UNAVAILABLE, errors.DEADLINE_EXCEEDED, errors.BUSY)


@dataclass(frozen=True)
class _Asked(Generic[Question, Answer]):
    question: Question
    answered: asyncio.Future[Answer]
    context: Context


class Gathering(Generic[Question, Answer]):
    """Sends at once whatever is asked in one turn of the loop; while a call is out, what comes waits for its end.

    No longer than `patience` though, so that a server that is slow or gone holds up nobody but those who asked it. A
    question that came alone goes by the call for one. So does each of a group whose call failed, unless its failure is
    everybody's: a question that cannot be answered takes no other with it. A shared call carries the context (request
    id, trace) of whoever asked first, a call for one its own.
    """

    def __init__(
        self,
        alone: Callable[[Question], Awaitable[Answer]],
        together: Callable[[Sequence[Question]], Awaitable[Sequence[Answer | None]]],
        *,
        most: int,
        patience: float,
    ) -> None:
        """`patience` is in seconds; `together` answers up to `most` in order, with None for one to be asked alone."""
        self._alone = alone
        self._together = together
        self._most = most
        self._patience = patience
        self._waiting: list[_Asked[Question, Answer]] = []
        self._next: asyncio.Handle | None = None
        self._out: set[asyncio.Task[None]] = set()

    async def ask(self, question: Question) -> Answer:
        """The answer. Raises what `alone` or `together` raises.

        A caller that is cancelled meanwhile does not take its question back: it may be on its way.
        """
        loop = asyncio.get_running_loop()
        answered: asyncio.Future[Answer] = loop.create_future()
        self._waiting.append(_Asked(question, answered, copy_context()))
        if self._next is None:
            self._next = loop.call_later(self._patience, self._send) if self._out else loop.call_soon(self._send)
        return await answered

    def _send(self) -> None:
        waiting, self._waiting = self._waiting, []
        if self._next is not None:
            self._next.cancel()
            self._next = None
        for start in range(0, len(waiting), self._most):
            group = waiting[start : start + self._most]
            call = asyncio.get_running_loop().create_task(self._answer(group), context=group[0].context)
            self._out.add(call)
            call.add_done_callback(self._ended)

    def _ended(self, call: asyncio.Task[None]) -> None:
        self._out.discard(call)
        if self._waiting:
            self._send()

    async def _answer(self, group: Sequence[_Asked[Question, Answer]]) -> None:
        found: Sequence[Answer | None] = []
        if len(group) > 1:
            try:
                found = await self._together([asked.question for asked in group])
            except Exception as error:
                if isinstance(error, WarmcastError) and error.reason in _OF_ALL_ALIKE:
                    for asked in group:
                        _settle(asked.answered, error)
                    return
        if len(found) != len(group):
            found = [None] * len(group)
        loop = asyncio.get_running_loop()
        left = []
        for asked, answer in zip(group, found, strict=True):
            if answer is None:
                left.append(loop.create_task(self._answer_alone(asked), context=asked.context))
            else:
                _settle(asked.answered, answer)
        if left:
            await asyncio.gather(*left)

    async def _answer_alone(self, asked: _Asked[Question, Answer]) -> None:
        try:
            answer = await self._alone(asked.question)
        except Exception as error:
            _settle(asked.answered, error)
        else:
            _settle(asked.answered, answer)


def _settle(answered: asyncio.Future[Answer], outcome: Answer | Exception) -> None:
    if answered.done():  # its caller has left
        return
    if isinstance(outcome, Exception):
        answered.set_exception(outcome)
    else:
        answered.set_result(outcome)
