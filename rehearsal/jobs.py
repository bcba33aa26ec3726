"""A Job: one program that is to end well, within its deadline and so many tries."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping
from dataclasses import dataclass

from devstack.processes.child import Child, DevstackError
from devstack.settings import CHECKOUT
from rehearsal.manifests import Manifest, Sources, Workload
from rehearsal.waiting import ended

_FIRST_BACKOFF = (
    10.0  # seconds, doubling; Kubernetes' own. A container that is restarted in its pod first is so at once.
)
_POLICIES = ("Never", "OnFailure")


@dataclass(frozen=True)
class Job:
    """How often a program is tried, and for how many seconds in all: real ones, however fast the clock is."""

    workload: Workload
    tries: int
    deadline: float
    in_place: bool = False  # restarted in its pod, and not in another one

    @classmethod
    def read(cls, spec: Manifest, sources: Sources) -> Job:
        """From the `spec` of a Job, or of a CronJob's template. Raises DevstackError for another restartPolicy."""
        policy, limit = spec["template"]["spec"]["restartPolicy"], spec["backoffLimit"]
        if policy not in _POLICIES:
            raise DevstackError(f"a Job's restartPolicy is one of {', '.join(_POLICIES)}, not {policy}")
        in_place = policy == "OnFailure"
        # The controller counts restarts as they begin: the one that reaches the limit fails the Job.
        tries = max(limit, 1) if in_place else limit + 1
        return cls(Workload.read(spec["template"], sources), tries, spec["activeDeadlineSeconds"], in_place)


class Run:
    """One run of a Job. `succeeded` is None while it lasts."""

    def __init__(self, job: Job, environment: Mapping[str, str], *, pace: float = 1) -> None:
        self.name = job.workload.name
        self.succeeded: bool | None = None
        self.tried = 0
        self._job = job
        self._environment = environment
        self._pace = pace
        self._child = Child(self.name)

    @property
    def pid(self) -> int:
        """Of its process; 0 before it has one."""
        return self._child.pid

    async def to_its_end(self) -> bool:
        """Runs it; whether it succeeded."""
        self.succeeded = False
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._job.deadline):
                self.succeeded = await self._try()
        return self.succeeded

    def kill(self) -> None:
        """SIGKILL to its process, as an out-of-memory killer does."""
        self._child.kill()

    def tail(self) -> str:
        """The last lines that it wrote."""
        return self._child.tail()

    async def _try(self) -> bool:
        try:
            for tried in range(1, self._job.tries + 1):
                self.tried = tried
                self._child.spawn(self._job.workload.program, environment=self._environment, cwd=CHECKOUT)
                await ended(self._child)
                if self._child.exit_code == 0:
                    return True
                if tried < self._job.tries:
                    await asyncio.sleep(self._backoff(tried) / self._pace)
            return False
        finally:
            self._child.kill_group()

    def _backoff(self, tried: int) -> float:
        doublings = tried - 2 if self._job.in_place else tried - 1
        return _FIRST_BACKOFF * 2**doublings if doublings >= 0 else 0.0
