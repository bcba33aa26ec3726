"""protobuf → domain, for filters of comparisons."""

from __future__ import annotations

from warmcast.jobs.v1 import operations_pb2 as pb

from services.common.comparison import invalid, parse_geo, parse_timeframe
from services.jobs.domain.reports.coverage import FAILED, STALE, CoverageFilter, CoverageState
from services.jobs.rpc import requests

_STATES = (*CoverageState, STALE, FAILED)


def coverage_filter(of: pb.CoverageFilter) -> CoverageFilter | None:
    """The filter; None where nothing can match. Raises WarmcastError(INVALID_ARGUMENT)."""
    if of.state and of.state not in _STATES:
        raise invalid("state", f"state is {of.state!r}; one of {', '.join(_STATES)}")
    search = requests.comparison_search(of.query)
    wanted = CoverageFilter(
        state=of.state,
        query=search.query if search else "",
        timeframe=parse_timeframe(of.timeframe).name if of.timeframe else "",
        geo=parse_geo(of.geo) if of.HasField("geo") else None,
        requested=of.requested,
    )
    return wanted if search else None
