"""The gateway that most tests share."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.integration.gateway.hostile.clients import Gateway, served


@pytest.fixture(scope="package")
async def shared_gateway() -> AsyncIterator[Gateway]:
    """A gateway process for all tests that change no setting."""
    async with served() as running:
        yield running
