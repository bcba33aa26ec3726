"""Page tokens: opaque cursors of lists, validated on return."""

from __future__ import annotations

import base64
import binascii
import contextlib
import json
import sys
from collections.abc import Sequence
from datetime import datetime

from services.common.comparison import ComparisonKey, invalid
from services.common.errors import WarmcastError
from services.jobs.domain.comparison import ListedComparison
from services.jobs.domain.queue import JobCursor
from services.jobs.domain.reports.coverage import CoverageCursor

_MAX_ID = 2**63 - 1


def encode(cursor: Sequence[str | float]) -> str:
    """The token of a cursor."""
    return base64.urlsafe_b64encode(json.dumps(cursor, separators=(",", ":")).encode()).decode()


def job_cursor(token: str) -> JobCursor | None:
    """The last job of the previous page; None: first page. Raises WarmcastError(INVALID_ARGUMENT)."""
    if not token:
        return None
    match _decode(token):
        case [str(created_at), int(job_id)] if not isinstance(job_id, bool) and 0 < job_id <= _MAX_ID:
            with contextlib.suppress(ValueError):
                return datetime.fromisoformat(created_at), job_id
    raise invalid("page_token", "the page token is not one of this list's")


def id_cursor(token: str) -> int | None:
    """The last id of the previous page; None: first page. Raises WarmcastError(INVALID_ARGUMENT)."""
    if not token:
        return None
    match _decode(token):
        case [int(last)] if not isinstance(last, bool) and 0 < last <= _MAX_ID:
            return last
    raise invalid("page_token", "the page token is not one of this list's")


def comparison_cursor(token: str) -> tuple[str, str, str] | None:
    """The last comparison of the previous page; None: first page. Raises WarmcastError(INVALID_ARGUMENT)."""
    if not token:
        return None
    match _decode(token):
        case [str(slug), str(timeframe), str(geo)]:
            with contextlib.suppress(WarmcastError):
                key = ComparisonKey.parse(slug, timeframe, geo)
                return key.slug, key.timeframe, key.geo
    raise invalid("page_token", "the page token is not one of this list's")


def coverage_cursor(token: str) -> CoverageCursor | None:
    """The last comparison of the previous page; None: first page. Raises WarmcastError(INVALID_ARGUMENT)."""
    if not token:
        return None
    match _decode(token):
        case [int() | float() as popularity, int(comparison_id)] if (
            0 <= popularity <= sys.float_info.max and 0 < comparison_id <= _MAX_ID
        ) and bool not in map(type, (popularity, comparison_id)):
            return CoverageCursor(float(popularity), comparison_id)
    raise invalid("page_token", "the page token is not one of this list's")


def after_job(cursor: JobCursor) -> str:
    """The token of the page after this place."""
    created_at, job_id = cursor
    return encode([created_at.isoformat(), job_id])


def after_comparison(row: ListedComparison) -> str:
    """The token of the page after this row."""
    return encode([row.slug, row.timeframe, row.geo])


def _decode(token: str) -> list[object]:
    try:
        cursor = json.loads(base64.urlsafe_b64decode(token))
    except (binascii.Error, ValueError, RecursionError):
        cursor = None
    if not isinstance(cursor, list):
        raise invalid("page_token", "the page token is not one of ours")
    return cursor
