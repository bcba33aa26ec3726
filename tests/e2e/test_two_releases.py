"""The code from before the newest schema revision and today's share one database and one queue, as in a rollout."""

from __future__ import annotations

import io
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from devstack.processes.child import Child
from devstack.readiness import grpc_ready
from devstack.settings import CHECKOUT
from devstack.stores.ports import LOOPBACK, free_port
from services.jobs.migrator import commands
from tests.e2e.calls import export
from tests.e2e.conftest import Call, Product, StartProduct
from tests.waiting import wait_until

TERMS = ("costco", "target", "walmart", "ikea")


@pytest.fixture
def release_before(tmp_path: Path) -> Path:
    """A folder with the code of the commit before the newest revision came in, and its stubs."""
    versions = "services/jobs/migrations/versions"
    (newest,) = (CHECKOUT / versions).glob(f"{commands.head()}_*.py")
    added = _git("log", "--diff-filter=A", "--format=%H", "--", f"{versions}/{newest.name}").decode().split()
    if not added:
        pytest.skip("without git's history there is no earlier code")
    shown = subprocess.run(
        ["git", "archive", "--format=tar", f"{added[-1]}~1", "services", "protos"],
        cwd=CHECKOUT,
        capture_output=True,
        check=False,
    )
    if shown.returncode != 0:
        pytest.skip("git's history does not reach back to the code before")
    with tarfile.open(fileobj=io.BytesIO(shown.stdout)) as tar:
        tar.extractall(tmp_path)  # our own commit
    stubs = tmp_path / "generated"
    stubs.mkdir()
    protos = [str(path) for path in (tmp_path / "protos").rglob("*.proto")]
    command = [sys.executable, "-m", "grpc_tools.protoc", f"-I{tmp_path / 'protos'}"]
    subprocess.run([*command, f"--python_out={stubs}", f"--grpc_python_out={stubs}", *protos], check=True)
    assert not list((tmp_path / versions).glob(newest.name)), "that is the code before"
    return tmp_path


@pytest.fixture
def old_jobs() -> Iterator[Child]:
    child = Child("jobs of the release before")
    yield child
    child.kill_group()
    # pytest shows it when the test fails, and only then.
    print(child.tail(40))


def test_old_and_new_jobs_run_one_queue_together(
    start_product: StartProduct, call: Call, release_before: Path, old_jobs: Child
) -> None:
    product = start_product(DISPATCHER_ENABLED="false")
    caller = call(product)
    for term in TERMS:
        caller.ingest(export("amazon", term))
        caller.premium(f"amazon-vs-{term}")
    old = f"{LOOPBACK}:{free_port()}"
    paths = f"{release_before}:{release_before / 'generated'}"
    environment = product.environment | {"JOBS_LISTEN": old, "PYTHONPATH": paths}
    old_jobs.spawn([sys.executable, "-m", "services.jobs"], environment=environment, cwd=release_before)
    wait_until(lambda: grpc_ready(old), 60, "the old code takes the newer schema for its own")

    assert _run_two(product, old) == 2, "the old code runs what the new one enqueued"
    assert _run_two(product, product.environment["JOBS_ADDR"]) == 2
    assert [(row["status"], row["attempts"]) for row in caller.rows()] == [("ready", 1)] * len(TERMS)
    for term in TERMS:
        assert caller.premium(f"amazon-vs-{term}")["warmupStatus"] == "ready"


def _run_two(product: Product, jobs: str) -> int:
    run = subprocess.run(
        [sys.executable, "-m", "services.cli", "run-warmup", "--max", "2"],
        env=product.environment | {"JOBS_ADDR": jobs},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    return run.stdout.count(" ready ")


def _git(*words: str) -> bytes:
    return subprocess.run(["git", *words], cwd=CHECKOUT, capture_output=True, check=False).stdout
