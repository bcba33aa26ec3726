"""`make examples` still records every answer and error that the OpenAPI document contains."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from devstack.processes.supervisor import Supervisor
from devtools.examples.__main__ import record
from services.gateway.openapi.examples import PATH


@pytest.fixture
def supervisor() -> Iterator[Supervisor]:
    """Stops the product after the test."""
    supervisor = Supervisor(print)
    yield supervisor
    supervisor.stop()


def _names(stored: Any, depth: int) -> Any:
    return {name: _names(value, depth - 1) for name, value in stored.items()} if depth else None


@pytest.mark.slow
def test_a_new_recording_has_the_same_examples(tmp_path: Path, supervisor: Supervisor) -> None:
    path = tmp_path / "examples.json"
    record(tmp_path, supervisor, path)
    new, stored = json.loads(path.read_text()), json.loads(PATH.read_text())
    for part, depth in (("answers", 3), ("requests", 2), ("problems", 1)):
        assert _names(new[part], depth) == _names(stored[part], depth), "run `make examples`"
    for slug, problem in new["problems"].items():
        assert problem["value"]["detail"] == stored["problems"][slug]["value"]["detail"], "run `make examples`"
