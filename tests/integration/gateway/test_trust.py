"""The track record over REST."""

from __future__ import annotations

import pytest
from warmcast.jobs.v1 import jobs_pb2

from services.common import errors
from services.common.comparison import TIMEFRAMES
from services.common.errors import WarmcastError
from tests.integration.gateway.conformity import conforming, refused
from tests.integration.gateway.conftest import World

PATH = "/api/forecast/trust-stats"
NOTHING = jobs_pb2.TrustStats()
SCORED = jobs_pb2.TrustStats(
    forecasts=2,
    points=52,
    winner_right=0.5,
    direction_right=0.75,
    coverage80=0.8077,
    coverage95=0.0,
    mae=0.0,
    mase=1.25,
)


def period(scored: jobs_pb2.TrustStats) -> jobs_pb2.TrustPeriod:
    """A period in which only `12m` was scored."""
    by_name = {name: scored if name == "12m" else NOTHING for name in TIMEFRAMES}
    timeframes = [jobs_pb2.TimeframeTrust(timeframe=name, stats=stats) for name, stats in by_name.items()]
    return jobs_pb2.TrustPeriod(overall=scored, timeframes=timeframes)


@pytest.fixture
def answering(world: World) -> World:
    world.reply(GetTrustStats=jobs_pb2.GetTrustStatsResponse(total=period(SCORED), last_90_days=period(NOTHING)))
    return world


async def test_totals_and_the_last_ninety_days(answering: World) -> None:
    body = conforming(await answering.client.get(PATH), "Trust")
    assert body["total"]["overall"] == {
        "forecasts": 2,
        "points": 52,
        "winnerRight": 0.5,
        "directionRight": 0.75,
        "coverage80": 0.8077,
        "coverage95": 0.0,
        "mae": 0.0,
        "mase": 1.25,
    }
    assert body["total"]["timeframes"]["12m"] == body["total"]["overall"]
    assert list(body["total"]["timeframes"]) == list(TIMEFRAMES)
    unscored = body["last90Days"]["overall"]
    assert (unscored.pop("forecasts"), unscored.pop("points")) == (0, 0)
    assert set(unscored.values()) == {None}


async def test_it_is_public_and_may_be_cached(answering: World) -> None:
    first = await answering.client.get(PATH)
    assert first.headers["cache-control"].startswith("max-age=30, stale-while-revalidate=")
    again = await answering.client.get(PATH, headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == first.headers["etag"]
    other = await answering.client.get(PATH, headers={"If-None-Match": '"another"'})
    assert other.status_code == 200


async def test_without_jobs_it_gets_503(world: World) -> None:
    world.reply(GetTrustStats=WarmcastError(errors.UNAVAILABLE, "PostgreSQL is unavailable", retry_after=2))
    response = await world.client.get(PATH)
    refused(response, errors.UNAVAILABLE)
    assert response.headers["retry-after"] == "2"
