"""The state of a comparison's forecast, in words."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from services.common.job_status import JobStatus
from services.gateway.pages.comparison.facts import Facts
from services.gateway.pages.words import ordinal, seconds_words
from services.gateway.premium.answer import Answer, unsettled
from services.gateway.premium.decision import Served

# By the reason at the beginning of a job's error; the rest of such an error is for operators.
_CAUSES = {
    "unwarmable": "The series cannot be forecast",
    "unavailable": "The forecaster was not available",
    "deadline-exceeded": "The computation took too long",
    "verification-failed": "The forecasts could not be stored",
}
_OTHER_CAUSE = "The computation failed"
_EXPLAINED = "unwarmable"  # its detail names the fault in the data


class State(StrEnum):
    """What the page shows. The value is the element's `data-state`."""

    COLD = "cold"  # nothing is queued, because this request must not enqueue
    QUEUED = "queued"
    RUNNING = "running"
    READY = "ready"
    STALE = "stale"
    FAILED = "failed"


@dataclass(frozen=True)
class Progress:
    """The state in words."""

    state: State
    label: str  # of the status chip
    detail: str  # a sentence; empty where there is nothing to say
    settled: bool  # no change is expected
    may_retry: bool  # an operator may start it again
    since: datetime | None = None  # of a run: since when it runs


def progress(facts: Facts) -> Progress:
    """The state of the forecast."""
    answer = facts.answer
    if answer.decision.available:
        return _with_forecasts(facts)
    status = answer.decision.status
    if status is JobStatus.FAILED:
        return Progress(State.FAILED, "Forecast failed", _failure(answer), settled=True, may_retry=True)
    if status is JobStatus.RUNNING:
        started = None if answer.job is None else answer.job.started_at
        attempt = "" if answer.job is None or answer.job.attempts <= 1 else f", {ordinal(answer.job.attempts)} attempt"
        detail = f"Both forecasts are being computed{attempt}. This takes a few seconds."
        return Progress(State.RUNNING, "Computing", detail, settled=False, may_retry=False, since=started)
    if answer.decision.enqueue is not None and not answer.triggered:
        return Progress(
            State.COLD,
            "No forecast yet",
            "The forecast is computed when a reader opens this page.",
            settled=False,
            may_retry=False,
        )
    return Progress(State.QUEUED, "In the queue", _place_in_queue(answer), settled=False, may_retry=False)


def _with_forecasts(facts: Facts) -> Progress:
    answer = facts.answer
    settled = not unsettled(answer) and not answer.decision.refreshing
    if answer.decision.served is Served.PREVIOUS or facts.older_forecasts:
        failed = answer.decision.status is JobStatus.FAILED
        rest = f" {_failure(answer)}" if failed else " A new one is on its way."
        detail = f"The data are newer than this forecast, which was made from those before.{rest}"
        return Progress(State.STALE, "Older forecast", detail, settled=settled, may_retry=failed)
    if not answer.decision.stale:
        return Progress(State.READY, "Forecast ready", "", settled=True, may_retry=False)
    refreshing = answer.decision.refreshing or answer.triggered
    detail = (
        "A new forecast is being computed."
        if refreshing
        else "This forecast may be out of date. It is refreshed when the service is available again."
    )
    return Progress(State.STALE, "Older forecast", detail, settled=not refreshing, may_retry=False)


def _place_in_queue(answer: Answer) -> str:
    eta = "" if answer.eta_seconds is None else f", about {seconds_words(answer.eta_seconds)}"
    if answer.queue_position is None:
        return f"The forecast is waiting for its turn{eta}."
    place = "Next in line" if answer.queue_position == 1 else f"{ordinal(answer.queue_position)} in line"
    unknown = "" if eta else "; how long it takes is not known yet"
    return f"{place}{eta}{unknown}."


def _failure(answer: Answer) -> str:
    """The cause, and when it is tried again."""
    error = "" if answer.job is None else answer.job.last_error
    reason, _, detail = error.partition(": ")
    cause = f"{_CAUSES.get(reason, _OTHER_CAUSE)}{f' ({detail})' if reason == _EXPLAINED and detail else ''}."
    if answer.cooldown_seconds is None:
        return f"{cause} The next visit starts it again."
    return f"{cause} It can start again in {seconds_words(answer.cooldown_seconds)}."
