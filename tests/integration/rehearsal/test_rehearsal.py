"""The short rehearsal, and how its pods and Jobs handle programs that fail in each way."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from devstack.settings import CHECKOUT, inherited
from devstack.stores.ports import free_port
from rehearsal.claims import ClaimFailed, Claims, until
from rehearsal.jobs import Job, Run
from rehearsal.manifests import Sources, Workload
from rehearsal.pod import Pod
from rehearsal.port_mappings import PortMapping
from rehearsal.probes import Probe

PACE = 20.0
# Answers 200 if a file of that name exists; a stubborn one ignores SIGTERM.
PROGRAM = """
import http.server, os, signal, sys
class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if os.path.exists(sys.argv[2] + self.path) else 503)
        self.end_headers()
    def log_message(self, *_): pass
signal.signal(signal.SIGTERM, signal.SIG_IGN if 'stubborn' in sys.argv else lambda *_: os._exit(0))
http.server.HTTPServer(('127.0.0.1', int(sys.argv[1])), Answer).serve_forever()
"""
# Fails that many times: each run appends a line to a file.
COUNTED = """
import sys
with open(sys.argv[1], 'a+') as runs:
    runs.write('run\\n')
    runs.seek(0)
    sys.exit(len(runs.readlines()) <= int(sys.argv[2]))
