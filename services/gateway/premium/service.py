"""One premium call: fetch, decide, enqueue if the decision says so, answer. A forecast is never computed here."""

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
from services.gateway.bodies.fields import timestamp
from services.gateway.bodies.signals import term_signals
from services.gateway.premium.answer import Answer, DebugInfo, Forecasts, JobState, as_stale
from services.gateway.premium.decision import Bundles, Decision, Enqueue, Row, Served, decide
from services.gateway.premium.outages import Outages
from services.gateway.premium.stale_cache import StaleCache
from services.gateway.upstream.clients import Forecaster, Jobs

log = structlog.get_logger()

_MAX_ATTEMPTS = 2  # the job's row may change between the fetch and the enqueue; then fetch once more
# A call's deadline counts from when it is sent, and a thousand calls sent at once delay each other past 2 s.
# Calls beyond this number wait here instead.
_MAX_CONCURRENT = 64
_MAX_WAIT_SECONDS = 10.0
# After a failure or a timeout, serve stale copies for 1 s instead of letting every caller time out.
_OUTAGE_SECONDS = 1.0
_OUTAGE_REASONS = (errors.UNAVAILABLE, errors.DEADLINE_EXCEEDED)
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


class PremiumService:
    """Answers premium calls from jobs and the forecaster, or with a stale copy while one of them is unavailable."""

    def __init__(self, jobs: Jobs, forecaster: Forecaster, stale: StaleCache) -> None:
        self._jobs = jobs
        self._forecaster = forecaster
        self._stale = stale
        self._slots = asyncio.Semaphore(_MAX_CONCURRENT)
        self._outages = Outages()

    async def get_answer(self, key: ComparisonKey, may_enqueue: bool) -> Answer:
        """The answer for `key`.

        Raises WarmcastError: NOT_FOUND for an unknown comparison; UNAVAILABLE with `retry_after` when a service is
        unavailable and there is no stale copy.
        """
        if copy := self._copy_during_outage(key):
            return copy
        try:
            return await self._answer_in_slot(key, may_enqueue=may_enqueue)
        except WarmcastError as error:
            if error.reason.http_status < 500:
                raise
            return self._stale_copy(key, error)

    async def _answer_in_slot(self, key: ComparisonKey, *, may_enqueue: bool) -> Answer:
        try:
            async with asyncio.timeout(_MAX_WAIT_SECONDS):
                await self._slots.acquire()
        except TimeoutError:
            raise WarmcastError(errors.BUSY, "too many premium calls are waiting; retry later", retry_after=1) from None
        try:
            # An outage may have begun while this call waited.
            return self._copy_during_outage(key) or await self._answer_and_store(key, may_enqueue=may_enqueue)
        finally:
            self._slots.release()

    async def _answer_and_store(self, key: ComparisonKey, *, may_enqueue: bool) -> Answer:
        try:
            answer = await self._fetch_and_decide(key, may_enqueue=may_enqueue)
        except WarmcastError as error:
            if error.reason in _OUTAGE_REASONS:
                self._outages.record_failure(key, error, seconds=_OUTAGE_SECONDS)
            raise
        self._outages.record_success()
        self._stale.put(key, answer)
        return answer

    async def _fetch_and_decide(self, key: ComparisonKey, *, may_enqueue: bool) -> Answer:
        for _ in range(_MAX_ATTEMPTS):
            view = await self._fetch_view(key)
            decision = view.decide()
            if decision.enqueue is None or not may_enqueue:
                return view.answer(decision, triggered=False)
            try:
                outcome = await self._enqueue(key, view, decision.enqueue)
            except WarmcastError as error:
                # The forecasts just read are better than a stale copy; the next call enqueues.
                if not decision.available or error.reason.http_status < 500:
                    raise
                log.warning("enqueue failed; serving the forecasts that were read", reason=error.reason.name)
                return view.answer(decision, triggered=False)
            if outcome.enqueued or outcome.job.status in (jobs_pb2.JOB_STATUS_QUEUED, jobs_pb2.JOB_STATUS_RUNNING):
                view = view.after(outcome)
                return view.answer(view.decide(), triggered=outcome.enqueued)
        return view.answer(decision, triggered=False)

    async def _fetch_view(self, key: ComparisonKey) -> _WarmupView:
        started = time.monotonic()
        warmup = await self._jobs.get_warmup(key)
        keys = [_snapshot_key(warmup, warmup.data_hash, warmup.job.engine_version)]
        if warmup.previous_data_hash:
            keys.append(_snapshot_key(warmup, warmup.previous_data_hash, warmup.previous_engine_version))
        cached = await self._forecaster.get_forecasts(keys)
        if len(cached) != len(keys) or any(each.freshness not in _FRESHNESS for each in cached):
            # A missing or unknown entry is a fault of the forecaster, not a missing forecast.
            raise WarmcastError(errors.UNAVAILABLE, "the forecaster's answer is incomplete", retry_after=1)
        return _WarmupView(warmup, cached[0], cached[1] if len(cached) > 1 else None, started)

    async def _enqueue(self, key: ComparisonKey, view: _WarmupView, reason: Enqueue) -> jobs_pb2.EnqueueWarmupResponse:
        warmup = view.warmup
        return await self._jobs.enqueue_warmup(
            key, data_hash=warmup.data_hash, seen_version=warmup.job.version, reason=_REASONS[reason]
        )

    def _copy_during_outage(self, key: ComparisonKey) -> Answer | None:
        """A stale copy, if calls for `key` have just failed."""
        if not self._outages.active(key):
            return None
        copy = self._stale.get(key)
        return None if copy is None else as_stale(copy)

    def _stale_copy(self, key: ComparisonKey, error: WarmcastError) -> Answer:
        copy = self._stale.get(key)
        if copy is None:
            retry_after = 1.0 if error.retry_after is None else error.retry_after
            raise WarmcastError(errors.UNAVAILABLE, error.detail, retry_after=retry_after) from None
        log.warning("serving a stale copy", reason=error.reason.name, detail=error.detail)
        return as_stale(copy)


