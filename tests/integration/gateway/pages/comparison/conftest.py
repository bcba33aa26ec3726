"""A gateway whose comparison has forecasts."""

from __future__ import annotations

import pytest

from tests.integration.gateway.conftest import World
from tests.integration.gateway.pages.series import detail


@pytest.fixture
def shown(world: World) -> World:
    """A gateway with one comparison whose forecasts are ready."""
    world.reply(GetComparison=detail())
    return world
