"""A Deployment: so many pods of one revision, and the way from one revision to the next."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable
from functools import partial

from devstack.processes.child import DevstackError
from rehearsal.manifests import Manifest, Workload
from rehearsal.places import Place
from rehearsal.pod import Pod
from rehearsal.waiting import holds

MakePod = Callable[[str, Workload, Place], Pod]


class Deployment:
    """Rolls as the manifests say: one more, and none less, than there should be."""

    def __init__(self, manifest: Manifest, workload: Workload, replicas: int, make_pod: MakePod) -> None:
        """Raises DevstackError for another way to roll."""
        self.name: str = manifest["metadata"]["name"]
        if manifest["spec"]["strategy"].get("rollingUpdate") != {"maxUnavailable": 0, "maxSurge": 1}:
            raise DevstackError(f"{self.name}: another way to roll than one more and none less is not rehearsed")
        self.replicas = replicas
        self.workload = workload
        self.min_ready: float = manifest["spec"].get("minReadySeconds", 0)
        # Each may have a successor while it still leaves, and one more surges.
        self.places = [Place.free(workload) for _ in range(2 * replicas + 1)]
        self.pods: list[Pod] = []
        self.leaving: list[Pod] = []
        self.rolled: list[tuple[Pod, float]] = []  # what has left, and its seconds
        self._make_pod = make_pod
        self._numbers = itertools.count(1)

    def start(self) -> None:
        """Starts all of its pods; returns at once."""
        for _ in range(self.replicas):
            self._start_one()

    async def roll_out(self, workload: Workload) -> None:
        """Puts pods of that revision in the place of those that there are; returns once the last one has left."""
        self.workload = workload
        async with asyncio.TaskGroup() as ends:
            for old in list(self.pods):
                new = self._start_one()
                await holds(partial(new.available, self.min_ready))
                ends.create_task(self._remove(old))

    async def stop(self) -> None:
        """Deletes all of its pods."""
        await asyncio.gather(*(self._remove(pod) for pod in list(self.pods)))

    def _start_one(self) -> Pod:
        taken = [pod.place for pod in (*self.pods, *self.leaving)]
        place = next(place for place in self.places if place not in taken)
        pod = self._make_pod(f"{self.name}-{next(self._numbers)}", self.workload, place)
        self.pods.append(pod)
        pod.start()
        return pod

    async def _remove(self, pod: Pod) -> None:
        self.pods.remove(pod)
        self.leaving.append(pod)
        self.rolled.append((pod, await pod.stop()))
        self.leaving.remove(pod)
