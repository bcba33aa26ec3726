"""What the premium answer would be, by the gateway's own decision, and why."""

from __future__ import annotations

from collections.abc import Iterator

from warmcast.forecaster.v1 import forecaster_pb2
from warmcast.jobs.v1 import jobs_pb2

from services.cli.explain.contents import PremiumAnswer
from services.cli.explain.fetch import Fetched
from services.common.job_status import JobStatus
from services.common.rpc.job_status import FROM_PROTO
from services.gateway.premium.decision import Bundles, Decision, Row, Served, decide

_BUNDLES = {
    forecaster_pb2.FRESHNESS_FRESH: Bundles.FRESH,
    forecaster_pb2.FRESHNESS_STALE: Bundles.STALE,
    forecaster_pb2.FRESHNESS_MISSING: Bundles.MISSING,
}


def premium_answer(fetched: Fetched) -> tuple[PremiumAnswer, forecaster_pb2.CachedForecasts | None]:
    """The answer, and the forecasts that it would carry."""
    if not fetched.forecasts:
        return _without_forecaster(fetched), None
    current, previous = (*fetched.forecasts, None)[:2]
    state = _bundles(current), _bundles(previous)
    row = _row(fetched.warmup)
    decision = decide(*state, row)
    answer = PremiumAnswer(
        warmup_status=decision.status.value,
        serves=decision.served.value,
        stale=decision.stale,
        refreshing=decision.refreshing,
        enqueues=decision.enqueue.value if decision.enqueue else None,
        because=list(_reasons(fetched, *state, row, decision)),
    )
    return answer, {Served.CURRENT: current, Served.PREVIOUS: previous, Served.NOTHING: None}[decision.served]


def _without_forecaster(fetched: Fetched) -> PremiumAnswer:
    detail = fetched.error.detail if fetched.error else "it returned nothing"
    because = [
        f"the forecaster failed: {detail}",
        "a gateway with a copy in its memory answers with it and stale: true, any other with 503 and Retry-After",
    ]
    return PremiumAnswer(None, None, None, None, None, because)


def _bundles(cached: forecaster_pb2.CachedForecasts | None) -> Bundles:
    return Bundles.MISSING if cached is None else _BUNDLES[cached.freshness]


def _row(warmup: jobs_pb2.GetWarmupResponse) -> Row | None:
    if not warmup.HasField("job"):
        return None
    return Row(
        FROM_PROTO[warmup.job.status],
        overdue=warmup.overdue,
        cooling_down=warmup.cooling_down,
        deferred=warmup.deferred,
    )


def _reasons(
    fetched: Fetched, current: Bundles, previous: Bundles, row: Row | None, decision: Decision
) -> Iterator[str]:
    if current is Bundles.MISSING:
        yield "the current snapshot has no usable pair of bundles"
        yield from _defects(fetched)
        if fetched.warmup.previous_data_hash:
            has = "has bundles" if previous is not Bundles.MISSING else "has no usable pair either"
            yield f"the snapshot before it {has}"
    elif current is Bundles.STALE:
        yield "the bundles of the current snapshot are stale: older than 24 h, or made by an older engine"
    else:
        yield "the bundles of the current snapshot are fresh"
    if current is not Bundles.FRESH or decision.refreshing:
        yield _of_row(fetched.warmup, row)
    if decision.enqueue:
        if row and row.deferred:
            yield "the next GET promotes its job"
        else:
            yield f"the next GET enqueues a job ({decision.enqueue})"


def _defects(fetched: Fetched) -> Iterator[str]:
    """Why existing bundles of the current snapshot are not used."""
    for response in fetched.keys[:1]:
        for pair in response.bundles:
            if pair.defect:
                yield f"the bundles of engine {pair.engine_version} are not used: {pair.defect}"
                continue
            for bundle in (pair.term_a, pair.term_b):
                if bundle.defect:
                    yield f"{bundle.key.name} is not used: {bundle.defect}"


def _of_row(warmup: jobs_pb2.GetWarmupResponse, row: Row | None) -> str:
    if row is None:
        return "there is no job yet"
    if row.status in (JobStatus.QUEUED, JobStatus.RUNNING):
        behind = ", behind first calls" if row.deferred else ""
        return f"its job is {row.status}{behind}" + (", and is overdue" if row.overdue else "")
    if row.status is JobStatus.FAILED:
        cooling = f", and cools down for another {warmup.cooldown_seconds:.0f} s" if row.cooling_down else ""
        return f"its job failed{cooling}"
    return f"its job is {row.status}"
