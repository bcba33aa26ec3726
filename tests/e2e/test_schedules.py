"""The commands of the rendered CronJobs, repeated, concurrent and killed, with a running product."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.e2e.calls import Caller, export
from tests.e2e.conftest import Call, Product, StartProduct
from tests.unit.deploy.manifests import build, of_kind
from tests.waiting import wait_until

TERMS = ("costco", "target", "walmart", "ikea")


def command(name: str) -> list[str]:
    """The command of the CronJob of that name."""
    job = of_kind(build("overlays/prod"), "CronJob")[name]["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    return [sys.executable, "-m", "services.cli", *job["containers"][0]["args"]]


def start(product: Product, name: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        command(name), env=product.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def run(product: Product, name: str, *, at_once: int = 1) -> None:
    """Runs it `at_once` times in parallel; each must succeed."""
    for process in [start(product, name) for _ in range(at_once)]:
        output, errors = process.communicate(timeout=120)
        assert process.returncode == 0, output + errors


def with_queued_jobs(product: Product, call: Call) -> Caller:
    """Imports comparisons and makes their first calls, so that a job of each is queued."""
    caller = call(product)
    for term in TERMS:
        caller.ingest(export("amazon", term))
        caller.premium(f"amazon-vs-{term}")
    return caller


def test_concurrent_run_warmups_run_each_job_once(start_product: StartProduct, call: Call) -> None:
    product = start_product(DISPATCHER_ENABLED="false")
    caller = with_queued_jobs(product, call)
    run(product, "run-warmup", at_once=3)
    run(product, "run-warmup")
    assert [(row["status"], row["attempts"]) for row in caller.rows()] == [("ready", 1)] * len(TERMS)


def test_a_killed_run_warmup_loses_no_job(start_product: StartProduct, call: Call) -> None:
    product = start_product(DISPATCHER_ENABLED="false")
    caller = with_queued_jobs(product, call)
    process = start(product, "run-warmup")
    wait_until(lambda: any(row["status"] != "queued" for row in caller.rows()), 30, "it has claimed a job")
    process.kill()
    process.communicate()
    run(product, "run-warmup")
    for term in TERMS:
        # The run belongs to jobs, which finishes it after the command was killed.
        caller.until("ready", slug=f"amazon-vs-{term}")
    wait_until(lambda: {row["status"] for row in caller.rows()} == {"ready"}, 30, "all jobs are ready")
    assert [row["attempts"] for row in caller.rows()] == [1] * len(TERMS)


@pytest.mark.slow
def test_repeated_concurrent_and_killed_schedules_change_no_healthy_job(
    start_product: StartProduct, call: Call
) -> None:
    product = start_product(DISPATCHER_ENABLED="false")
    caller = with_queued_jobs(product, call)
    run(product, "run-warmup")
    before = [(row["id"], row["version"]) for row in caller.rows()]
    for name in ("sweep", "refresh", "retention"):
        killed = start(product, name)
        killed.kill()
        killed.communicate()
        run(product, name, at_once=2)
        run(product, name)
    assert [(row["id"], row["version"]) for row in caller.rows()] == before
