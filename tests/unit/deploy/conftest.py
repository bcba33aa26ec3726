"""Runs each policy that takes `manifests` for every scenario."""

from __future__ import annotations

import pytest

from tests.unit.deploy.manifests import Manifest, build, with_components
from tests.unit.deploy.scenarios import SCENARIOS


@pytest.fixture(params=SCENARIOS)
def manifests(request: pytest.FixtureRequest) -> tuple[Manifest, ...]:
    overlay, *components = SCENARIOS[request.param]
    return with_components(overlay, *components) if components else build(f"overlays/{overlay}")
