"""Killed, frozen and stopped services: every job still settles."""

from __future__ import annotations

import contextlib
import os
import signal
from pathlib import Path

import pytest

from tests.e2e.calls import Caller
from tests.e2e.conftest import Call, Product, StartProduct
from tests.e2e.intervals import SHORT_INTERVALS
from tests.waiting import wait_until


def test_a_job_becomes_ready_after_a_kill_of_the_forecaster(start_product: StartProduct, call: Call) -> None:
    product = start_product(**SHORT_INTERVALS)
    caller = _with_running_job(product, call)
    product.kill("forecaster")
    product.start("forecaster")
    caller.until("ready")
    assert caller.rows()[0]["attempts"] > 1


def test_a_job_becomes_ready_after_a_kill_of_jobs(start_product: StartProduct, call: Call) -> None:
    product = start_product(**SHORT_INTERVALS)
    caller = _with_running_job(product, call)
    product.kill("jobs")
    _send_to_workers(product, signal.SIGCONT)
    product.start("jobs")
    caller.until("ready")
    assert len(caller.rows()) == 1


def test_a_job_becomes_ready_after_a_kill_of_its_worker(start_product: StartProduct, call: Call) -> None:
    product = start_product(**SHORT_INTERVALS)
    caller = _with_running_job(product, call)
    _send_to_workers(product, signal.SIGKILL)
    caller.until("ready")  # in the same attempt if the worker had not started the task
    assert len(caller.rows()) == 1


def test_a_frozen_forecaster_is_detected_as_fast_as_a_killed_one(start_product: StartProduct, call: Call) -> None:
    product = start_product(**SHORT_INTERVALS)
    caller = _with_running_job(product, call)
    forecaster = product.services["forecaster"]
    forecaster.send(signal.SIGSTOP)
    wait_until(lambda: caller.rows()[0]["last_error"], 20, "the run has failed")
    assert caller.rows()[0]["status"] in ("queued", "running")
    _send_to_workers(product, signal.SIGCONT)
    forecaster.send(signal.SIGCONT)
    caller.until("ready")


@pytest.mark.slow
def test_a_stop_of_jobs_hands_its_runs_back_and_exits_with_status_0(start_product: StartProduct, call: Call) -> None:
    product = start_product(**SHORT_INTERVALS)
    caller = _with_running_job(product, call)
    product.stop("jobs")
    assert "ended with status 0" in product.services["jobs"].exit_summary
    (row,) = caller.rows()
    assert (row["status"], row["attempts"], row["lease_expires_at"]) == ("queued", 0, None)
    _send_to_workers(product, signal.SIGCONT)
    product.start("jobs")
    caller.until("ready")
    assert caller.rows()[0]["attempts"] == 1


@pytest.mark.slow
def test_a_stop_of_the_forecaster_ends_its_runs_and_exits_with_status_0(
    start_product: StartProduct, call: Call
) -> None:
    product = start_product(**SHORT_INTERVALS)
    caller = _with_running_job(product, call)
    product.stop("forecaster")
    assert "ended with status 0" in product.services["forecaster"].exit_summary
    wait_until(lambda: caller.rows()[0]["status"] == "queued", 20, "the run has ended")
    # The interrupted attempt counts; no attempt is spent while no forecaster is available.
    assert caller.rows()[0]["attempts"] == 1
    product.start("forecaster")
    caller.until("ready")
    assert caller.rows()[0]["attempts"] == 2


def _with_running_job(product: Product, call: Call) -> Caller:
    """Freezes the workers and starts a job, which therefore keeps running."""
    caller = call(product)
    caller.ingest()
    _send_to_workers(product, signal.SIGSTOP)
    caller.premium()
    wait_until(lambda: caller.rows()[0]["status"] == "running", 20, "the job runs")
    return caller


def _send_to_workers(product: Product, number: signal.Signals) -> None:
    """Sends a signal to each child process of the forecaster."""
    workers = [pid for pid in _processes() if _parent(pid) == product.services["forecaster"].pid]
    assert workers
    for pid in workers:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


def _processes() -> list[int]:
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdecimal()]


def _parent(pid: int) -> int | None:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return None  # ended
