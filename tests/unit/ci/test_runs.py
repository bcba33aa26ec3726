"""Every test runs in `make test` or in `make test-slow`, and CI runs both."""

from __future__ import annotations

import subprocess

from tests.paths import CHECKOUT


def _commands(target: str) -> str:
    command = ["make", "--dry-run", "--no-print-directory", "-o", "setup", target, "ARGS="]
    return subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=True, timeout=240).stdout


def test_the_runs_divide_the_tests_by_markers() -> None:
    fast = _commands("test").strip()
    slow, alone = _commands("test-slow").strip().splitlines()
    assert fast.endswith(' -m "not slow and not alone"')
    # the same folders, with no other selection
    assert slow.strip() == fast.replace('"not slow and not alone"', '"slow and not alone"')
    assert alone.split(" || ")[0].strip().endswith("/python -m pytest -m alone")


def test_ci_runs_both() -> None:
    lines = (CHECKOUT / ".ci" / "run").read_text(encoding="utf-8").splitlines()
    assert {"make test", "make test-slow"} <= set(lines)
