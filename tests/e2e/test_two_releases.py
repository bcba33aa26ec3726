"""Two releases share one database and queue, as in a rollout: the older code runs on the newer schema."""

from __future__ import annotations

import io
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
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
VERSIONS = "services/jobs/migrations/versions"


ADDITIVE_REVISION = """
from alembic import op

revision = "{number}"
down_revision = "{before}"
branch_labels = depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE warmup_jobs ADD COLUMN added_by_newer_release INTEGER")
    op.execute("CREATE TABLE added_by_newer_release (id BIGINT PRIMARY KEY)")


def downgrade() -> None:
    op.execute("DROP TABLE added_by_newer_release")
    op.execute("ALTER TABLE warmup_jobs DROP COLUMN added_by_newer_release")
"""


@dataclass(frozen=True)
class Releases:
    """Folders with the code of two consecutive releases; one is this checkout."""

    older: Path
    newer: Path


@pytest.fixture(params=["next", "previous"])
def releases(request: pytest.FixtureRequest, tmp_path: Path) -> Releases:
    """This checkout and a copy with one more revision, or the code before its newest revision and this checkout."""
    if request.param == "next":
        return Releases(older=CHECKOUT, newer=_with_additive_revision(tmp_path))
    if commands.head() == commands.base():
        pytest.skip("there is no revision before the newest")
    return Releases(older=_before_newest_revision(tmp_path), newer=CHECKOUT)


@pytest.fixture
def start_jobs() -> Iterator[Callable[[str, Path, dict[str, str]], str]]:
    """Starts jobs with the code in a folder. Returns its address once it is ready."""
    children = []

    def start(name: str, code: Path, environment: dict[str, str]) -> str:
        child = Child(name)
        children.append(child)
        address = f"{LOOPBACK}:{free_port()}"
        child.spawn(
            [sys.executable, "-m", "services.jobs"],
            environment=_for_code(code, environment, JOBS_LISTEN=address),
            cwd=code,
        )
        wait_until(lambda: grpc_ready(address), 60, f"{name} is ready")
        return address

    yield start
    for child in children:
        child.kill_group()
        # pytest shows it only when the test fails.
        print(f"--- {child.tail(40)}")


@pytest.mark.slow
def test_old_and_new_jobs_run_one_queue_together(
    start_product: StartProduct, call: Call, releases: Releases, start_jobs: Callable[[str, Path, dict[str, str]], str]
) -> None:
    product = start_product(DISPATCHER_ENABLED="false")
    caller = call(product)
    for term in TERMS:
        caller.ingest(export("amazon", term))
        caller.premium(f"amazon-vs-{term}")
    schema = _run(releases.newer, product.environment, "migrate")
    assert schema == f"schema is at {_head(releases.newer)}\n"
    assert _head(releases.newer) > _head(releases.older)
    older = start_jobs("jobs of the older release", releases.older, product.environment)
    newer = start_jobs("jobs of the newer release", releases.newer, product.environment)

    assert _run_two(product, older) == 2, "the older code runs jobs on the newer schema"
    assert _run_two(product, newer) == 2
    assert [(row["status"], row["attempts"]) for row in caller.rows()] == [("ready", 1)] * len(TERMS)
    for term in TERMS:
        assert caller.premium(f"amazon-vs-{term}")["warmupStatus"] == "ready"


def _with_additive_revision(folder: Path) -> Path:
    """Copies this code and adds a revision, which adds a column and a table."""
    shutil.copytree(CHECKOUT / "services", folder / "services", ignore=shutil.ignore_patterns("__pycache__"))
    number = f"{int(commands.head()) + 1:04}"
    revision = ADDITIVE_REVISION.format(number=number, before=commands.head())
    (folder / VERSIONS / f"{number}_added_for_a_test.py").write_text(revision)
    return folder


def _before_newest_revision(folder: Path) -> Path:
    """Extracts the code before the commit that added the newest revision, and generates its stubs."""
    (newest,) = (CHECKOUT / VERSIONS).glob(f"{commands.head()}_*.py")
    added = _git("log", "--diff-filter=A", "--format=%H", "--", f"{VERSIONS}/{newest.name}").decode().split()
    if not added:
        pytest.skip("git's history is missing")
    shown = subprocess.run(
        ["git", "archive", "--format=tar", f"{added[-1]}~1", "services", "protos"],
        cwd=CHECKOUT,
        capture_output=True,
        check=False,
    )
    if shown.returncode != 0:
        pytest.skip("git's history does not contain the earlier code")
    with tarfile.open(fileobj=io.BytesIO(shown.stdout)) as tar:
        tar.extractall(folder)  # our own commit
    stubs = folder / "generated"
    stubs.mkdir()
    protos = [str(path) for path in (folder / "protos").rglob("*.proto")]
    command = [sys.executable, "-m", "grpc_tools.protoc", f"-I{folder / 'protos'}"]
    subprocess.run([*command, f"--python_out={stubs}", f"--grpc_python_out={stubs}", *protos], check=True)
    return folder


def _head(code: Path) -> str:
    """The newest revision in a folder with code."""
    return max(path.name for path in (code / VERSIONS).glob("[0-9]*.py"))[:4]


def _for_code(code: Path, environment: dict[str, str], **changes: str) -> dict[str, str]:
    """The environment that imports that code, and its own stubs if it has some."""
    return environment | {"PYTHONPATH": f"{code}:{code / 'generated'}"} | changes


def _run(code: Path, environment: dict[str, str], *command: str) -> str:
    """Runs a command of that code and returns its output."""
    run = subprocess.run(
        [sys.executable, "-m", "services.cli", *command],
        env=_for_code(code, environment),
        cwd=code,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    return run.stdout


def _run_two(product: Product, jobs: str) -> int:
    """Runs two queued jobs on that server. Returns the number that became ready."""
    shown = _run(CHECKOUT, product.environment | {"JOBS_ADDR": jobs}, "run-warmup", "--max", "2")
    return shown.count(" ready ")


def _git(*arguments: str) -> bytes:
    return subprocess.run(["git", *arguments], cwd=CHECKOUT, capture_output=True, check=False).stdout
