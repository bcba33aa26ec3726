"""The command line with a running product, as operators and CronJobs use it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.calls import export
from tests.e2e.conftest import Call, Product, StartProduct


def warmcast(product: Product, *arguments: str, **changes: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "services.cli", *arguments],
        env=product.environment | changes,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


@pytest.mark.slow
def test_import_run_and_show(start_product: StartProduct, call: Call, tmp_path: Path) -> None:
    product = start_product(DISPATCHER_ENABLED="false")
    caller = call(product)
    file = tmp_path / "multiTimeline.csv"
    file.write_bytes(export())
    first = warmcast(product, "import", str(file))
    assert (first.returncode, first.stderr) == (0, "")
    assert "imported: amazon-vs-costco (amazon / costco), 5y, US" in first.stdout
    assert "already imported" in warmcast(product, "import", str(file)).stdout
    assert warmcast(product, "run-warmup").stderr == "no queued jobs\n"
    caller.premium()
    assert "queued            1" in warmcast(product, "status").stdout

    run = warmcast(product, "run-warmup", "--max", "5")
    assert run.returncode == 0, run.stderr
    assert "ready" in run.stdout
    assert caller.premium()["warmupStatus"] == "ready"
    (listed,) = json.loads(warmcast(product, "jobs", "list", "--json", "--status", "ready").stdout)
    shown = json.loads(warmcast(product, "jobs", "show", str(listed["id"])).stdout)
    assert (shown["slug"], shown["status"]) == ("amazon-vs-costco", "ready")
    assert "queued" in warmcast(product, "jobs", "requeue", str(listed["id"])).stdout
    assert "cancelled" in warmcast(product, "jobs", "cancel", str(listed["id"])).stdout
    dry_run = warmcast(product, "jobs", "requeue", "--status", "cancelled", "--dry-run")
    assert (dry_run.returncode, dry_run.stderr) == (0, "1 would be changed\n")
    requeued = warmcast(product, "jobs", "requeue", "--status", "cancelled", "--reason", "a test")
    assert requeued.returncode == 0, requeued.stderr
    assert requeued.stderr.endswith("done, 1 of 1 changed\n")
    attempts = json.loads(warmcast(product, "jobs", "attempts", str(listed["id"]), "--json").stdout)
    assert [attempt["outcome"] for attempt in attempts] == ["ready"]
    ran = warmcast(product, "jobs", "run", str(listed["id"]), "--reason", "a test")
    assert (ran.returncode, "ready" in ran.stdout) == (0, True)
    audit = json.loads(warmcast(product, "audit", "--json").stdout)
    assert [(each["action"], each["reason"]) for each in audit[:2]] == [("run", "a test"), ("requeue", "a test")]
    assert json.loads(warmcast(product, "stats", "--json").stdout)["run"]["count"] == 2
    assert json.loads(warmcast(product, "coverage", "--json").stdout)["summary"]["all"]["comparisons"] == 1
    assert warmcast(product, "jobs", "requeue").returncode == 2
    assert warmcast(product, "refresh").stderr == "0 to refresh\n"
    assert warmcast(product, "retention").stderr == "0 deleted\n"
    sweep = warmcast(product, "sweep")
    assert (sweep.returncode, sweep.stdout) == (0, "")


@pytest.mark.slow
def test_errors_have_a_message_and_an_exit_code(start_product: StartProduct, tmp_path: Path) -> None:
    product = start_product(DISPATCHER_ENABLED="false")
    single_term = tmp_path / "one.csv"
    single_term.write_bytes(
        b"Category: All categories\n\nWeek,amazon: (United States)\n2024-01-07,1\n2024-01-14,2\n2024-01-21,3\n"
    )
    refused = warmcast(product, "import", str(single_term))
    assert refused.returncode == 2
    assert "amazon" in refused.stderr
    missing = warmcast(product, "import", str(tmp_path / "none.csv"))
    assert (missing.returncode, missing.stdout) == (2, "")
    assert "none.csv" in missing.stderr
    unauthorised = warmcast(product, "sweep", WARMUP_SECRET="wrong")
    assert unauthorised.returncode == 3
    assert "WARMUP_SECRET" in unauthorised.stderr
    unknown = warmcast(product, "jobs", "show", "4711")
    assert (unknown.returncode, unknown.stderr) == (1, "warmcast: there is no job 4711\n")
    unreachable = warmcast(product, "status", JOBS_ADDR="127.0.0.1:1")
    assert unreachable.returncode == 4
    assert "127.0.0.1:1" in unreachable.stderr


@pytest.mark.slow
def test_an_invalid_setting_is_named_and_prevents_the_start(start_product: StartProduct) -> None:
    product = start_product()
    for service, variable, value in (
        ("jobs", "LEASE_SECONDS", "soon"),
        ("jobs", "DATABASE_URL", ""),
        ("gateway", "GATEWAY_PORT", "99999"),
        ("forecaster", "ENGINE_SETTING", "magic"),
    ):
        ended = warmcast(product, service, **{variable: value})
        assert ended.returncode == 2, (service, ended.stderr)
        assert f"configuration: {variable}: " in ended.stderr
        assert "Traceback" not in ended.stderr


def test_a_client_command_imports_neither_engine_nor_database() -> None:
    script = (
        "import sys; from services.cli.__main__ import app; from services.cli import client; "
        "heavy = {'numpy', 'statsmodels', 'pandas', 'psycopg', 'sqlalchemy', 'alembic', 'redis', 'starlette'}; "
        "print(sorted(heavy & set(sys.modules)))"
    )
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert loaded == "[]\n"
