"""Page tokens: where a page of a list ended, opaque to callers and checked when it comes back."""

from __future__ import annotations

import base64
import binascii
import contextlib
import json
from collections.abc import Sequence
from datetime import datetime

from services.common.comparison import ComparisonKey, invalid
from services.common.errors import WarmcastError
from services.jobs.domain.queue import JobCursor

_MAX_ID = 2**63 - 1


def encode(place: Sequence[str | int]) -> str:
    """The token of a place."""
    return base64.urlsafe_b64encode(json.dumps(place, separators=(",", ":")).encode()).decode()


def job_place(token: str) -> JobCursor | None:
    """Where a page of jobs ended; None: nowhere yet. Raises WarmcastError(INVALID_ARGUMENT)."""
    if not token:
        return None
    match _decode(token):
        case [str(created_at), int(job_id)] if not isinstance(job_id, bool) and 0 < job_id <= _MAX_ID:
            with contextlib.suppress(ValueError):
                return datetime.fromisoformat(created_at), job_id
    raise invalid("page_token", "the page token is not one of this list's")


def comparison_place(token: str) -> tuple[str, str, str] | None:
    """Where a page of comparisons ended; None: nowhere yet. Raises WarmcastError(INVALID_ARGUMENT)."""
    if not token:
        return None
    match _decode(token):
        case [str(slug), str(timeframe), str(geo)]:
            with contextlib.suppress(WarmcastError):
                key = ComparisonKey.parse(slug, timeframe, geo)
                return key.slug, key.timeframe, key.geo
    raise invalid("page_token", "the page token is not one of this list's")


def _decode(token: str) -> list[object]:
    try:
        place = json.loads(base64.urlsafe_b64decode(token))
    except (binascii.Error, ValueError, RecursionError):
        place = None
    if not isinstance(place, list):
        raise invalid("page_token", "the page token is not one of ours")
    return place
