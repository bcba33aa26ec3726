"""One attempt in one line."""

from __future__ import annotations

from warmcast.jobs.v1 import operations_pb2 as pb

from services.cli.output import moment, seconds_between


def attempt_line(attempt: pb.Attempt) -> str:
    """When it ended and how, its times, and who ran it."""
    waited = seconds_between(attempt, "due_at", "claimed_at")
    ran = seconds_between(attempt, "claimed_at", "ended_at")
    notes = [
        *(["adopted bundles"] if attempt.adopted else []),
        *([f"late result refused at {moment(attempt, 'refused_at')}"] if attempt.HasField("refused_at") else []),
        *([f"{attempt.error_reason}: {attempt.error}".strip(": ")] if attempt.error_reason or attempt.error else []),
    ]
    what = f"{moment(attempt, 'ended_at')}  {attempt.outcome:<15} attempt {attempt.attempt} of {attempt.reason}"
    return "  ".join([what, f"waited {waited}, ran {ran}", f"lease {attempt.lease_id}", f"on {attempt.holder}", *notes])
