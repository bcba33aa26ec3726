"""The packages of the insights are loaded in the forecaster's workers alone: they take 100 MiB and 1.4 s of CPU."""

from __future__ import annotations

import subprocess
import sys

import pytest

PROCESSES = ["services.forecaster.bootstrap", "services.gateway.bootstrap", "services.jobs.bootstrap"]
PROCESSES += ["services.cli.__main__", "devstack.__main__"]


@pytest.mark.parametrize("process", PROCESSES)
def test_no_other_process_loads_them(process: str) -> None:
    assert loaded_by(f"import {process}") == set()


def test_a_warm_worker_has_loaded_them() -> None:
    loaded = loaded_by("from services.forecaster.workers.warm_up import warm_up; warm_up()")
    assert {"numpy", "statsmodels"} <= loaded


def test_the_types_of_insights_load_none_of_them() -> None:
    assert loaded_by("import services.forecaster.insights.types, services.forecaster.insights.encoded") == set()


def loaded_by(code: str) -> set[str]:
    """Which of the packages a fresh process loads."""
    script = f"{code}; import sys; print(*{{'numpy', 'scipy', 'pandas', 'statsmodels'}} & sys.modules.keys())"
    return set(
        subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True).stdout.split()
    )
