"""A sample answer."""

from __future__ import annotations

from services.common.job_status import JobStatus
from services.gateway.bodies.signals import TermSignals
from services.gateway.premium.answer import Answer, DebugInfo, Forecasts
from services.gateway.premium.decision import Decision, Served

SIGNALS = TermSignals("rising", 2.5, 0.4, 61.0, -3.0)
READY = Decision(JobStatus.READY, Served.CURRENT, stale=False, refreshing=False, enqueue=None)
QUEUED = Decision(JobStatus.QUEUED, Served.NOTHING, stale=False, refreshing=False, enqueue=None)
FAILED = Decision(JobStatus.FAILED, Served.NOTHING, stale=False, refreshing=False, enqueue=None)


def forecasts(data_hash: str = "0" * 16, generated_at: float = 1_000.0) -> Forecasts:
    """Bundles with an odd spacing, to see that nothing is written anew."""
    return Forecasts(
        term_a=b'{"term":  "amazon"}',
        term_b=b'{"term":"costco"}',
        head_to_head=b'{"winnerProbability":50}',
        data_hash=data_hash,
        generated_at=generated_at,
        insights_a=b'{"peaks":  []}',
        insights_b=b'{"season":null}',
        together=b'{"correlation":null}',
        interpretations=b'[{"id":"rule"}]',
    )


def answer(
    decision: Decision = READY,
    *,
    served: Forecasts | None = None,
    queue_position: int | None = None,
    eta_seconds: float | None = None,
    cooldown_seconds: float | None = None,
) -> Answer:
    """An answer for amazon-vs-costco; ready ones carry bundles."""
    if served is None and decision.available:
        served = forecasts()
    return Answer(
        slug="amazon-vs-costco",
        terms=("amazon", "costco"),
        timeframe="12m",
        geo="",
        data_hash="0" * 16,
        decision=decision,
        triggered=False,
        forecasts=served,
        signals=(SIGNALS, SIGNALS),
        debug=DebugInfo("debug-1", None, "key-a", "key-b"),
        queue_position=queue_position,
        eta_seconds=eta_seconds,
        cooldown_seconds=cooldown_seconds,
    )
