"""One namespace on this machine: stores, and the Deployments, Jobs and CronJobs of one rendered overlay."""

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
from rehearsal.pod import Pod
from rehearsal.port_mappings import PortMapping, local_environment, resolve_services

# Prefixes of variables that programs need. This machine's WARMUP_SECRET and API_KEYS must not reach a rehearsal.
_MACHINE = ("PATH", "HOME", "TMPDIR", "LANG", "LC_", "LD_", "OPENBLAS_", "OMP_", "PYTHON")


class Cluster:
    """`pace` is the factor by which waits (probes, minReadySeconds, preStop) are shorter than in a cluster."""

    def __init__(self, manifests: tuple[Manifest, ...], folder: Path, *, pace: float = 1) -> None:
        """Keeps the stores' data in `folder`. Raises DevstackError for manifests that cannot be rehearsed."""
        self.manifests = manifests
        self.pace = pace
        self.secret = secrets.token_hex(16)
        self.postgres, self.valkey = Postgres(folder / "postgres"), Valkey(folder / "valkey")
        self.deployments: dict[str, Deployment] = {}
        self.pods: list[Pod] = []  # all pods of the rehearsal, running and ended
        self.runs: list[Run] = []
        self._starting: asyncio.Future[list[None]] | None = None

    async def start_stores(self) -> None:
        """Starts PostgreSQL and Valkey in place of the overlay's stores."""
        # Threads cannot be cancelled; `kill` waits for them.
        self._starting = asyncio.gather(*(asyncio.to_thread(store.start) for store in (self.postgres, self.valkey)))
        await asyncio.shield(self._starting)
        for name, manifest in of_kind(self.manifests, "Deployment").items():
            workload = Workload.read(manifest["spec"]["template"], self.sources())
            self.deployments[name] = Deployment(manifest, workload, self._replicas(manifest), self._make_pod)

    def sources(self) -> Sources:
        """The ConfigMaps and Secrets, as they are now."""
        maps = {name: each["data"] for name, each in of_kind(self.manifests, "ConfigMap").items()}
        secret = {"warmup-secret": self.secret, "database-url": self.postgres.url, "redis-url": self.valkey.url}
        return Sources(maps, {"warmcast": secret})

    def configure(self, **variables: str) -> None:
        """Changes the ConfigMap; `roll_out` applies it."""
        changed = copy.deepcopy(self.manifests)
        (config,) = of_kind(changed, "ConfigMap").values()
        config["data"] |= variables
        self.manifests = changed

    def deploy(self) -> None:
        """Starts the Deployments; returns at once."""
        for deployment in self.deployments.values():
            deployment.start()

    async def roll_out(self) -> None:
        """Rolls all Deployments out in parallel, as `kubectl apply` does."""
        manifests = of_kind(self.manifests, "Deployment")
        async with asyncio.TaskGroup() as rolls:
            for name, deployment in self.deployments.items():
                workload = Workload.read(manifests[name]["spec"]["template"], self.sources())
                rolls.create_task(deployment.roll_out(workload))

    def run_of(self, job: Job) -> Run:
        """A run of the job that has not started."""
        run = Run(job, self.environment(job.workload, PortMapping({})), pace=self.pace)
        self.runs.append(run)
        return run

    def migration(self) -> Job:
        """The migration Job of a release."""
        (job,) = of_kind(self.manifests, "Job").values()
        return Job.read(job["spec"], self.sources())

    def schedules(self) -> dict[str, CronJob]:
        """The CronJobs, by name."""
        return {name: CronJob.read(each, self.sources()) for name, each in of_kind(self.manifests, "CronJob").items()}

    def endpoints(self, name: str, port: str) -> list[str]:
        """host:port of each pod in the Service's endpoints."""
        return [
            f"{LOOPBACK}:{pod.mapping.ports[pod.workload.ports[port]]}"
            for pod in (*self.deployments[name].pods, *self.deployments[name].terminating)
            if pod.in_endpoints
        ]

    async def stop(self) -> None:
        """Deletes all pods; the stores keep running."""
        await asyncio.gather(*(deployment.stop() for deployment in self.deployments.values()))

    async def kill(self) -> None:
        """Ends all processes, in any state."""
        if self._starting:
            await asyncio.gather(self._starting, return_exceptions=True)
        await asyncio.gather(*(pod.kill() for pod in self.pods))
        for run in self.runs:
            run.kill()
        for store in (self.valkey, self.postgres):
            await asyncio.to_thread(store.stop)

    def _make_pod(self, name: str, workload: Workload, mapping: PortMapping) -> Pod:
        pod = Pod(name, workload, mapping, self.environment(workload, mapping), pace=self.pace)
        self.pods.append(pod)
        return pod

    def environment(self, workload: Workload, mapping: PortMapping) -> dict[str, str]:
        """The whole environment of its process."""
        machine = {name: value for name, value in inherited().items() if name.startswith(_MACHINE)}
        return {**machine, "PYTHONUNBUFFERED": "1", **self.local_environment(workload, mapping)}

    def local_environment(self, workload: Workload, mapping: PortMapping) -> dict[str, str]:
        """The manifest's environment with local ports and addresses."""
        workloads = {name: deployment.workload for name, deployment in self.deployments.items()}
        mappings = {name: deployment.mappings for name, deployment in self.deployments.items()}
        names = resolve_services(of_kind(self.manifests, "Service").values(), workloads, mappings)
        return local_environment(workload, mapping, names)

    def _replicas(self, manifest: Manifest) -> int:
        """The Deployment's replicas, or the minimum of its HorizontalPodAutoscaler."""
        for scaler in of_kind(self.manifests, "HorizontalPodAutoscaler").values():
            if scaler["spec"]["scaleTargetRef"]["name"] == manifest["metadata"]["name"]:
                return int(scaler["spec"]["minReplicas"])
        replicas = int(manifest["spec"].get("replicas", 1))
        if replicas < 1:
            raise DevstackError(f"{manifest['metadata']['name']}: has no replicas")
        return replicas