"""


@pytest.mark.slow
def test_all_claims_of_the_short_rehearsal_hold() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "rehearsal", "--short"],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    print(done.stdout)
    assert done.returncode == 0, done.stderr


def test_an_overlay_that_does_not_build_ends_with_status_1() -> None:
    command = [sys.executable, "-m", "rehearsal", "--overlay", "nowhere"]
    done = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("FAILED  kubectl kustomize")


def test_without_podman_its_rehearsal_is_skipped_with_a_message() -> None:
    command = [sys.executable, "-m", "rehearsal.podman"]
    done = subprocess.run(command, cwd=CHECKOUT, env={"PATH": ""}, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "skipped: podman is not installed\n"), done.stderr


async def test_a_pod_is_ready_while_its_readiness_probe_passes(tmp_path: Path) -> None:
    async with running(tmp_path, "alive", "ready") as pod:
        await until(lambda: pod.ready, 20, "it is ready")
        (tmp_path / "ready").unlink()
        await until(lambda: not pod.ready, 20, "it is not")
        assert not pod.in_endpoints
        assert (pod.started, pod.restarts) == (True, 0)


async def test_a_killed_pod_is_restarted(tmp_path: Path) -> None:
    async with running(tmp_path, "alive", "ready") as pod:
        await until(lambda: pod.ready, 20, "it is ready")
        pod.send(signal.SIGKILL)
        await until(lambda: pod.restarts == 1, 20, "it is restarted")
        await until(lambda: pod.ready, 20, "it is ready again")


async def test_a_pod_whose_liveness_probe_fails_is_restarted(tmp_path: Path) -> None:
    async with running(tmp_path, "alive", "ready") as pod:
        await until(lambda: pod.ready, 20, "it is ready")
        (tmp_path / "alive").unlink()
        await until(lambda: pod.restarts == 1, 20, "it is restarted")


@pytest.mark.slow
async def test_a_frozen_pod_has_only_the_grace_period_of_its_liveness_probe(tmp_path: Path) -> None:
    async with running(tmp_path, "alive", "ready", grace=60) as pod:
        await until(lambda: pod.ready, 20, "it is ready")
        pod.send(signal.SIGSTOP)
        await until(lambda: pod.restarts == 1, 20, "it is restarted")


async def test_pre_stop_also_runs_after_a_failed_liveness_probe(tmp_path: Path) -> None:
    async with running(tmp_path, "alive", "ready", pre_stop=40) as pod:
        await until(lambda: pod.ready, 20, "it is ready")
        (tmp_path / "alive").unlink()
        await until(lambda: not pod.ready, 20, "its liveness probe has failed")
        begun = time.monotonic()
        await until(lambda: pod.restarts == 1, 20, "it is restarted")
        assert time.monotonic() - begun > 30 / PACE


@pytest.mark.slow
async def test_a_pod_that_never_passes_its_startup_probe_is_restarted(tmp_path: Path) -> None:
    async with running(tmp_path) as pod:
        await until(lambda: pod.restarts == 1, 20, "it is restarted")
        assert not pod.started


async def test_a_deleted_pod_leaves_the_endpoints_before_it_ends(tmp_path: Path) -> None:
    async with running(tmp_path, "alive", "ready", pre_stop=20) as pod:
        await until(lambda: pod.ready, 20, "it is ready")
        stopping = asyncio.create_task(pod.stop())
        await until(lambda: not pod.in_endpoints, 20, "it is not in the endpoints")
        assert pod.exit_code is None
        await stopping
        assert pod.exit_code == 0


async def test_a_pod_that_ignores_sigterm_is_killed_after_its_grace_period(tmp_path: Path) -> None:
    async with running(tmp_path, "alive", "ready", how="stubborn") as pod:
        await until(lambda: pod.ready, 20, "it is ready")
        assert await pod.stop() >= pod.workload.grace
        assert pod.exit_code == -signal.SIGKILL


@pytest.mark.parametrize(
    ("program", "deadline", "succeeds", "attempts"),
    [("pass", 30, True, 1), ("raise SystemExit(1)", 30, False, 2), ("import time; time.sleep(60)", 1, False, 1)],
)
async def test_a_job_has_a_limit_of_attempts_and_a_deadline(
    program: str, deadline: int, succeeds: bool, attempts: int
) -> None:
    job = Job(workload(sys.executable, "-c", program), max_attempts=2, deadline=deadline)
    run = Run(job, inherited(), pace=PACE)
    assert await run.execute() is succeeds
    assert run.attempts == attempts


@pytest.mark.parametrize(("fails", "succeeds", "attempts"), [(0, True, 1), (2, True, 3), (3, False, 3)])
async def test_a_job_that_is_restarted_in_its_pod_has_as_many_attempts_as_its_limit(
    tmp_path: Path, fails: int, succeeds: bool, attempts: int
) -> None:
    spec = {
        "backoffLimit": 3,
        "activeDeadlineSeconds": 60,
        "template": {
            "metadata": {"labels": {"app.kubernetes.io/name": "made-up"}},
            "spec": {
                "restartPolicy": "OnFailure",
                "containers": [{"command": [sys.executable, "-c", COUNTED, str(tmp_path / "runs"), str(fails)]}],
            },
        },
    }
    run = Run(Job.read(spec, Sources({}, {})), inherited(), pace=PACE)
    assert await run.execute() is succeeds
    assert run.attempts == attempts


async def test_a_job_that_is_killed_is_restarted_in_its_pod_at_once() -> None:
    job = Job(workload(sys.executable, "-c", "import time; time.sleep(60)"), max_attempts=3, deadline=60, in_place=True)
    run = Run(job, inherited())  # at a cluster's pace, where the first back-off of a new pod is 10 s
    ending = asyncio.create_task(run.execute())
    await until(lambda: run.pid > 0, 20, "it runs")
    run.kill()
    await until(lambda: run.attempts == 2, 5, "it is restarted")
    ending.cancel()
    await asyncio.gather(ending, return_exceptions=True)


async def test_a_failed_claim_is_named() -> None:
    lines: list[str] = []
    claims = Claims(lines.append)
    with claims.claim("one"):
        claims.note("seen")
    with pytest.raises(ClaimFailed, match=r"two: not within 0\.1 s: it is true"), claims.claim("two"):
        await until(lambda: False, 0.1, "it is true")
    assert [line.partition(" (")[0] for line in lines] == ["ok  one: seen"]


@asynccontextmanager
async def running(
    folder: Path, *answers: str, pre_stop: float = 0, how: str = "willing", grace: float = 2
) -> AsyncIterator[Pod]:
    """Runs a pod whose liveness probe leaves 2 seconds after preStop, whatever its `grace`."""
    for answer in answers:
        (folder / answer).touch()
    port = free_port()
    program = (sys.executable, "-c", PROGRAM, str(port), str(folder), how)
    probe: Callable[..., Probe] = lambda path, failures, grace=None: Probe(1, 1, failures, 80, path, grace=grace)  # noqa: E731
    probes = {
        "startupProbe": probe("/alive", 5),
        "livenessProbe": probe("/alive", 3, 2 + pre_stop),
        "readinessProbe": probe("/ready", 2),
    }
    pod_workload = workload(*program, probes=probes, pre_stop=pre_stop, grace=grace)
    pod = Pod("pod", pod_workload, PortMapping({80: port}), inherited(), pace=PACE)
    pod.start()
    try:
        yield pod
    finally:
        await pod.kill()


def workload(*program: str, probes: dict[str, Probe] | None = None, pre_stop: float = 0, grace: float = 2) -> Workload:
    return Workload("made-up", program, {}, {"http": 80}, probes or {}, pre_stop, grace=pre_stop + grace)
