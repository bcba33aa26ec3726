"""The command line in front of a service that answers as the test says."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
from typer.testing import CliRunner, Result

from services.cli.__main__ import app
from tests.integration.gateway.data import moment
from tests.integration.gateway.peers import FakeJobs, listening

SECRET = "a secret of the tests"
NOON = moment("2026-01-01T12:00:00")
KEY = {"slug": "amazon-vs-costco", "timeframe": "12m", "geo": ""}


@dataclass
class Service:
    """A fake jobs service, and the command line in front of it."""

    jobs: FakeJobs
    address: str

    async def run(self, *words: str) -> Result:
        """Runs a command."""
        return await asyncio.to_thread(CliRunner().invoke, app, words, env=self.environment())

    async def printed(self, *words: str) -> str:
        """The output of a command that succeeds."""
        ended = await self.run(*words)
        assert ended.exit_code == 0, ended.output
        return ended.stdout

    def environment(self) -> dict[str, str]:
        """The variables of a command."""
        return {"JOBS_ADDR": self.address, "WARMUP_SECRET": SECRET, "WARMCAST_OPERATOR": "Zoë"}


@pytest.fixture
async def service() -> AsyncIterator[Service]:
    jobs = FakeJobs()
    async with listening(jobs) as address:
        yield Service(jobs, address)