@dataclass(frozen=True)
class _WarmupView:
    """What jobs and the forecaster returned for one comparison."""

    warmup: jobs_pb2.GetWarmupResponse
    current: forecaster_pb2.CachedForecasts
    previous: forecaster_pb2.CachedForecasts | None
    fetched_at: float  # monotonic seconds, before the first call

    def decide(self) -> Decision:
        previous = Bundles.MISSING if self.previous is None else _FRESHNESS[self.previous.freshness]
        return decide(_FRESHNESS[self.current.freshness], previous, self._row())

    def after(self, outcome: jobs_pb2.EnqueueWarmupResponse) -> _WarmupView:
        """This view with the job's row as the enqueue returned it."""
        warmup = jobs_pb2.GetWarmupResponse()
        warmup.CopyFrom(self.warmup)
        warmup.job.CopyFrom(outcome.job)
        warmup.overdue = warmup.cooling_down = warmup.deferred = False
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
            signals=(term_signals(warmup.signals_a), term_signals(warmup.signals_b)),
            debug=DebugInfo(
                debug_id=(warmup.job.debug_id or None) if has_job else None,
                last_error=(warmup.job.last_error or None) if has_job else None,
                term_a_key=served.term_a_key,
                term_b_key=served.term_b_key,
            ),
            version=warmup.job.version,
            fetched_at=self.fetched_at,
            queue_position=warmup.queue_position or None,
            eta_seconds=warmup.eta_seconds if warmup.HasField("eta_seconds") else None,
            cooldown_seconds=warmup.cooldown_seconds if warmup.cooling_down else None,
            job=_job_state(warmup.job) if has_job else None,
        )

    def _row(self) -> Row | None:
        if not self.warmup.HasField("job"):
            return None
        status = FROM_PROTO[self.warmup.job.status]
        warmup = self.warmup
        return Row(status, overdue=warmup.overdue, cooling_down=warmup.cooling_down, deferred=warmup.deferred)

    def _served(self, decision: Decision) -> tuple[forecaster_pb2.CachedForecasts, Forecasts | None]:
        if decision.served is Served.PREVIOUS and self.previous is not None:
            return self.previous, _forecasts(self.previous, self.warmup.previous_data_hash)
        if decision.served is Served.CURRENT:
            return self.current, _forecasts(self.current, self.warmup.data_hash)
        return self.current, None


def _job_state(job: jobs_pb2.WarmupJob) -> JobState:
    return JobState(job.attempts, timestamp(job, "started_at"), job.last_error)


def _forecasts(cached: forecaster_pb2.CachedForecasts, data_hash: str) -> Forecasts:
    generated: Timestamp = cached.generated_at
    return Forecasts(
        term_a=cached.term_a_json,
        term_b=cached.term_b_json,
        head_to_head=cached.head_to_head_json,
        data_hash=data_hash,
        generated_at=generated.ToNanoseconds() / 1e9,
        insights_a=cached.insights_a_json,
        insights_b=cached.insights_b_json,
        together=cached.together_json,
        interpretations=cached.interpretations_json,
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
