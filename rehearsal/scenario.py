"""The rehearsal's steps: install, warm, lose pods, roll out, run schedules, stop. Each step checks claims."""

from __future__ import annotations

import asyncio
import os
import signal
from datetime import UTC, datetime

import psycopg

from rehearsal.claims import Claims, require, until
from rehearsal.client import Client, slug_of
from rehearsal.cluster import Cluster
from rehearsal.cron import run_schedules
from rehearsal.pod import Pod

_TIMEOUT = 90.0  # seconds; an idle machine needs a few
_TERMS = ("costco", "target", "walmart", "ikea", "aldi", "lidl")
_COLD = "ebay"
_HOUR = datetime(2026, 1, 5, 3, tzinfo=UTC)  # the hour in which retention is scheduled


class Scenario:
    """Runs all steps on one cluster."""

    def __init__(self, cluster: Cluster, claims: Claims) -> None:
        self._cluster = cluster
        self._claims = claims
        self._client = Client(cluster.secret, lambda: cluster.endpoints("gateway", "http"))

    async def run(self, *, short: bool) -> None:
        """`short` skips slow steps and those that other tests cover. Raises ClaimFailed for the first failed claim."""
        await self._install()
        await self._warm()
        if not short:
            await self._lose_pods()
            await self._freeze_pod()
        await self._roll_out()
        await self._run_schedules(first=14 if short else 0, last=18 if short else 20, minute=1.0 if short else 2.0)
        if not short:
            await self._repeat_schedules()
        await self._stop()

    async def _install(self) -> None:
        cluster = self._cluster
        with self._claims.claim("services start without a schema, and jobs is not ready"):
            cluster.deploy()
            (jobs,) = self._pods("jobs")[:1]
            await until(lambda: all(pod.started for pod in self._pods()), _TIMEOUT, "all are alive")
            await until(lambda: jobs.readiness_probes >= 2, _TIMEOUT, "its readiness probe ran")
            require(not jobs.ready, "it was ready before the migration")
        with self._claims.claim("the migration completes"):
            run = cluster.run_of(cluster.migration())
            require(await run.execute(), f"it failed:\n{run.tail()}")
            require(run.attempts == 1, f"it took {run.attempts} attempts")
        with self._claims.claim("every service becomes ready without a restart"):
            await until(self._all_ready, _TIMEOUT, "all are ready")
            require(self._restarts() == 0, f"{self._restarts()} restarts")

    async def _warm(self) -> None:
        with self._claims.claim("the first call of a comparison queues it, and it becomes ready soon"):
            await self._client.ingest(_COLD)
            first = await self._client.premium(_COLD)
            require(first["warmupStatus"] == "queued", f"it was {first['warmupStatus']}")
            await self._ready(_COLD)
            require((await self._client.premium(_COLD))["forecastAvailable"], "no forecast is available")

    async def _lose_pods(self) -> None:
        with self._claims.claim("pods killed while jobs run are restarted, and no job is lost or run twice"):
            for term in _TERMS:
                await self._client.ingest(term)
                await self._client.premium(term)
            for name in ("forecaster", "jobs", "gateway"):
                (pod,) = self._pods(name)[:1]
                pod.send(signal.SIGKILL)
                await until(lambda pod=pod: pod.restarts == 1, _TIMEOUT, f"{name} is restarted")  # type: ignore[misc]
            await until(self._all_ready, _TIMEOUT, "all are ready again")
            for term in _TERMS:
                await self._ready(term)
            self._require_rows({slug_of(term) for term in (_COLD, *_TERMS)})

    async def _freeze_pod(self) -> None:
        with self._claims.claim("a frozen pod is removed from its Service and restarted by its liveness probe"):
            (pod,) = self._pods("gateway")[:1]
            restarts, pid = pod.restarts, pod.pid
            pod.send(signal.SIGSTOP)
            await until(lambda: not pod.ready, _TIMEOUT, "it is not ready")
            await until(lambda: pod.restarts > restarts, 2 * _TIMEOUT, "it is restarted")
            await until(self._all_ready, _TIMEOUT, "it is ready again")
            require(pod.pid != pid, "it is the same process")

    async def _roll_out(self) -> None:
        with self._claims.claim("a new revision of all services rolls out under load, and no request fails"):
            before = list(self._pods())
            async with self._client.load(_COLD) as load:
                await until(lambda: load.done > 100, _TIMEOUT, "there is load")
                # The ConfigMap's hash replaces every pod. The next claim needs this setting.
                self._cluster.configure(DISPATCHER_ENABLED="false")
                await self._cluster.roll_out()
                rolled = load.done
                await until(lambda: load.done > rolled + 100, _TIMEOUT, "the new pods answer")
            require(not load.failures, f"of {load.done}: {dict(load.failures)}")
            require(not set(before) & set(self._pods()), "an old pod is still there")
            self._require_orderly_ends(before)
            self._claims.note(f"{load.done} requests")

    async def _run_schedules(self, *, first: int, last: int, minute: float) -> None:
        schedules = self._cluster.schedules()
        start, end = _HOUR.replace(minute=first), _HOUR.replace(minute=last)
        with self._claims.claim(f"schedules run from {start:%H:%M} to {end:%H:%M}, and run-warmup alone warms"):
            cold = "by schedule"
            await self._client.ingest(cold)
            require((await self._client.premium(cold))["warmupStatus"] == "queued", "it is not queued")
            await run_schedules(schedules.values(), start, end, self._cluster.run_of, minute=minute)
            for name, schedule in schedules.items():
                require(bool(schedule.started), f"{name} was never due")
                failed = [run for run in schedule.runs if not run.succeeded]
                require(not failed, f"{name} failed:\n{failed[0].tail() if failed else ''}")
                self._claims.note(f"{name} {len(schedule.started)} runs, {len(schedule.missed)} missed")
            await self._ready(cold)

    async def _repeat_schedules(self) -> None:
        for name, schedule in self._cluster.schedules().items():
            with self._claims.claim(f"{name} is safe if killed midway, started twice at once, and repeated"):
                waiting = [f"{name} {number}" for number in range(3)]
                for term in waiting:
                    await self._client.ingest(term)
                    await self._client.premium(term)
                interrupted = self._cluster.run_of(schedule.job)
                ending = asyncio.create_task(interrupted.execute())
                started = {slug_of(f"{name}-{number}") for number in range(3)}
                await until(lambda interrupted=interrupted: interrupted.pid > 0, _TIMEOUT, "it runs")  # type: ignore[misc]
                if name == "run-warmup":
                    await until(lambda started=started: self._any_started(started), _TIMEOUT, "it has started a job")  # type: ignore[misc]
                interrupted.kill()
                require(await ending, f"it was not restarted after the kill:\n{interrupted.tail()}")
                require(
                    interrupted.attempts == 2,
                    f"it took {interrupted.attempts} attempts; 1 means that it ended before it was killed",
                )
                both = [self._cluster.run_of(schedule.job) for _ in range(2)]
                require(all(await asyncio.gather(*(run.execute() for run in both))), f"at once:\n{both[0].tail()}")
                once_more = self._cluster.run_of(schedule.job)
                require(await once_more.execute(), f"once more:\n{once_more.tail()}")
                warming = self._cluster.run_of(self._cluster.schedules()["run-warmup"].job)
                require(await warming.execute(), f"what was queued did not become ready:\n{warming.tail()}")
                for term in waiting:
                    await self._ready(term)
        with self._claims.claim("each job ran once in spite of that"):
            twice = [row for row in self._rows() if row[1:] != ("ready", 1)]
            # A job counts the attempt during which its jobs or forecaster pod was killed.
            require(all(slug in {slug_of(term) for term in _TERMS} for slug, _, _ in twice), f"{twice}")

    async def _stop(self) -> None:
        pods = list(self._pods())
        with self._claims.claim("every pod ends with status 0 within its grace period"):
            await self._cluster.stop()
            self._require_orderly_ends(pods)
        with self._claims.claim("no process is left"):
            pids = {
                pid
                for pid in (*(pod.pid for pod in self._cluster.pods), *(run.pid for run in self._cluster.runs))
                if pid
            }
            # A process that has ended is listed until its parent, or init, has reaped it.
            await until(lambda: not any(map(_group_is_there, pids)), 10, "all process groups are gone")

    def _pods(self, *names: str) -> list[Pod]:
        deployments = self._cluster.deployments
        return [pod for name in names or deployments for pod in deployments[name].pods]

    def _all_ready(self) -> bool:
        return all(pod.ready for pod in self._pods())

    def _restarts(self) -> int:
        return sum(pod.restarts for pod in self._pods())

    def _any_started(self, slugs: set[str]) -> bool:
        return any(status != "queued" for slug, status, _ in self._rows() if slug in slugs)

    async def _ready(self, term: str) -> None:
        async def is_ready() -> bool:
            return await self._client.status(term) == "ready"

        await until(is_ready, _TIMEOUT, f"{slug_of(term)} is ready")

    def _rows(self) -> list[tuple[str, str, int]]:
        """Slug, status and attempts of each job in the queue, by age."""
        with psycopg.connect(self._cluster.postgres.url) as connection:
            return connection.execute("SELECT slug, status, attempts FROM warmup_jobs ORDER BY id").fetchall()

    def _require_rows(self, slugs: set[str]) -> None:
        rows = self._rows()
        require(sorted(slug for slug, _, _ in rows) == sorted(slugs), f"the queue holds {rows}")
        require(all(status == "ready" for _, status, _ in rows), f"the queue holds {rows}")

    def _require_orderly_ends(self, pods: list[Pod]) -> None:
        took = {
            pod: seconds
            for deployment in self._cluster.deployments.values()
            for pod, seconds in deployment.terminated
            if pod in pods
        }
        require(len(took) == len(pods), "a pod has not ended")
        for pod, seconds in took.items():
            require(pod.exit_code == 0, f"{pod.name} ended with {pod.exit_code}:\n{pod.tail()}")
            require(seconds < pod.workload.grace, f"{pod.name} took {seconds:.0f} s")
        self._claims.note(f"the slowest took {max(took.values()):.1f} s")


def _group_is_there(pid: int) -> bool:
    try:
        os.killpg(pid, 0)
    except ProcessLookupError:
        return False
    return True
