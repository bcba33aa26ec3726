"""GET /api/comparison/premium/events: Server-Sent Events until a warmup settles."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import ExitStack
from dataclasses import dataclass, replace

import msgspec
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from services.common.comparison import ComparisonKey
from services.common.errors import WarmcastError
from services.common.job_status import JobStatus
from services.gateway.premium.answer import Answer, unsettled
from services.gateway.premium.cache import WarmAnswers
from services.gateway.premium.change_feed import LiveStatus
from services.gateway.premium.demand import Demand
from services.gateway.premium.rendered import Rendered
from services.gateway.routes.parameters import comparison_key

PATH = "/api/comparison/premium/events"
MEDIA_TYPE = "text/event-stream"
_HEADERS = {"cache-control": "no-store", "x-accel-buffering": "no"}  # proxies pass each event on at once
_HEARTBEAT = b": still here\n\n"
_RECONNECT = b"retry: 2000\n\n"  # milliseconds after which a client that lost its stream comes back
_AWAY_SECONDS = 2.0  # before somebody who could not be asked is asked again
_LONGEST_SECONDS = 3_600.0  # then the client comes back, perhaps to another gateway


class StatusEvent(msgspec.Struct, rename="camel"):
    """What one event tells: the premium answer without its forecasts."""

    slug: str
    timeframe: str
    geo: str
    data_hash: str
    warmup_status: str
    forecast_available: bool
    stale: bool
    queue_position: int | None
    eta_seconds: float | None


@dataclass(frozen=True)
class EventRoutes:
    """A stream for each client, all of them fed by one stream of jobs."""

    answers: WarmAnswers
    live: LiveStatus
    demand: Demand
    heartbeat_seconds: float

    async def events(self, request: Request) -> Response:
        """One event a change of `warmupStatus`, the first at once, the last when it has settled.

        Opening it is a premium call: it enqueues what is missing. A client that comes back with the id of the last
        event of a settled warmup gets 204, which ends its attempts; HEAD opens nothing.
        """
        key = comparison_key(request.query_params)
        if request.method == "HEAD":
            return Response(headers=_HEADERS, media_type=MEDIA_TYPE)
        with ExitStack() as ends:
            # Watched before the first look, so that no change falls between the two.
            changed = ends.enter_context(self.live.watching(key))
            first = self.answers.recall(key) or await self.answers.look(key, may_enqueue=True)
            self.demand.count(key)
            seen = request.headers.get("last-event-id", "")
            if seen == event_id(first.answer) and not unsettled(first.answer):
                return Response(status_code=204, headers=_HEADERS)
            return _Stream(self._events(key, changed, first, seen), ends.pop_all())

    async def _events(
        self, key: ComparisonKey, changed: asyncio.Event, now: Rendered, seen: str
    ) -> AsyncIterator[bytes]:
        yield _RECONNECT
        told = ("", "")
        until = asyncio.get_running_loop().time() + _LONGEST_SECONDS
        pause = self.heartbeat_seconds
        while True:
            says = (now.answer.data_hash, now.answer.decision.status.value)
            if says != told and event_id(now.answer) != seen:
                yield _event(now.answer)
            told = says
            if not unsettled(now.answer):
                return
            while not await _set_within(changed, pause):
                yield _HEARTBEAT
                if not self.live.connected or pause < self.heartbeat_seconds:
                    break
            if self.live.closing or asyncio.get_running_loop().time() > until:
                return
            changed.clear()
            before, pause = now.answer, self.heartbeat_seconds
            try:
                now = await self.answers.look(key, may_enqueue=True)
            except WarmcastError as error:
                if error.reason.http_status < 500:
                    return
                pause = min(_AWAY_SECONDS, self.heartbeat_seconds)
            if missed := run_between(before, now.answer):
                yield _event(missed)


class _Stream(StreamingResponse):
    """Gives back what its events stand on, however it ends, and also if it never begins."""

    def __init__(self, events: AsyncIterator[bytes], ends: ExitStack) -> None:
        super().__init__(events, headers=_HEADERS, media_type=MEDIA_TYPE)
        self._ends = ends

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        with self._ends:
            await super().__call__(scope, receive, send)


def run_between(before: Answer, now: Answer) -> Answer | None:
    """The run that began and ended between two looks; None: there was none.

    A run may take less time than it takes to look. From `queued` no edge leads to `ready` or `failed` but by `running`.
    """
    queued = before.decision.status is JobStatus.QUEUED
    if not queued or unsettled(now) or before.data_hash != now.data_hash or before.version >= now.version:
        return None
    running = replace(before.decision, status=JobStatus.RUNNING)
    return replace(before, decision=running, version=before.version + 1, queue_position=None, eta_seconds=None)


def event_id(answer: Answer) -> str:
    """Names a state of a warmup: its snapshot, the version of its row, and its status."""
    return f"{answer.data_hash}-{answer.version}-{answer.decision.status.value}"


def _event(answer: Answer) -> bytes:
    waiting = unsettled(answer)
    data = StatusEvent(
        slug=answer.slug,
        timeframe=answer.timeframe,
        geo=answer.geo,
        data_hash=answer.data_hash,
        warmup_status=answer.decision.status.value,
        forecast_available=answer.decision.available,
        stale=answer.decision.stale,
        queue_position=answer.queue_position if waiting else None,
        eta_seconds=answer.eta_seconds if waiting else None,
    )
    return b"id: %s\nevent: status\ndata: %s\n\n" % (event_id(answer).encode(), msgspec.json.encode(data))


async def _set_within(changed: asyncio.Event, seconds: float) -> bool:
    try:
        async with asyncio.timeout(seconds):
            await changed.wait()
    except TimeoutError:
        return False
    return True
