"""Series exist before their first event, and alerts select existing series."""

from __future__ import annotations

import json
import re
import subprocess
import sys

import pytest

from tests.unit.deploy.monitoring.test_alerts import RULES

# Metrics of kube-state-metrics, with the label values that alerts select.
KUBERNETES: dict[str, dict[str, list[str]]] = {
    "kube_job_failed": {"condition": ["true"], "job_name": ["migrate-0-1-0"]},
    "kube_job_owner": {"owner_kind": ["CronJob"], "owner_name": ["run-warmup", "sweep", "refresh", "retention"]},
    "kube_deployment_created": {"deployment": ["forecaster"]},
}
SELECTOR = re.compile(r"\b((?:warmcast|kube)_\w+)(?:\{([^}]*)\})?")
MATCHER = re.compile(r'(\w+)(=~|!~|!=|=)"([^"]*)"')

Series = dict[str, dict[str, list[str]] | None]


@pytest.fixture(scope="module")
def series() -> Series:
    # In a new process, without the counts of other tests.
    command = [sys.executable, "-m", "tests.unit.deploy.monitoring.series"]
    printed = subprocess.run(command, capture_output=True, text=True, timeout=240, check=True).stdout
    found: Series = json.loads(printed.splitlines()[-1])
    return found


def test_every_counter_with_labels_starts_at_zero(series: Series) -> None:
    # Otherwise increase() misses the first events; see services.common.telemetry.counters.
    assert [name for name, values in series.items() if values is None] == []


@pytest.mark.parametrize("alert", RULES)
def test_an_alert_selects_existing_series(alert: str, series: Series) -> None:
    selectors = SELECTOR.findall(RULES[alert]["expr"])
    assert selectors
    for metric, matchers in selectors:
        known = (KUBERNETES | series)[metric]
        assert known is not None
        for label, operator, wanted in MATCHER.findall(matchers):
            for each in wanted.split("|"):
                how = re.fullmatch if "~" in operator else lambda one, other: one == other
                assert any(how(each, value) for value in known[label]), f"{metric}: no {label} is {each}"
