"""The running service."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.integration.jobs.conftest import Store
from tests.integration.jobs.service import Jobs, serving


@pytest.fixture
async def jobs(store: Store) -> AsyncIterator[Jobs]:
    """The service and its clients."""
    async with serving(store) as running:
        yield running
