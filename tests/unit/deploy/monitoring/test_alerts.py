"""Tests each alert with `promtool test rules`: cases/ALERT.yaml has series that it fires for, and others."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.unit.deploy.manifests import K8S

CASES = Path(__file__).parent / "cases"
GROUPS: dict[str, Any] = yaml.safe_load((K8S / "components" / "monitoring" / "rules.yaml").read_text("utf-8"))["spec"]
RULES = {rule["alert"]: rule for group in GROUPS["groups"] for rule in group["rules"]}

SLOW = {"WarmcastScheduleStopped": pytest.mark.slow}  # its longest schedule takes days


@pytest.fixture(scope="module")
def promtool() -> str:
    found = shutil.which("promtool")
    if found is None:
        assert os.environ.get("CI") != "true", "promtool is missing; .ci/run installs it (Debian's `prometheus`)"
        pytest.skip("promtool is missing: install Debian's `prometheus`")
    return found


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    """The rules as a file for Prometheus, without annotations."""
    path = tmp_path / "rules.yaml"
    # promtool would compare annotations, which another test checks.
    groups = [{**group, "rules": [_without_annotations(rule) for rule in group["rules"]]} for group in GROUPS["groups"]]
    path.write_text(yaml.safe_dump({"groups": groups}), "utf-8")
    return path


def test_the_rules_are_valid(promtool: str, tmp_path: Path) -> None:
    path = tmp_path / "rules.yaml"
    path.write_text(yaml.safe_dump(GROUPS), "utf-8")
    _run(promtool, "check", "rules", path)


def test_every_alert_has_cases_that_fire_and_cases_that_do_not() -> None:
    assert {path.stem for path in CASES.iterdir()} == set(RULES)
    for alert in RULES:
        expected = [test for case in _cases(alert) for test in case["alert_rule_test"]]
        assert {test["alertname"] for test in expected} == {alert}
        assert {bool(test["exp_alerts"]) for test in expected} == {True, False}, alert


@pytest.mark.parametrize("alert", [pytest.param(each, marks=SLOW.get(each, ())) for each in RULES])
def test_the_alert_fires_only_for_the_series_that_it_should(alert: str, promtool: str, rules: Path) -> None:
    path = rules.with_name("test.yaml")
    tests = {"rule_files": [rules.name], "evaluation_interval": "1m", "tests": _cases(alert)}
    path.write_text(yaml.safe_dump(tests), "utf-8")
    _run(promtool, "test", "rules", path)


def test_an_alert_that_never_fires_fails_the_test(promtool: str, rules: Path) -> None:
    never_firing = yaml.safe_load(rules.read_text("utf-8"))
    for rule in never_firing["groups"][0]["rules"]:
        rule["expr"] = "vector(1) > 2"
    rules.write_text(yaml.safe_dump(never_firing), "utf-8")
    with pytest.raises(AssertionError, match="WarmcastFencedOff"):
        test_the_alert_fires_only_for_the_series_that_it_should("WarmcastFencedOff", promtool, rules)


def _cases(alert: str) -> list[dict[str, Any]]:
    return list(yaml.safe_load((CASES / f"{alert}.yaml").read_text("utf-8")))


def _without_annotations(rule: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in rule.items() if key != "annotations"}


def _run(*command: str | Path) -> None:
    ran = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
