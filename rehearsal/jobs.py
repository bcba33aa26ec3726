"""A Job: a program that must succeed within its deadline and number of attempts."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping
from dataclasses import dataclass

from devstack.processes.child import Child, DevstackError
from devstack.settings import CHECKOUT
from rehearsal.manifests import Manifest, Sources, Workload
from rehearsal.waiting import wait_for_exit

# Seconds, doubling, as in Kubernetes. The first restart of a container in its pod is immediate.
_FIRST_BACKOFF = 10.0
_POLICIES = ("Never", "OnFailure")


@dataclass(frozen=True)
class Job:
    """A program, its attempts and its deadline in real seconds, which `pace` does not shorten."""

    workload: Workload
    max_attempts: int
    deadline: float
    in_place: bool = False  # restarted in its pod, not in a new one

    @classmethod
    def read(cls, spec: Manifest, sources: Sources) -> Job:
        """Reads the `spec` of a Job or of a CronJob's template. Raises DevstackError for an unknown restartPolicy."""
        policy, limit = spec["template"]["spec"]["restartPolicy"], spec["backoffLimit"]
        if policy not in _POLICIES:
            raise DevstackError(f"a Job's restartPolicy is one of {', '.join(_POLICIES)}, not {policy}")
        in_place = policy == "OnFailure"
        # The controller counts restarts when they begin: the one that reaches the limit fails the Job.
        max_attempts = max(limit, 1) if in_place else limit + 1
        return cls(Workload.read(spec["template"], sources), max_attempts, spec["activeDeadlineSeconds"], in_place)


class Run:
    """One run of a Job. `succeeded` is None until it has ended."""

    def __init__(self, job: Job, environment: Mapping[str, str], *, pace: float = 1) -> None:
        self.name = job.workload.name
        self.succeeded: bool | None = None
        self.attempts = 0
        self._job = job
        self._environment = environment
        self._pace = pace
        self._child = Child(self.name)

    @property
    def pid(self) -> int:
        """The process id; 0 before the first attempt."""
        return self._child.pid

    async def execute(self) -> bool:
        """Runs the job. Returns whether it succeeded."""
        self.succeeded = False
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._job.deadline):
                self.succeeded = await self._try()
        return self.succeeded

    def kill(self) -> None:
        """Sends SIGKILL to its process, as the out-of-memory killer does."""
        self._child.kill()

    def tail(self) -> str:
        """The last lines of its output."""
        return self._child.tail()

    async def _try(self) -> bool:
        try:
            for attempts in range(1, self._job.max_attempts + 1):
                self.attempts = attempts
                self._child.spawn(self._job.workload.program, environment=self._environment, cwd=CHECKOUT)
                await wait_for_exit(self._child)
                if self._child.exit_code == 0:
                    return True
                if attempts < self._job.max_attempts:
                    await asyncio.sleep(self._backoff(attempts) / self._pace)
            return False
        finally:
            self._child.kill_group()

    def _backoff(self, attempts: int) -> float:
        doublings = attempts - 2 if self._job.in_place else attempts - 1
        return _FIRST_BACKOFF * 2**doublings if doublings >= 0 else 0.0
