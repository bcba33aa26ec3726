"""Every test runs in `make test` or in `make test-slow`, and CI runs both."""

from __future__ import annotations

import subprocess

from tests.paths import CHECKOUT


def _commands(target: str) -> str:
    command = ["make", "--dry-run", "--no-print-directory", "-o", "setup", target, "ARGS="]
    return subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=True, timeout=60).stdout


def test_two_runs_divide_the_tests_by_one_marker() -> None:
    fast, slow = _commands("test").strip(), _commands("test-slow").strip()
    assert fast.endswith('-m "not slow"')
    assert slow.endswith("-m slow")
    assert fast.removesuffix('"not slow"') == slow.removesuffix("slow")  # same folders, nothing else deselected


def test_ci_runs_both() -> None:
    lines = (CHECKOUT / ".ci" / "run").read_text(encoding="utf-8").splitlines()
    assert {"make test", "make test-slow"} <= set(lines)
