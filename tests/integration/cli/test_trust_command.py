"""`warmcast trust` against a service that answers as the test says."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

import pytest
from typer.testing import CliRunner

from services.cli.__main__ import app
from services.common.comparison import TIMEFRAMES
from services.jobs.domain.trust import Tally, Trust, period_of
from services.jobs.rpc import mapping
from tests.integration.gateway.peers import FakeJobs, listening

EMPTY = dict.fromkeys(TIMEFRAMES, Tally())
TALLY = Tally(3, winners=2, winners_right=1, directions_right=3, points=78, hits80=39, hits95=78, mae_sum=12)


@pytest.fixture
async def address() -> AsyncIterator[str]:
    """Of a service where three forecasts of 12m were scored, long ago."""
    jobs = FakeJobs({"GetTrustStats": mapping.trust(Trust(period_of(EMPTY | {"12m": TALLY}), period_of(EMPTY)))})
    async with listening(jobs) as address:
        yield address


async def said(address: str, *words: str) -> str:
    ended = await asyncio.to_thread(CliRunner().invoke, app, ["trust", *words], env={"JOBS_ADDR": address})
    assert ended.exit_code == 0, ended.output
    return ended.stdout


async def test_the_table_shows_what_was_scored(address: str) -> None:
    lines = [line.split() for line in (await said(address)).splitlines()]
    row = ["3", "50.0%", "50.0%", "50.0%", "100.0%", "2.00", "–"]
    assert lines[1:] == [["total", *row], ["12m", *row], ["last", "90", "days", "0", *["–"] * 6]]


async def test_as_json_it_has_rest_s_names(address: str) -> None:
    shown = json.loads(await said(address, "--json"))
    assert shown["total"]["timeframes"]["12m"] == {
        "forecasts": 3,
        "points": 78,
        "winnerRight": 0.5,
        "directionRight": 0.5,
        "coverage80": 0.5,
        "coverage95": 1.0,
        "mae": 2.0,
        "mase": None,
    }
    assert list(shown["last90Days"]["timeframes"]) == list(TIMEFRAMES)
