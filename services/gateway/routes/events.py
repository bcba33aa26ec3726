"""GET /api/comparison/premium/events: Server-Sent Events until a warmup settles."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import ExitStack
from dataclasses import dataclass, replace

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from services.common.comparison import ComparisonKey
from services.common.errors import WarmcastError
from services.common.job_status import JobStatus
from services.gateway.bodies.premium import StatusEvent
from services.gateway.premium.answer import Answer, unsettled
from services.gateway.premium.cache import AnswerCache
from services.gateway.premium.change_feed import ChangeFeed
from services.gateway.premium.demand import Demand
from services.gateway.premium.rendered import Rendered
from services.gateway.routes.event_stream import (
    HEADERS,
    HEARTBEAT,
    MAX_STREAM_SECONDS,
    MEDIA_TYPE,
    RECONNECT,
    EventStream,
    set_within,
)
from services.gateway.routes.requests.parameters import comparison_key

PATH = "/api/comparison/premium/events"
_RETRY_SECONDS = 2.0  # after a failed fetch


@dataclass(frozen=True)
class EventRoutes:
    """One event stream for each client, all fed by the change feed."""

    answers: AnswerCache
    changes: ChangeFeed
    demand: Demand
    heartbeat_seconds: float

    async def events(self, request: Request) -> Response:
        """One event for each change of `warmupStatus`: the first at once, the last when it settles.

        Opening a stream is a premium call and enqueues what is missing. A client that reconnects with the id of the
        last event of a settled warmup gets 204, which ends its reconnects. HEAD opens no stream.
        """
        last_event_id = request.headers.get("last-event-id", "")
        return await self.stream(request, comparison_key(request.query_params), last_event_id)

    async def stream(self, request: Request, key: ComparisonKey, last_event_id: str) -> Response:
        """The same for the comparison `key`, after the event of that id."""
        if request.method == "HEAD":
            return Response(headers=HEADERS, media_type=MEDIA_TYPE)
        with ExitStack() as cleanup:
            # Watch before the first fetch, so that no change is missed between the two.
            changed = cleanup.enter_context(self.changes.watching(key))
            first = self.answers.get(key) or await self.answers.fetch(key, may_enqueue=True)
            self.demand.count(key)
            if last_event_id == event_id(first.answer) and not unsettled(first.answer):
                return Response(status_code=204, headers=HEADERS)
            return EventStream(self._events(key, changed, first, last_event_id), cleanup.pop_all())

    async def _events(
        self, key: ComparisonKey, changed: asyncio.Event, current: Rendered, last_event_id: str
    ) -> AsyncIterator[bytes]:
        yield RECONNECT
        sent = ("", "")
        deadline = asyncio.get_running_loop().time() + MAX_STREAM_SECONDS
        interval = self.heartbeat_seconds
        while True:
            state = (current.answer.data_hash, current.answer.decision.status.value)
            if state != sent and event_id(current.answer) != last_event_id:
                yield _event(current.answer)
            sent = state
            if not unsettled(current.answer):
                return
            while not await set_within(changed, interval):
                yield HEARTBEAT
                if not self.changes.connected or interval < self.heartbeat_seconds:
                    break
            if self.changes.closing or asyncio.get_running_loop().time() > deadline:
                return
            changed.clear()
            previous, interval = current.answer, self.heartbeat_seconds
            try:
                current = await self.answers.fetch(key, may_enqueue=True)
            except WarmcastError as error:
                if error.reason.http_status < 500:
                    return
                interval = min(_RETRY_SECONDS, self.heartbeat_seconds)
            if missed := missed_run(previous, current.answer):
                yield _event(missed)


def missed_run(previous: Answer, current: Answer) -> Answer | None:
    """The running state that two consecutive fetches missed; None where there was none.

    A run may be shorter than a fetch. A job reaches `ready` or `failed` from `queued` only by `running`.
    """
    queued = previous.decision.status is JobStatus.QUEUED
    if not queued or unsettled(current) or previous.data_hash != current.data_hash:
        return None
    if previous.version >= current.version:
        return None
    running = replace(previous.decision, status=JobStatus.RUNNING)
    return replace(previous, decision=running, version=previous.version + 1, queue_position=None, eta_seconds=None)


def event_id(answer: Answer) -> str:
    """Identifies a warmup's state: snapshot, version of the row, status."""
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
