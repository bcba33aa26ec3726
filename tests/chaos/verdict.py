"""Lets all jobs settle after a run, and counts violations."""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import grpc
import redis
from warmcast.jobs.v1 import jobs_pb2 as pb

from services.common.cache_keys import LOCK, forecast_key, warmup_key
from services.common.comparison import SnapshotKey
from services.forecaster.cache import envelope
from tests.chaos import ledger
from tests.chaos.faults import InjectedFault
from tests.chaos.load import authorised, client, fetch_is_warm, stub
from tests.chaos.world import World
from tests.waiting import wait_until

_CALLERS = 6  # concurrent callers
_POLL_SECONDS = 0.2  # seconds between two queries of the queue; the measured services share the machine
_BEFORE, _AFTER_FROM, AFTER_TO = 30, 20, 50  # seconds from a fault
_RECOVERED = 0.95  # of the rate before a fault


@dataclass(frozen=True)
class Verdict:
    """The result of a run. All `violations` must be 0."""

    violations: dict[str, int]
    event_counts: dict[str, int]
    uncounted: dict[str, int]  # guarded writes to Redis, and those after a FLUSHALL removed the fence
    recovery: tuple[tuple[str, float], ...] = ()  # the ratio of each fault with enough time before and after it

    def table(self) -> str:
        """The result as a text table."""
        rows = [
            *((f"  {name}", f"{count:,}") for name, count in self.event_counts.items()),
            *((f"  {name}", f"{count:,}") for name, count in self.uncounted.items()),
            *(
                (f"{'ok' if count == 0 else 'WRONG':<5} {name}", f"{count:,}")
                for name, count in self.violations.items()
            ),
        ]
        rows += [(f"  recovery after {name}", f"{ratio:.2f}") for name, ratio in self.recovery]
        if self.recovery:
            grade = "ok" if self.recovered else "SLOW"
            rows.append((f"{grade:<5} recovery, median of {len(self.recovery)} faults", f"{self._median_recovery:.2f}"))
        return "\n".join(f"{name:<90} {value:>10}" for name, value in rows)

    @property
    def passed(self) -> bool:
        """Whether there are no violations."""
        return not any(self.violations.values())

    @property
    def recovered(self) -> bool:
        """Whether the rate recovered, by the median of the faults; true if no fault could be measured."""
        return not self.recovery or self._median_recovery >= _RECOVERED

    @property
    def _median_recovery(self) -> float:
        return statistics.median(ratio for _, ratio in self.recovery)


def settle(world: World, slugs: Sequence[str], *, seconds: float) -> int:
    """Undoes all faults and requests every comparison in rounds until all premium answers are ready.

    Re-queues failed jobs, as an operator would. Between two rounds the queue must drain without requests. Returns the
    number that are not ready after `seconds`. Raises AssertionError if a service does not become ready.
    """
    world.undo_faults()
    wait_until(world.ready, seconds, "all services are ready")
    until = time.monotonic() + seconds
    waiting = list(slugs)
    while waiting and time.monotonic() < until:
        for address in world.jobs_addresses:
            _requeue_failed(address)
        waiting = [slug for slug, ready in zip(waiting, _answers(world, waiting), strict=True) if not ready]
        left = until - time.monotonic()
        try:
            wait_until(
                lambda: not ledger.unsettled(world.postgres.url), left, "the queue is empty", pause=_POLL_SECONDS
            )
        except AssertionError as late:
            print(f"chaos | {late}", flush=True)
    if waiting:
        print(f"chaos | not ready after {seconds:.0f} s: {len(waiting)}, such as {sorted(waiting)[:5]}", flush=True)
    return len(waiting)


def judge(world: World, slugs: Sequence[str], injected: Sequence[InjectedFault], *, unsettled: int) -> Verdict:
    """Counts violations. Call it when all but `unsettled` comparisons have settled."""
    url = world.postgres.url
    violations = ledger.violations(url)
    violations["service that ended unexpectedly"] = len(world.crashed)
    violations["comparison that did not settle"] = unsettled
    violations["premium answer that is not ready"] = sum(not ready for ready in _answers(world, slugs))
    violations["Redis: write below a raised fence"] = world.fence.below
    violations |= _bundles(world)
    return Verdict(
        violations=violations,
        event_counts={"jobs": len(slugs), "faults": len(injected), **ledger.event_counts(url)},
        uncounted={
            "Redis: guarded writes": world.fence.writes,
            "Redis: writes after a lost fence": world.fence.after_loss,
        },
        recovery=recovery(ledger.ready_times(url), [fault for fault in injected if not fault.storm]),
    )


def recovery(ready: Sequence[float], injected: Sequence[InjectedFault]) -> tuple[tuple[str, float], ...]:
    """The median rate of the 30 s that begin 20 s after a fault, divided by that of the 30 s before it.

    Demand is steady and below the product's capacity. A ratio of 1 means that the backlog of the fault was done within
    20 s; above 1, that the backlog was still draining; below 1, that runs were still slow or not claimed. It does not
    measure the product's speed, and the median hides a gap of less than half of those 30 s.
    """
    if not ready:
        return ()
    first, last = min(ready), max(ready)
    ratios = []
    for fault in injected:
        if fault.begun - _BEFORE < first or fault.ended + AFTER_TO > last:
            continue
        before = _median_rate(ready, fault.begun - _BEFORE)
        if before:
            ratios.append((fault.name, _median_rate(ready, fault.ended + _AFTER_FROM) / before))
    return tuple(ratios)


def _requeue_failed(address: str) -> None:
    request = pb.RequeueJobsRequest(status=pb.JOB_STATUS_FAILED, max=1000)
    try:
        stub(address).RequeueJobs(request, timeout=10, metadata=authorised())
    except grpc.RpcError as error:
        print(f"chaos | requeue: {error}")  # retried in the next round


def _answers(world: World, slugs: Sequence[str]) -> list[bool | None]:
    with client(world) as http, ThreadPoolExecutor(_CALLERS) as callers:
        return list(callers.map(lambda slug: fetch_is_warm(http, slug), slugs))


def _bundles(world: World) -> dict[str, int]:
    """Compares each pair of bundles in Redis with its fence, and its numbers with those that jobs recorded."""
    broken = above = unequal = 0
    recorded = ledger.recorded_hashes(world.postgres.url)
    with redis.Redis.from_url(world.valkey.url) as connection:
        for (slug, timeframe, geo, data_hash), hashes in recorded.items():
            snapshot = SnapshotKey(slug, timeframe, geo, data_hash)
            values = connection.mget([forecast_key(snapshot, term, version) for term, version, _ in hashes])
            try:
                pair = envelope.unseal(*values)
            except (envelope.CorruptValueError, TypeError):
                pair = None
            if pair is None:
                broken += 1
                continue
            fence = connection.get(warmup_key(LOCK, snapshot))
            above += pair.lease_id > int(fence or 0)
            bundles = (pair.bundle_a, pair.bundle_b)
            unequal += any(
                forecast_hash.encode() not in bundle
                for bundle, (*_, forecast_hash) in zip(bundles, hashes, strict=True)
            )
    return {
        "Redis: pair absent or corrupt": broken,
        "Redis: pair above its own fence": above,
        "Redis: pair with numbers other than those recorded": unequal,
    }


def _median_rate(moments: Sequence[float], begin: float) -> float:
    counts = [0] * 30
    for moment in moments:
        if 0 <= moment - begin < 30:
            counts[int(moment - begin)] += 1
    return statistics.median(counts)
