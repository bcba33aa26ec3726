"""One namespace on this machine: stores, Deployments, Jobs and schedules from one rendered overlay."""

from __future__ import annotations

import asyncio
import copy
import secrets
from pathlib import Path

from devstack.processes.child import DevstackError
from devstack.settings import inherited
from devstack.stores.ports import LOOPBACK
from devstack.stores.postgres import Postgres
from devstack.stores.valkey import Valkey
from rehearsal.cron import CronJob
from rehearsal.deployment import Deployment
from rehearsal.jobs import Job, Run
from rehearsal.manifests import Manifest, Sources, Workload, of_kind
from rehearsal.places import Place, names_of, settled
from rehearsal.pod import Pod

# What programs need of this machine's environment. Its WARMUP_SECRET and API_KEYS must not reach a rehearsal.
_MACHINE = ("PATH", "HOME", "TMPDIR", "LANG", "LC_", "LD_", "OPENBLAS_", "OMP_", "PYTHON")


class Cluster:
    """`pace` is how many times faster than in a cluster steady waits go by: probes, minReadySeconds, preStop."""

    def __init__(self, manifests: tuple[Manifest, ...], folder: Path, *, pace: float = 1) -> None:
        """Keeps the stores' data in `folder`. Raises DevstackError for manifests that cannot be rehearsed."""
        self.manifests = manifests
        self.pace = pace
        self.secret = secrets.token_hex(16)
        self.postgres, self.valkey = Postgres(folder / "postgres"), Valkey(folder / "valkey")
        self.deployments: dict[str, Deployment] = {}
        self.pods: list[Pod] = []  # all that there ever were
        self.runs: list[Run] = []
        self._starting: asyncio.Future[list[None]] | None = None

    async def start_stores(self) -> None:
        """PostgreSQL and Valkey instead of the overlay's, and the Secret that its comment requires."""
        # Threads cannot be cancelled; `kill` waits for them.
        self._starting = asyncio.gather(*(asyncio.to_thread(store.start) for store in (self.postgres, self.valkey)))
        await asyncio.shield(self._starting)
        for name, manifest in of_kind(self.manifests, "Deployment").items():
            workload = Workload.read(manifest["spec"]["template"], self.sources())
            self.deployments[name] = Deployment(manifest, workload, self._replicas(manifest), self._make_pod)

    def sources(self) -> Sources:
        """What environments refer to, as it is now."""
        maps = {name: each["data"] for name, each in of_kind(self.manifests, "ConfigMap").items()}
        held = {"warmup-secret": self.secret, "database-url": self.postgres.url, "redis-url": self.valkey.url}
        return Sources(maps, {"warmcast": held})

    def configure(self, **variables: str) -> None:
        """Changes the ConfigMap, whose name changes with it; `roll_out` makes it so."""
        changed = copy.deepcopy(self.manifests)
        (config,) = of_kind(changed, "ConfigMap").values()
        config["data"] |= variables
        self.manifests = changed

    def deploy(self) -> None:
        """Starts the Deployments; returns at once."""
        for deployment in self.deployments.values():
            deployment.start()

    async def roll_out(self) -> None:
        """Brings every Deployment to the manifests as they are now, all at once, as `kubectl apply` does."""
        manifests = of_kind(self.manifests, "Deployment")
        async with asyncio.TaskGroup() as rolls:
            for name, deployment in self.deployments.items():
                workload = Workload.read(manifests[name]["spec"]["template"], self.sources())
                rolls.create_task(deployment.roll_out(workload))

    def run_of(self, job: Job) -> Run:
        """A run that is not begun yet."""
        run = Run(job, self.environment(job.workload, Place({})), pace=self.pace)
        self.runs.append(run)
        return run

    def migration(self) -> Job:
        """The Job that is there once a release."""
        (job,) = of_kind(self.manifests, "Job").values()
        return Job.read(job["spec"], self.sources())

    def schedules(self) -> dict[str, CronJob]:
        """The CronJobs, by name."""
        return {name: CronJob.read(each, self.sources()) for name, each in of_kind(self.manifests, "CronJob").items()}

    def endpoints(self, name: str, port: str) -> list[str]:
        """host:port of what a Service finds now."""
        return [
            f"{LOOPBACK}:{pod.place.ports[pod.workload.ports[port]]}"
            for pod in (*self.deployments[name].pods, *self.deployments[name].leaving)
            if pod.found
        ]

    async def stop(self) -> None:
        """Deletes every pod; the stores stay."""
        await asyncio.gather(*(deployment.stop() for deployment in self.deployments.values()))

    async def kill(self) -> None:
        """Leaves nothing, whatever the state."""
        if self._starting:
            await asyncio.gather(self._starting, return_exceptions=True)
        await asyncio.gather(*(pod.kill() for pod in self.pods))
        for run in self.runs:
            run.kill()
        for store in (self.valkey, self.postgres):
            await asyncio.to_thread(store.stop)

    def _make_pod(self, name: str, workload: Workload, place: Place) -> Pod:
        pod = Pod(name, workload, place, self.environment(workload, place), pace=self.pace)
        self.pods.append(pod)
        return pod

    def environment(self, workload: Workload, place: Place) -> dict[str, str]:
        """All that its process gets."""
        machine = {name: value for name, value in inherited().items() if name.startswith(_MACHINE)}
        return {**machine, "PYTHONUNBUFFERED": "1", **self.settled(workload, place)}

    def settled(self, workload: Workload, place: Place) -> dict[str, str]:
        """Its manifest's environment, for that place."""
        workloads = {name: deployment.workload for name, deployment in self.deployments.items()}
        places = {name: deployment.places for name, deployment in self.deployments.items()}
        names = names_of(of_kind(self.manifests, "Service").values(), workloads, places)
        return settled(workload, place, names)

    def _replicas(self, manifest: Manifest) -> int:
        """As many as are said, or as the scaler begins with."""
        for scaler in of_kind(self.manifests, "HorizontalPodAutoscaler").values():
            if scaler["spec"]["scaleTargetRef"]["name"] == manifest["metadata"]["name"]:
                return int(scaler["spec"]["minReplicas"])
        replicas = int(manifest["spec"].get("replicas", 1))
        if replicas < 1:
            raise DevstackError(f"{manifest['metadata']['name']}: there are no replicas")
        return replicas
