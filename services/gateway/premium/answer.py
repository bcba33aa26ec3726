"""The premium answer as JSON. The forecaster's bundles and insights are inserted byte for byte."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

import msgspec

from services.common.job_status import JobStatus
from services.gateway.bodies.premium import BothForecasts, CacheKeys, Insights, InsightsPack, Premium
from services.gateway.bodies.signals import Signals, TermSignals
from services.gateway.premium.decision import Decision
from services.gateway.premium.parts import ALL_PARTS, Part, Parts


@dataclass(frozen=True)
class Forecasts:
    """Bundles, head-to-head and insights of one snapshot, as JSON; empty counts as `null`."""

    term_a: bytes
    term_b: bytes
    head_to_head: bytes  # `null` when the terms are scaled apart
    data_hash: str
    generated_at: float  # seconds since the epoch
    insights_a: bytes = b""  # empty from an older forecaster, `null` for bundles without insights
    insights_b: bytes = b""
    together: bytes = b""
    interpretations: bytes = b""


@dataclass(frozen=True)
class DebugInfo:
    """What an answer adds with DEBUG_API_HEADERS."""

    debug_id: str | None
    last_error: str | None
    term_a_key: str
    term_b_key: str


@dataclass(frozen=True)
class JobState:
    """What pages show of the job's row."""

    attempts: int
    started_at: datetime | None  # of the current or the last run
    last_error: str  # `reason: detail`; empty without one


@dataclass(frozen=True)
class Answer:
    """The content of one premium answer."""

    slug: str
    terms: tuple[str, str]
    timeframe: str
    geo: str
    data_hash: str
    decision: Decision
    triggered: bool  # this call enqueued
    forecasts: Forecasts | None
    signals: tuple[TermSignals, TermSignals]
    debug: DebugInfo
    version: int = 0  # of the job's row; 0 where there is none
    fetched_at: float = 0.0  # monotonic seconds, when its fetch began
    queue_position: int | None = None  # 1 is next
    eta_seconds: float | None = None
    cooldown_seconds: float | None = None  # while a failed job cools down
    job: JobState | None = None


def as_stale(answer: Answer) -> Answer:
    """The answer as it is served during an outage: stale, without the state of a job that may have changed."""
    decision = replace(answer.decision, stale=True, refreshing=False, enqueue=None)
    return replace(
        answer, decision=decision, triggered=False, queue_position=None, eta_seconds=None, cooldown_seconds=None
    )


def unsettled(answer: Answer) -> bool:
    """Whether the warmup is neither ready nor failed."""
    return answer.decision.status not in (JobStatus.READY, JobStatus.FAILED)


def poll_interval(answer: Answer) -> float | None:
    """Seconds until the next request makes sense; None when the answer is settled."""
    if unsettled(answer):
        # 2 s where there is no estimate: a run takes a second or two.
        return 2.0 if answer.eta_seconds is None else min(max(answer.eta_seconds, 1.0), 60.0)
    return answer.cooldown_seconds if answer.decision.status is JobStatus.FAILED else None


def render(answer: Answer, *, debug: bool, parts: Parts = ALL_PARTS) -> bytes:
    """The answer's JSON, with these parts of `insightsPack`; the three debug fields are present only with `debug`."""
    decision, served, shown = answer.decision, answer.forecasts, answer.debug
    waiting = unsettled(answer)
    older = served is not None and served.data_hash != answer.data_hash
    return _ENCODER.encode(
        Premium(
            slug=answer.slug,
            terms=answer.terms,
            timeframe=answer.timeframe,
            geo=answer.geo,
            data_hash=answer.data_hash,
            is_premium=True,
            warmup_status=decision.status.value,
            forecast_available=decision.available,
            needs_warmup=not decision.available,
            warmup_triggered=answer.triggered,
            stale=decision.stale,
            refreshing=decision.refreshing,
            insights_pack=_insights_pack(answer, parts),
            forecasts_data_hash=served.data_hash if served is not None and older else msgspec.UNSET,
            queue_position=answer.queue_position if waiting else msgspec.UNSET,
            eta_seconds=answer.eta_seconds if waiting else msgspec.UNSET,
            warmup_debug_id=shown.debug_id if debug else msgspec.UNSET,
            last_warmup_error=shown.last_error if debug else msgspec.UNSET,
            forecast_cache_keys_used=CacheKeys(shown.term_a_key, shown.term_b_key) if debug else msgspec.UNSET,
        )
    )


_ENCODER = msgspec.json.Encoder()
_NULL = msgspec.Raw(b"null")
_EMPTY = (b"", b"null")


def _insights_pack(answer: Answer, parts: Parts) -> InsightsPack:
    served = answer.forecasts
    pack = InsightsPack()
    if Part.FORECASTS in parts or Part.HEAD_TO_HEAD in parts:
        pack.forecasts = _forecasts(served, parts)
    if Part.SIGNALS in parts:
        pack.signals = Signals(*answer.signals)
    if Part.INSIGHTS in parts:
        pack.insights = _insights(served)
    if Part.INTERPRETATIONS in parts:
        pack.interpretations = _raw(served.interpretations) if served else _NULL
    return pack


def _forecasts(served: Forecasts | None, parts: Parts) -> BothForecasts:
    forecasts = BothForecasts()
    if Part.FORECASTS in parts:
        forecasts.term_a = _raw(served.term_a) if served else _NULL
        forecasts.term_b = _raw(served.term_b) if served else _NULL
    if Part.HEAD_TO_HEAD in parts:
        forecasts.head_to_head = _raw(served.head_to_head) if served else _NULL
    return forecasts


def _insights(served: Forecasts | None) -> Insights | None:
    if served is None or served.insights_a in _EMPTY or served.insights_b in _EMPTY:
        return None
    return Insights(_raw(served.insights_a), _raw(served.insights_b), _raw(served.together))


def _raw(value: bytes) -> msgspec.Raw:
    return msgspec.Raw(value) if value else _NULL
