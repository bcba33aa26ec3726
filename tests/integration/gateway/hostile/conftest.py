"""The gateway that most tests share."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.integration.gateway.hostile.clients import Gateway, served
from tests.integration.gateway.test_process import PATH


@pytest.fixture(scope="package")
async def shared_gateway() -> AsyncIterator[Gateway]:
    """A gateway process for all tests that change no setting."""
    async with served() as running:
        # First requests load modules, which are not part of the memory of a later connection.
        for path in (PATH, "/openapi.json", "/nothing"):
            await running.status(path)
        yield running
