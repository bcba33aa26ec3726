"""One premium call: look, decide, enqueue if the table says so, answer. A forecast is never computed here."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, replace

import structlog
from google.protobuf.timestamp_pb2 import Timestamp
from warmcast.forecaster.v1 import forecaster_pb2
from warmcast.jobs.v1 import jobs_pb2

from services.common import errors
from services.common.comparison import ComparisonKey
from services.common.errors import WarmcastError
from services.common.rpc.job_status import FROM_PROTO
from services.gateway.premium.answer import Answer, Forecasts, Trail, as_copy
from services.gateway.premium.decision import Bundles, Decision, Enqueue, Row, Served, decide
from services.gateway.premium.outages import Outages
from services.gateway.premium.stale_cache import AnswerMemory
from services.gateway.routes import responses
from services.gateway.upstream.clients import Forecaster, Jobs

log = structlog.get_logger()

# A row may move between the look and the enqueue; then one more look tells what became of it.
_LOOKS = 2
# A deadline counts from when a call is sent. A thousand calls sent at once wait for each other, and on two busy cores
# some miss theirs of 2 s (measured: 1,383 answers a second at 16 in flight); past these, calls wait here instead.
_MOST_ASKING = 64
_LONGEST_WAIT_SECONDS = 10.0
# After a call that failed or timed out, copies are served for this long, so that not every caller waits for a deadline.
_AWAY_SECONDS = 1.0
_AWAY = (errors.UNAVAILABLE, errors.DEADLINE_EXCEEDED)
_FRESHNESS = {
    forecaster_pb2.FRESHNESS_FRESH: Bundles.FRESH,
    forecaster_pb2.FRESHNESS_STALE: Bundles.STALE,
    forecaster_pb2.FRESHNESS_MISSING: Bundles.MISSING,
}
_REASONS = {
    Enqueue.FIRST_CALL: jobs_pb2.ENQUEUE_REASON_FIRST_CALL,
    Enqueue.REFRESH: jobs_pb2.ENQUEUE_REASON_REFRESH,
    Enqueue.CACHE_LOST: jobs_pb2.ENQUEUE_REASON_CACHE_LOST,
}


class PremiumAnswers:
    """Answers premium calls from jobs and the forecaster, or from memory when one of them cannot be asked."""

    def __init__(self, jobs: Jobs, forecaster: Forecaster, memory: AnswerMemory) -> None:
        self._jobs = jobs
        self._forecaster = forecaster
        self._memory = memory
        self._turns = asyncio.Semaphore(_MOST_ASKING)
        self._outages = Outages()

    async def ask(self, key: ComparisonKey, may_enqueue: bool) -> Answer:
        """The answer for `key`.

        Raises WarmcastError: NOT_FOUND for an unknown comparison, UNAVAILABLE with `retry_after` when a service cannot
        be asked and nothing is remembered.
        """
        if copy := self._copy_while_away(key):
            return copy
        try:
            return await self._in_turn(key, may_enqueue=may_enqueue)
        except WarmcastError as error:
            if error.reason.http_status < 500:
                raise
            return self._from_memory(key, error)

    async def _in_turn(self, key: ComparisonKey, *, may_enqueue: bool) -> Answer:
        try:
            async with asyncio.timeout(_LONGEST_WAIT_SECONDS):
                await self._turns.acquire()
        except TimeoutError:
            raise WarmcastError(errors.BUSY, "too many premium calls are waiting here", retry_after=1) from None
        try:
            # Other calls may have failed while this one waited.
            return self._copy_while_away(key) or await self._ask_and_remember(key, may_enqueue=may_enqueue)
        finally:
            self._turns.release()

    async def _ask_and_remember(self, key: ComparisonKey, *, may_enqueue: bool) -> Answer:
        try:
            answer = await self._ask(key, may_enqueue=may_enqueue)
        except WarmcastError as error:
            if error.reason in _AWAY:
                self._outages.failed(key, error, seconds=_AWAY_SECONDS)
            raise
        self._outages.answered()
        self._memory.keep(key, answer)
        return answer

    async def _ask(self, key: ComparisonKey, *, may_enqueue: bool) -> Answer:
        for _ in range(_LOOKS):
            view = await self._look(key)
            decision = view.decide()
            if decision.enqueue is None or not may_enqueue:
                return view.answer(decision, triggered=False)
            try:
                outcome = await self._enqueue(key, view, decision.enqueue)
            except WarmcastError as error:
                # The forecasts that were just read are better than any remembered ones; the next call enqueues.
                if not decision.available or error.reason.http_status < 500:
                    raise
                log.warning("enqueue failed; forecasts are served all the same", reason=error.reason.name)
                return view.answer(decision, triggered=False)
            if outcome.enqueued or outcome.job.status in (jobs_pb2.JOB_STATUS_QUEUED, jobs_pb2.JOB_STATUS_RUNNING):
                view = view.after(outcome)
                return view.answer(view.decide(), triggered=outcome.enqueued)
        return view.answer(decision, triggered=False)

    async def _look(self, key: ComparisonKey) -> _View:
        began = time.monotonic()
        warmup = await self._jobs.get_warmup(key)
        keys = [_snapshot_key(warmup, warmup.data_hash, warmup.job.engine_version)]
        if warmup.previous_data_hash:
            keys.append(_snapshot_key(warmup, warmup.previous_data_hash, warmup.previous_engine_version))
        cached = await self._forecaster.get_forecasts(keys)
        if len(cached) != len(keys) or any(each.freshness not in _FRESHNESS for each in cached):
            # Only an answer that says so counts as missing.
            raise WarmcastError(errors.UNAVAILABLE, "the forecaster's answer is incomplete", retry_after=1)
        return _View(warmup, cached[0], cached[1] if len(cached) > 1 else None, began)

    async def _enqueue(self, key: ComparisonKey, view: _View, why: Enqueue) -> jobs_pb2.EnqueueWarmupResponse:
        warmup = view.warmup
        return await self._jobs.enqueue_warmup(
            key, data_hash=warmup.data_hash, seen_version=warmup.job.version, reason=_REASONS[why]
        )

    def _copy_while_away(self, key: ComparisonKey) -> Answer | None:
        """What is remembered, where calls have just failed."""
        if not self._outages.hold(key):
            return None
        remembered = self._memory.recall(key)
        return None if remembered is None else as_copy(remembered)

    def _from_memory(self, key: ComparisonKey, error: WarmcastError) -> Answer:
        remembered = self._memory.recall(key)
        if remembered is None:
            retry_after = 1.0 if error.retry_after is None else error.retry_after
            raise WarmcastError(errors.UNAVAILABLE, error.detail, retry_after=retry_after) from None
        log.warning("served from memory", reason=error.reason.name, detail=error.detail)
        return as_copy(remembered)


@dataclass(frozen=True)
class _View:
    """What jobs and the forecaster said about one comparison."""

    warmup: jobs_pb2.GetWarmupResponse
    current: forecaster_pb2.CachedForecasts
    previous: forecaster_pb2.CachedForecasts | None
    began: float  # by the monotonic clock

    def decide(self) -> Decision:
        previous = Bundles.MISSING if self.previous is None else _FRESHNESS[self.previous.freshness]
        return decide(_FRESHNESS[self.current.freshness], previous, self._row())

    def after(self, outcome: jobs_pb2.EnqueueWarmupResponse) -> _View:
        """The same view with the row as an enqueue returned it."""
        warmup = jobs_pb2.GetWarmupResponse()
        warmup.CopyFrom(self.warmup)
        warmup.job.CopyFrom(outcome.job)
        warmup.overdue = warmup.cooling_down = False
        warmup.queue_position = outcome.queue_position
        warmup.ClearField("eta_seconds")
        if outcome.HasField("eta_seconds"):
            warmup.eta_seconds = outcome.eta_seconds
        return replace(self, warmup=warmup)

    def answer(self, decision: Decision, *, triggered: bool) -> Answer:
        warmup = self.warmup
        served, forecasts = self._served(decision)
        has_job = warmup.HasField("job")
        return Answer(
            slug=warmup.slug,
            terms=(warmup.term_a, warmup.term_b),
            timeframe=warmup.timeframe,
            geo=warmup.geo,
            data_hash=warmup.data_hash,
            decision=decision,
            triggered=triggered,
            forecasts=forecasts,
            signals=(responses.term_signals(warmup.signals_a), responses.term_signals(warmup.signals_b)),
            trail=Trail(
                debug_id=(warmup.job.debug_id or None) if has_job else None,
                last_error=(warmup.job.last_error or None) if has_job else None,
                term_a_key=served.term_a_key,
                term_b_key=served.term_b_key,
            ),
            version=warmup.job.version,
            looked_at=self.began,
            queue_position=warmup.queue_position or None,
            eta_seconds=warmup.eta_seconds if warmup.HasField("eta_seconds") else None,
            cooldown_seconds=warmup.cooldown_seconds if warmup.cooling_down else None,
        )

    def _row(self) -> Row | None:
        if not self.warmup.HasField("job"):
            return None
        status = FROM_PROTO[self.warmup.job.status]
        return Row(status, overdue=self.warmup.overdue, cooling_down=self.warmup.cooling_down)

    def _served(self, decision: Decision) -> tuple[forecaster_pb2.CachedForecasts, Forecasts | None]:
        if decision.served is Served.PREVIOUS and self.previous is not None:
            return self.previous, _forecasts(self.previous, self.warmup.previous_data_hash)
        if decision.served is Served.CURRENT:
            return self.current, _forecasts(self.current, self.warmup.data_hash)
        return self.current, None


def _forecasts(cached: forecaster_pb2.CachedForecasts, data_hash: str) -> Forecasts:
    generated: Timestamp = cached.generated_at
    return Forecasts(
        cached.term_a_json, cached.term_b_json, cached.head_to_head_json, data_hash, generated.ToNanoseconds() / 1e9
    )


def _snapshot_key(
    warmup: jobs_pb2.GetWarmupResponse, data_hash: str, engine_version: str
) -> forecaster_pb2.SnapshotKey:
    return forecaster_pb2.SnapshotKey(
        slug=warmup.slug,
        term_a=warmup.term_a,
        term_b=warmup.term_b,
        timeframe=warmup.timeframe,
        geo=warmup.geo,
        data_hash=data_hash,
        engine_version=engine_version,
    )
