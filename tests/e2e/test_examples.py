"""The walk that the document's examples come from still finds every answer and every error that it is to show."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from devstack.processes.supervisor import Supervisor
from devtools.examples.__main__ import make
from services.gateway.openapi.examples import PATH


@pytest.fixture
def supervisor() -> Iterator[Supervisor]:
    """Ends what the walk started, however it went."""
    supervisor = Supervisor(print)
    yield supervisor
    supervisor.stop()


def _names(kept: Any, depth: int) -> Any:
    return {name: _names(value, depth - 1) for name, value in kept.items()} if depth else None


@pytest.mark.slow
def test_a_new_walk_finds_what_the_kept_one_found(tmp_path: Path, supervisor: Supervisor) -> None:
    made = tmp_path / "examples.json"
    make(tmp_path, supervisor, made)
    new, kept = json.loads(made.read_text()), json.loads(PATH.read_text())
    for part, depth in (("answers", 3), ("requests", 2), ("problems", 1)):
        assert _names(new[part], depth) == _names(kept[part], depth), "make examples"
    for slug, problem in new["problems"].items():
        assert problem["value"]["detail"] == kept["problems"][slug]["value"]["detail"], "make examples"
