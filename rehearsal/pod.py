"""One pod as a process, and what the kubelet does to it: probes, restarts, and an end with grace."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import time
from collections.abc import Mapping

from devstack.processes.child import Child
from devstack.settings import CHECKOUT
from rehearsal.manifests import Workload
from rehearsal.places import Place
from rehearsal.waiting import ended, ticks

_FIRST_BACKOFF, _LONGEST_BACKOFF = 10.0, 300.0  # seconds; Kubernetes' own. The first restart comes at once.
_LEAST_GRACE = 2.0  # seconds that a process has after SIGTERM even where preStop took all of its grace
_ENDPOINTS_LAG = 1.0  # seconds for which callers still find a pod that leaves


class Pod:
    """`pace` is how many times faster than in a cluster its waits go by; grace is never shortened."""

    def __init__(
        self, name: str, workload: Workload, place: Place, environment: Mapping[str, str], *, pace: float
    ) -> None:
        self.name = name
        self.workload = workload
        self.place = place
        self.started = False  # its startup probe has passed
        self.readiness_asked = 0
        self.restarts = 0
        self.ready_since: float | None = None
        self.left_at: float | None = None
        self._environment = environment
        self._pace = pace
        self._child = Child(name)
        self._tended: asyncio.Task[None] | None = None

    @property
    def pid(self) -> int:
        """Of its process; 0 before its first start."""
        return self._child.pid

    @property
    def exit_code(self) -> int | None:
        """None while it runs; negative is the signal that ended it."""
        return self._child.exit_code

    @property
    def ready(self) -> bool:
        """What its readiness probe says."""
        return self.ready_since is not None

    @property
    def found(self) -> bool:
        """Whether a Service's endpoints name it; of its leaving they learn a moment later."""
        leaving = 0.0 if self.left_at is None else time.monotonic() - self.left_at
        return self.ready and leaving <= _ENDPOINTS_LAG / self._pace

    def available(self, min_ready: float) -> bool:
        """Whether it has been ready for that many of the cluster's seconds."""
        return self.ready_since is not None and time.monotonic() - self.ready_since >= min_ready / self._pace

    def start(self) -> None:
        """Returns at once; must be called in a running loop."""
        self._tended = asyncio.create_task(self._tend(), name=self.name)

    def send(self, number: signal.Signals) -> None:
        """A signal to its process alone, such as SIGKILL or SIGSTOP."""
        self._child.send(number)

    async def stop(self) -> float:
        """As one that is deleted: out of the endpoints, preStop, SIGTERM, grace, SIGKILL. Returns its seconds."""
        self.left_at = begun = time.monotonic()
        await self._stop_tending()
        await self._end(self.workload.grace)
        self.ready_since = None
        return time.monotonic() - begun

    async def kill(self) -> None:
        """Ends it and all that it started, by force."""
        await self._stop_tending()
        self._child.kill_group()

    def tail(self, lines: int = 20) -> str:
        """The last lines that it wrote."""
        return self._child.tail(lines)

    async def _tend(self) -> None:
        backoff = 0.0
        while True:
            self._child.spawn(self.workload.program, environment=self._environment, cwd=CHECKOUT)
            await self._attend()
            self.restarts += 1
            await asyncio.sleep(backoff / self._pace)
            backoff = min(2 * backoff or _FIRST_BACKOFF, _LONGEST_BACKOFF)

    async def _attend(self) -> None:
        """Returns once the process has ended: by itself, or since a probe found it dead."""
        dead = asyncio.create_task(self._dead())
        ends = {asyncio.create_task(ended(self._child)), dead}
        try:
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in ends:
                task.cancel()
            await asyncio.gather(*ends, return_exceptions=True)
            if self.left_at is None:
                self.started, self.ready_since = False, None
        if self._child.running:
            await self._end(dead.result())
        self._child.kill_group()

    async def _dead(self) -> float:
        """Returns once the startup or liveness probe has failed for good: the grace that it leaves."""
        probes = self.workload.probes
        if not await self._comes_up():
            return self._grace_of("startupProbe")
        self.started = True
        readiness = asyncio.create_task(self._follow_readiness())
        try:
            failures = 0
            async for _ in ticks(probes["livenessProbe"].period / self._pace):
                failures = 0 if await self._asked("livenessProbe") else failures + 1
                if failures == probes["livenessProbe"].failures:
                    break
        finally:
            readiness.cancel()
            await asyncio.gather(readiness, return_exceptions=True)
        return self._grace_of("livenessProbe")

    async def _comes_up(self) -> bool:
        probe = self.workload.probes["startupProbe"]
        for _ in range(probe.failures):
            if await self._asked("startupProbe"):
                return True
            # The machine starts programs no faster than it does: only steady waits are shortened.
            await asyncio.sleep(probe.period)
        return False

    async def _follow_readiness(self) -> None:
        probe = self.workload.probes["readinessProbe"]
        failures = 0
        async for _ in ticks(probe.period / self._pace):
            if await self._asked("readinessProbe"):
                failures, self.ready_since = 0, self.ready_since or time.monotonic()
            elif (failures := failures + 1) >= probe.failures:
                self.ready_since = None
            self.readiness_asked += 1

    async def _asked(self, kind: str) -> bool:
        probe = self.workload.probes[kind]
        return await probe.passes(self.place.ports[probe.port])

    def _grace_of(self, kind: str) -> float:
        own = self.workload.probes[kind].grace
        return self.workload.grace if own is None else own

    async def _end(self, grace: float) -> None:
        """preStop, which is part of the grace, then SIGTERM, and SIGKILL for what is left."""
        before = min(self.workload.pre_stop, grace)
        await asyncio.sleep(before / self._pace)
        self._child.send(signal.SIGTERM)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(max(grace - before, _LEAST_GRACE)):
                await ended(self._child)
        self._child.kill_group()

    async def _stop_tending(self) -> None:
        if self._tended:
            self._tended.cancel()
            await asyncio.gather(self._tended, return_exceptions=True)
            self._tended = None
