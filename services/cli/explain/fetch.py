"""Fetches what jobs and the forecaster know about one comparison. Changes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from warmcast.client import WarmcastError, errors, snapshot_key
from warmcast.forecaster.v1 import forecaster_pb2
from warmcast.jobs.v1 import jobs_pb2, operations_pb2

from services.cli.client import Clients

_MOST_ATTEMPTS = 10
_KNOWN = frozenset(forecaster_pb2.Freshness.values()) - {forecaster_pb2.FRESHNESS_UNSPECIFIED}


@dataclass(frozen=True)
class Fetched:
    """The services' messages, for the current snapshot and for the previous one if there is one."""

    warmup: jobs_pb2.GetWarmupResponse
    comparison: jobs_pb2.GetComparisonResponse
    forecasts: Sequence[forecaster_pb2.CachedForecasts]  # empty if the forecaster failed
    keys: Sequence[forecaster_pb2.InspectKeysResponse]  # the same
    error: WarmcastError | None  # of the forecaster
    attempts: Sequence[operations_pb2.Attempt] = ()  # the last ones that ended, newest first


async def fetch(clients: Clients, slug: str, timeframe: str, geo: str) -> Fetched:
    """Calls all services. Raises WarmcastError if jobs fails or does not know the comparison."""
    warmup = await clients.jobs.get_warmup(slug, timeframe, geo)
    comparison = await clients.jobs.get_comparison(slug, timeframe, geo)
    attempts = await _attempts(clients, warmup.job.id) if warmup.HasField("job") else ()
    snapshots = [snapshot_key(warmup)]
    if warmup.previous_data_hash:
        snapshots.append(_previous_snapshot_key(warmup))
    forecasts: Sequence[forecaster_pb2.CachedForecasts] = ()
    keys: Sequence[forecaster_pb2.InspectKeysResponse] = ()
    error = None
    try:
        forecasts = _complete(await clients.forecaster.get_forecasts(snapshots), len(snapshots))
        keys = [await clients.forecaster.inspect_keys(snapshot) for snapshot in snapshots]
    except WarmcastError as failure:
        error = failure
    return Fetched(warmup, comparison, forecasts, keys, error, attempts)


async def _attempts(clients: Clients, job_id: int) -> Sequence[operations_pb2.Attempt]:
    """The last attempts; none from an older jobs service, which keeps none."""
    try:
        return (await clients.operations.list_attempts(job_id, page_size=_MOST_ATTEMPTS)).attempts
    except WarmcastError as error:
        if error.reason is not errors.SERVICE_OUTDATED:
            raise
        return ()


def _complete(
    forecasts: Sequence[forecaster_pb2.CachedForecasts], count: int
) -> Sequence[forecaster_pb2.CachedForecasts]:
    # As in the gateway: a missing or unknown entry is a fault of the forecaster, not a missing forecast.
    if len(forecasts) != count or any(each.freshness not in _KNOWN for each in forecasts):
        raise WarmcastError(errors.UNAVAILABLE, "the forecaster's answer is incomplete")
    return forecasts


def _previous_snapshot_key(warmup: jobs_pb2.GetWarmupResponse) -> forecaster_pb2.SnapshotKey:
    key = snapshot_key(warmup)
    key.data_hash = warmup.previous_data_hash
    key.engine_version = warmup.previous_engine_version
    return key
