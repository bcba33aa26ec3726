"""The forecaster over gRPC."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC

import grpc
from warmcast.forecaster.v1 import forecaster_pb2 as pb
from warmcast.forecaster.v1 import forecaster_pb2_grpc

from services.common import errors
from services.common.comparison import SnapshotKey
from services.common.rpc import metadata
from services.common.rpc.client.call import call_unary
from services.common.rpc.client.channel import open_channel
from services.common.rpc.services import FORECASTER
from services.common.rpc.status import from_rpc_error
from services.common.rpc.tls import Tls
from services.jobs.domain.forecaster import (
    ForecasterInfo,
    ForecasterReplica,
    ForecastPoint,
    GeneratedForecasts,
    Generation,
    TermForecast,
)
from services.jobs.domain.job import ClaimedJob, WarmupJob
from services.jobs.domain.snapshot import ForecastKey
from services.jobs.rpc.forecaster_replicas import Replicas

_CHECK_SECONDS = 5.0
_RECORD_FAILURE_SECONDS = 2.0


class GrpcForecaster:
    """Implements domain.forecaster.Forecaster. Every failed call raises WarmcastError."""

    def __init__(self, address: str, *, tls: Tls | None = None, secret: str | None, attempt_deadline: float) -> None:
        """Runs go to the replica with the most free slots, other calls to any. Needs a running event loop."""
        self._replicas = Replicas(address, tls=tls)
        self._channel = open_channel(address, FORECASTER, tls=tls)
        self._stub: forecaster_pb2_grpc.ForecasterServiceAsyncStub = forecaster_pb2_grpc.ForecasterServiceStub(
            self._channel
        )
        self._secret = secret
        self._attempt_deadline = attempt_deadline

    async def generate(self, job: ClaimedJob) -> Generation:
        """See Forecaster.generate. Leaving the generator cancels the call."""
        with self._replicas.run() as replica:
            call = replica.stub.GenerateForecasts(
                _generate_request(job),
                timeout=self._attempt_deadline,
                metadata=metadata.outgoing(secret=self._secret, debug_id=job.debug_id),
            )
            result: GeneratedForecasts | None = None
            try:
                # Read to the end of the stream; otherwise the forecaster would count the call as cancelled.
                async for response in call:
                    if response.WhichOneof("event") == "result":
                        result = _generated(response.result)
                    else:
                        yield None
            except grpc.aio.AioRpcError as failure:
                error = from_rpc_error(failure, service=FORECASTER.called)
                if error.reason is errors.UNAVAILABLE:
                    self._replicas.report_failure(replica, error)
                raise error from None
            finally:
                call.cancel()
        if result is not None:
            yield result

    def engine_version(self) -> str:
        """The newest engine version that accepts runs, or last did; empty while unknown."""
        return self._replicas.engine_version

    async def missing(self, keys: Sequence[ForecastKey]) -> list[bool]:
        """See Forecaster.missing."""
        request = pb.CheckForecastsRequest(keys=[_to_key(key.snapshot, key.terms, key.engine_version) for key in keys])
        response = await call_unary(FORECASTER, self._stub.CheckForecasts, request, timeout=_CHECK_SECONDS)
        return [freshness == pb.FRESHNESS_MISSING for freshness in response.freshness]

    async def record_failure(self, job: WarmupJob) -> None:
        """See Forecaster.record_failure."""
        request = pb.RecordFailureRequest(
            key=_to_key(job.snapshot_key, ("", "")),
            lease_id=job.lease_id,
            status=job.status.value,
            error=job.last_error or "",
        )
        await call_unary(
            FORECASTER,
            self._stub.RecordFailure,
            request,
            timeout=_RECORD_FAILURE_SECONDS,
            secret=self._secret,
            debug_id=job.debug_id,
        )

    async def describe(self) -> ForecasterInfo:
        """See Forecaster.describe."""
        return await self._replicas.info()

    def replicas(self) -> list[ForecasterReplica]:
        """See Forecaster.replicas."""
        return self._replicas.described()

    async def follow(self, more_slots: Callable[[], None]) -> None:
        """Keeps the result of `describe` up to date until cancelled; calls `more_slots` when slots are added."""
        await self._replicas.follow(more_slots)

    async def close(self) -> None:
        """Ends every connection, and the runs on it."""
        await self._replicas.close()
        await self._channel.close()


def _generate_request(job: ClaimedJob) -> pb.GenerateForecastsRequest:
    snapshot = job.snapshot()
    return pb.GenerateForecastsRequest(
        key=_to_key(snapshot.key, snapshot.terms),
        times=snapshot.times,
        values_a=snapshot.values_a,
        values_b=snapshot.values_b,
        partial_last_period=snapshot.partial_last_period,
        scaled_apart=snapshot.scaled_apart,
        gaps_filled=snapshot.gaps_filled,
        source=snapshot.source,
        last_updated_at=snapshot.as_of,
        lease_id=job.lease_id,
        adopt_above_lease=job.adopt_above_lease,
        force=job.force,
        debug_id=job.debug_id,
    )


def _to_key(key: SnapshotKey, terms: tuple[str, str], engine_version: str | None = None) -> pb.SnapshotKey:
    return pb.SnapshotKey(**key._asdict(), term_a=terms[0], term_b=terms[1], engine_version=engine_version or "")


def _generated(result: pb.GeneratedForecasts) -> GeneratedForecasts:
    return GeneratedForecasts(
        engine_version=result.engine_version,
        generated_at=result.generated_at.ToDatetime(tzinfo=UTC),
        adopted=result.adopted,
        term_a=_term(result.term_a),
        term_b=_term(result.term_b),
    )


def _term(term: pb.TermForecast) -> TermForecast:
    points = tuple(
        ForecastPoint(p.time.ToDatetime(tzinfo=UTC), p.value, p.lower80, p.upper80, p.lower95, p.upper95)
        for p in term.points
    )
    confidence = term.confidence if term.HasField("confidence") else None
    return TermForecast(term.term, term.forecast_hash, term.direction, points, confidence)
