"""One pod as a process, run as the kubelet does: probes, restarts, termination with a grace period."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import time
from collections.abc import Mapping

from devstack.processes.child import Child
from devstack.settings import CHECKOUT
from rehearsal.manifests import Workload
from rehearsal.port_mappings import PortMapping
from rehearsal.waiting import ticks, wait_for_exit

_FIRST_BACKOFF, _LONGEST_BACKOFF = 10.0, 300.0  # seconds, as in Kubernetes. The first restart is immediate.
_LEAST_GRACE = 2.0  # seconds after SIGTERM, even if preStop used up the grace period
_ENDPOINTS_LAG = 1.0  # seconds until the endpoints no longer contain a deleted pod


class Pod:
    """`pace` is the factor by which waits are shorter than in a cluster; the grace period is never shortened."""

    def __init__(
        self, name: str, workload: Workload, mapping: PortMapping, environment: Mapping[str, str], *, pace: float
    ) -> None:
        self.name = name
        self.workload = workload
        self.mapping = mapping
        self.started = False  # its startup probe has passed
        self.readiness_probes = 0
        self.restarts = 0
        self.ready_since: float | None = None
        self.deleted_at: float | None = None
        self._environment = environment
        self._pace = pace
        self._child = Child(name)
        self._loop_task: asyncio.Task[None] | None = None

    @property
    def pid(self) -> int:
        """The process id; 0 before the first start."""
        return self._child.pid

    @property
    def exit_code(self) -> int | None:
        """None while it runs; -N after signal N."""
        return self._child.exit_code

    @property
    def ready(self) -> bool:
        """Whether its readiness probe passes."""
        return self.ready_since is not None

    @property
    def in_endpoints(self) -> bool:
        """Whether a Service's endpoints contain it. They are updated with a delay after it is deleted."""
        since_deleted = 0.0 if self.deleted_at is None else time.monotonic() - self.deleted_at
        return self.ready and since_deleted <= _ENDPOINTS_LAG / self._pace

    def available(self, min_ready: float) -> bool:
        """Whether it has been ready for `min_ready` seconds of the cluster's time."""
        return self.ready_since is not None and time.monotonic() - self.ready_since >= min_ready / self._pace

    def start(self) -> None:
        """Starts the pod and returns at once; needs a running event loop."""
        self._loop_task = asyncio.create_task(self._run(), name=self.name)

    def send(self, number: signal.Signals) -> None:
        """Sends a signal to its process alone, such as SIGKILL or SIGSTOP."""
        self._child.send(number)

    async def stop(self) -> float:
        """Deletes the pod: removed from the endpoints, preStop, SIGTERM, grace period, SIGKILL. Returns the seconds."""
        self.deleted_at = begun = time.monotonic()
        await self._stop_loop()
        await self._end(self.workload.grace)
        self.ready_since = None
        return time.monotonic() - begun

    async def kill(self) -> None:
        """Kills the process and its children."""
        await self._stop_loop()
        self._child.kill_group()

    def tail(self, lines: int = 20) -> str:
        """The last lines of its output."""
        return self._child.tail(lines)

    async def _run(self) -> None:
        backoff = 0.0
        while True:
            self._child.spawn(self.workload.program, environment=self._environment, cwd=CHECKOUT)
            await self._run_once()
            self.restarts += 1
            await asyncio.sleep(backoff / self._pace)
            backoff = min(2 * backoff or _FIRST_BACKOFF, _LONGEST_BACKOFF)

    async def _run_once(self) -> None:
        """Starts probing, and returns once the process has ended by itself or a probe has failed."""
        failed = asyncio.create_task(self._until_probe_fails())
        ends = {asyncio.create_task(wait_for_exit(self._child)), failed}
        try:
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in ends:
                task.cancel()
            await asyncio.gather(*ends, return_exceptions=True)
            if self.deleted_at is None:
                self.started, self.ready_since = False, None
        if self._child.running:
            await self._end(failed.result())
        self._child.kill_group()

    async def _until_probe_fails(self) -> float:
        """Returns once the startup or liveness probe has failed, with the grace period in seconds."""
        probes = self.workload.probes
        if not await self._passes_startup():
            return self._grace_of("startupProbe")
        self.started = True
        readiness = asyncio.create_task(self._follow_readiness())
        try:
            failures = 0
            async for _ in ticks(probes["livenessProbe"].period / self._pace):
                failures = 0 if await self._probe("livenessProbe") else failures + 1
                if failures == probes["livenessProbe"].failures:
                    break
        finally:
            readiness.cancel()
            await asyncio.gather(readiness, return_exceptions=True)
        return self._grace_of("livenessProbe")

    async def _passes_startup(self) -> bool:
        probe = self.workload.probes["startupProbe"]
        for _ in range(probe.failures):
            if await self._probe("startupProbe"):
                return True
            # Not divided by the pace: programs do not start faster here than in a cluster.
            await asyncio.sleep(probe.period)
        return False

    async def _follow_readiness(self) -> None:
        probe = self.workload.probes["readinessProbe"]
        failures = 0
        async for _ in ticks(probe.period / self._pace):
            if await self._probe("readinessProbe"):
                failures, self.ready_since = 0, self.ready_since or time.monotonic()
            elif (failures := failures + 1) >= probe.failures:
                self.ready_since = None
            self.readiness_probes += 1

    async def _probe(self, kind: str) -> bool:
        probe = self.workload.probes[kind]
        return await probe.passes(self.mapping.ports[probe.port])

    def _grace_of(self, kind: str) -> float:
        own = self.workload.probes[kind].grace
        return self.workload.grace if own is None else own

    async def _end(self, grace: float) -> None:
        """Runs preStop, which counts towards the grace period, then sends SIGTERM, then SIGKILL."""
        before = min(self.workload.pre_stop, grace)
        await asyncio.sleep(before / self._pace)
        self._child.send(signal.SIGTERM)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(max(grace - before, _LEAST_GRACE)):
                await wait_for_exit(self._child)
        self._child.kill_group()

    async def _stop_loop(self) -> None:
        if self._loop_task:
            self._loop_task.cancel()
            await asyncio.gather(self._loop_task, return_exceptions=True)
            self._loop_task = None
