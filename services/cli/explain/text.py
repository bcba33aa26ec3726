"""A story as text for a terminal."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta

from services.cli.explain.contents import Attempt, Bundle, Job, Key, PremiumAnswer, Snapshot, SnapshotKeys, Story

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_SERVES = {
    "current": "with the forecasts of the current snapshot",
    "previous": "with the forecasts of the snapshot before",
    "nothing": "without forecasts",
}


def lines(story: Story) -> Iterator[str]:
    """The lines of the text, without control characters, which errors and values of other programs may hold."""
    for line in _lines(story):
        yield _CONTROL.sub("�", line)


def _lines(story: Story) -> Iterator[str]:
    yield f"{story.slug}, {story.timeframe}, {story.geo or 'worldwide'}"
    yield from _section("snapshot", _snapshot(story.snapshot))
    yield from _section("job", _job(story.job) if story.job else ["none yet"])
    if story.attempts:
        yield from _section("attempts", [_attempt(attempt) for attempt in story.attempts])
    if story.forecaster.error:
        yield from _section("forecaster", [f"failed: {story.forecaster.error}"])
    for keys in story.keys:
        yield from _section(f"keys of {keys.data_hash}", _keys(keys))
    yield from _section("premium", _premium(story.premium))
    yield from _section("interpretations", _interpretations(story))


def _section(title: str, content: Iterator[str] | list[str]) -> Iterator[str]:
    yield ""
    yield title
    for line in content:
        yield f"  {line}"


def _snapshot(snapshot: Snapshot) -> Iterator[str]:
    notes = [
        note
        for note, applies in (
            ("the last period is incomplete", snapshot.partial_last_period),
            ("the terms are scaled apart", snapshot.scaled_apart),
        )
        if applies
    ]
    yield _row("terms", " / ".join(snapshot.terms))
    yield _row("points", "; ".join([f"{snapshot.points}, {snapshot.first} to {snapshot.last}", *notes]))
    yield _row("source", f"{snapshot.source}, as of {snapshot.as_of or 'unknown'}")
    yield _row("data hash", snapshot.data_hash)
    yield _row("hash before", snapshot.previous_data_hash or "none")


def _job(job: Job) -> Iterator[str]:
    yield _row("job", f"{job.id}, enqueued as {job.reason or 'unknown'}, debug id {job.debug_id or 'none'}")
    place = f", place {job.queue_position} in the queue" if job.queue_position else ""
    eta = f", ready in about {job.eta_seconds:.0f} s" if job.eta_seconds is not None else ""
    overdue = ", overdue" if job.overdue else ""
    yield _row("status", f"{job.status}{place}{eta}{overdue}")
    yield _row("attempts", str(job.attempts))
    yield _row("engine", f"{job.engine_version or 'none yet'}, lease {job.lease_id or 'none yet'}")
    times = {
        "queued": job.queued_at,
        "started": job.started_at,
        "completed": job.completed_at,
        "lease ends": job.lease_expires_at,
        "next try": job.next_try,
        "last error": job.last_error,
    }
    for name, value in times.items():
        if value:
            yield _row(name, value)


def _attempt(attempt: Attempt) -> str:
    notes = [
        *(["adopted bundles"] if attempt.adopted else []),
        *([f"late result refused at {attempt.refused_at}"] if attempt.refused_at else []),
        *([attempt.error or attempt.error_reason or ""] if attempt.error or attempt.error_reason else []),
    ]
    times = f"claimed {attempt.claimed_at or 'unknown'}, ended {attempt.ended_at or 'unknown'}"
    what = f"{attempt.outcome}, attempt {attempt.attempt} of {attempt.reason}, {times}, lease {attempt.lease_id}"
    return "; ".join([f"{what}, on {attempt.holder}", *notes])


def _keys(keys: SnapshotKeys) -> Iterator[str]:
    for pair in keys.bundles:
        defect = f": {pair.defect}" if pair.defect else ""
        yield f"bundles of engine {pair.engine_version}: {pair.freshness}{defect}"
        for bundle in (pair.term_a, pair.term_b):
            yield f"  {bundle.key.name}"
            yield f"    {_bundle(bundle)}"
    for mark in keys.marks:
        yield mark.key.name
        yield f"  {_existing(mark.key)}" + (f": {mark.text}" if mark.text else "")


def _bundle(bundle: Bundle) -> str:
    if not bundle.key.exists:
        return _existing(bundle.key)
    if not bundle.intact:
        return f"{_existing(bundle.key)}, not intact: {bundle.defect}"
    insights = "with insights" if bundle.has_insights else "without insights"
    run = f"lease {bundle.lease_id}, engine {bundle.engine_version}, generated {bundle.generated_at}"
    return f"{_existing(bundle.key)}, intact, {run}, {insights}"


def _existing(key: Key) -> str:
    if not key.exists:
        return "absent"
    ttl = "no TTL" if key.ttl_seconds is None else f"TTL {timedelta(seconds=key.ttl_seconds)}"
    return f"{ttl}, {key.size_bytes:,} byte{'' if key.size_bytes == 1 else 's'}"


def _premium(answer: PremiumAnswer) -> Iterator[str]:
    if answer.warmup_status is None:
        yield "depends on the memory of each gateway"
    else:
        flags = [name for name, set_ in (("stale", answer.stale), ("refreshing", answer.refreshing)) if set_]
        yield ", ".join([f"{answer.warmup_status} {_SERVES[str(answer.serves)]}", *flags])
    yield f"enqueues {answer.enqueues or 'nothing'}"
    for reason in answer.because:
        yield f"- {reason}"


def _interpretations(story: Story) -> Iterator[str]:
    if not story.interpretations:
        yield "none"
    for number, each in enumerate(story.interpretations or (), start=1):
        yield f"{number}. {each['text']} ({each['id']})"


def _row(name: str, value: str) -> str:
    return f"{name:<13}{value}"
