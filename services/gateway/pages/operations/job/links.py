"""Links to logs and traces, by the templates of the settings."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from services.gateway.url_template import UrlTemplate

_MARGIN = timedelta(minutes=1)  # around an attempt, for clocks that differ


@dataclass(frozen=True)
class Attempted:
    """What identifies an attempt in logs and traces."""

    job_id: int
    slug: str
    debug_id: str
    trace_id: str
    start: datetime | None
    end: datetime | None


@dataclass(frozen=True)
class LogLinks:
    """The addresses of one attempt's logs and trace; empty where no template is set, or an id is missing."""

    logs: UrlTemplate | None
    trace: UrlTemplate | None

    def logs_of(self, attempt: Attempted) -> str:
        """The address of its logs."""
        return _fill(self.logs, attempt)

    def trace_of(self, attempt: Attempted) -> str:
        """The address of its trace."""
        return _fill(self.trace, attempt)


def _fill(template: UrlTemplate | None, attempt: Attempted) -> str:
    if template is None:
        return ""
    start, end = attempt.start, attempt.end or datetime.now(UTC)
    values = {
        "jobId": str(attempt.job_id),
        "slug": attempt.slug,
        "debugId": attempt.debug_id,
        "traceId": attempt.trace_id,
        "from": _time(start - _MARGIN) if start else "",
        "to": _time(end + _MARGIN),
    }
    return template.fill(values) or ""


def _time(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
