"""A Deployment: its pods, and its rolling update."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable
from functools import partial

from devstack.processes.child import DevstackError
from rehearsal.manifests import Manifest, Workload
from rehearsal.pod import Pod
from rehearsal.port_mappings import PortMapping
from rehearsal.waiting import wait_until

MakePod = Callable[[str, Workload, PortMapping], Pod]


class Deployment:
    """Updates with maxSurge 1 and maxUnavailable 0, as the manifests say."""

    def __init__(self, manifest: Manifest, workload: Workload, replicas: int, make_pod: MakePod) -> None:
        """Raises DevstackError for another update strategy."""
        self.name: str = manifest["metadata"]["name"]
        if manifest["spec"]["strategy"].get("rollingUpdate") != {"maxUnavailable": 0, "maxSurge": 1}:
            raise DevstackError(f"{self.name}: only maxUnavailable 0 and maxSurge 1 are supported")
        self.replicas = replicas
        self.workload = workload
        self.min_ready: float = manifest["spec"].get("minReadySeconds", 0)
        # Each pod may have a successor while it terminates, and one more is the surge.
        self.mappings = [PortMapping.free(workload) for _ in range(2 * replicas + 1)]
        self.pods: list[Pod] = []
        self.terminating: list[Pod] = []
        self.terminated: list[tuple[Pod, float]] = []  # with the seconds that each took
        self._make_pod = make_pod
        self._numbers = itertools.count(1)

    def start(self) -> None:
        """Starts all pods and returns at once."""
        for _ in range(self.replicas):
            self._start_one()

    async def roll_out(self, workload: Workload) -> None:
        """Replaces all pods by pods of that revision. Returns once the last old pod has ended."""
        self.workload = workload
        async with asyncio.TaskGroup() as ends:
            for old in list(self.pods):
                new = self._start_one()
                await wait_until(partial(new.available, self.min_ready))
                ends.create_task(self._remove(old))

    async def stop(self) -> None:
        """Deletes all pods."""
        await asyncio.gather(*(self._remove(pod) for pod in list(self.pods)))

    def _start_one(self) -> Pod:
        in_use = [pod.mapping for pod in (*self.pods, *self.terminating)]
        mapping = next(mapping for mapping in self.mappings if mapping not in in_use)
        pod = self._make_pod(f"{self.name}-{next(self._numbers)}", self.workload, mapping)
        self.pods.append(pod)
        pod.start()
        return pod

    async def _remove(self, pod: Pod) -> None:
        self.pods.remove(pod)
        self.terminating.append(pod)
        self.terminated.append((pod, await pod.stop()))
        self.terminating.remove(pod)
