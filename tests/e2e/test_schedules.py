"""The CronJobs' own commands, from the rendered manifests, against a running product: twice, at once, killed midway."""

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
    """What the CronJob of that name runs."""
    job = of_kind(build("overlays/prod"), "CronJob")[name]["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    return [sys.executable, "-m", "services.cli", *job["containers"][0]["args"]]


def start(product: Product, name: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        command(name), env=product.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def run(product: Product, name: str, *, at_once: int = 1) -> None:
    """Runs it that many times at once; each must end well."""
    for process in [start(product, name) for _ in range(at_once)]:
        said, wrong = process.communicate(timeout=120)
        assert process.returncode == 0, said + wrong


def warmed(product: Product, call: Call) -> Caller:
    """Some comparisons whose first call has come, and nobody who runs them."""
    caller = call(product)
    for term in TERMS:
        caller.ingest(export("amazon", term))
        caller.premium(f"amazon-vs-{term}")
    return caller


def test_run_warmup_at_once_runs_each_job_once(start_product: StartProduct, call: Call) -> None:
    product = start_product(DISPATCHER_ENABLED="false")
    caller = warmed(product, call)
    run(product, "run-warmup", at_once=3)
    run(product, "run-warmup")
    assert [(row["status"], row["attempts"]) for row in caller.rows()] == [("ready", 1)] * len(TERMS)


def test_run_warmup_killed_midway_loses_nothing(start_product: StartProduct, call: Call) -> None:
    product = start_product(DISPATCHER_ENABLED="false")
    caller = warmed(product, call)
    process = start(product, "run-warmup")
    wait_until(lambda: any(row["status"] != "queued" for row in caller.rows()), 30, "it began")
    process.kill()
    process.communicate()
    run(product, "run-warmup")
    for term in TERMS:
        # What the killed one had begun belongs to jobs, and ends by itself.
        caller.until("ready", slug=f"amazon-vs-{term}")
    wait_until(lambda: {row["status"] for row in caller.rows()} == {"ready"}, 30, "all are settled")
    assert [row["attempts"] for row in caller.rows()] == [1] * len(TERMS)


@pytest.mark.slow
def test_sweep_refresh_and_retention_twice_at_once_and_killed_change_nothing_that_is_well(
    start_product: StartProduct, call: Call
) -> None:
    product = start_product(DISPATCHER_ENABLED="false")
    caller = warmed(product, call)
    run(product, "run-warmup")
    before = [(row["id"], row["version"]) for row in caller.rows()]
    for name in ("sweep", "refresh", "retention"):
        killed = start(product, name)
        killed.kill()
        killed.communicate()
        run(product, name, at_once=2)
        run(product, name)
    assert [(row["id"], row["version"]) for row in caller.rows()] == before
