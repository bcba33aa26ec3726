"""The track record over time, and the runs of schedules."""

from __future__ import annotations

import pytest
from warmcast.jobs.v1 import operations_pb2 as pb

from services.common import errors
from tests.integration.gateway.conformity import conforming, refused
from tests.integration.gateway.conftest import World
from tests.integration.gateway.data import moment

NOON, NOON_TEXT = moment("2026-01-01T12:00:00"), "2026-01-01T12:00:00Z"
SHARE = pb.Share(count=24, forecasts=2, came=0.75, low=0.5, high=0.9, said=0.8)
SHOWN = {"count": 24, "forecasts": 2, "came": 0.75, "low": 0.5, "high": 0.9, "said": 0.8}


async def test_the_track_record_by_week_timeframe_and_confidence(world: World) -> None:
    winner = pb.Share(count=2, forecasts=2, came=0.5, low=0.1, high=0.9)
    of_week = pb.Accuracy(forecasts=2, interval80=SHARE, winner=winner, mae=4.5)
    total = pb.Accuracy(
        forecasts=2,
        interval80=SHARE,
        interval95=SHARE,
        winner=winner,
        direction=SHARE,
        confidence=SHARE,
        confidence_bins=[pb.ConfidenceShare(from_percent=60, share=SHARE)],
        mae=4.5,
        mase=0.9,
    )
    by_timeframe = [pb.TimeframeAccuracy(timeframe="12m", accuracy=of_week)]
    week = pb.TrackRecordWeek(week="2026-01-05", total=of_week, by_timeframe=by_timeframe)
    world.reply(
        GetTrackRecord=pb.GetTrackRecordResponse(
            weeks=[week], total=total, by_timeframe=by_timeframe, engine_versions=["9", "8"]
        )
    )
    response = await world.operator.get("/api/track-record?tf=12m&engineVersion=9")
    unsaid = {"count": 2, "forecasts": 2, "came": 0.5, "low": 0.1, "high": 0.9, "said": None}
    shown_of_week = {
        "forecasts": 2,
        "interval80": SHOWN,
        "interval95": None,
        "winner": unsaid,
        "direction": None,
        "confidence": None,
        "confidenceBins": [],
        "mae": 4.5,
        "mase": None,
    }
    assert conforming(response, "TrackRecord") == {
        "total": {
            "forecasts": 2,
            "interval80": SHOWN,
            "interval95": SHOWN,
            "winner": unsaid,
            "direction": SHOWN,
            "confidence": SHOWN,
            "confidenceBins": [{"fromPercent": 60, "share": SHOWN}],
            "mae": 4.5,
            "mase": 0.9,
        },
        "timeframes": {"12m": shown_of_week},
        "weeks": [{"week": "2026-01-05", "total": shown_of_week, "timeframes": {"12m": shown_of_week}}],
        "engineVersions": ["9", "8"],
    }
    request = world.jobs.only("GetTrackRecord").request
    assert request == pb.GetTrackRecordRequest(timeframe="12m", engine_version="9")


async def test_a_track_record_without_scores(world: World) -> None:
    world.reply(GetTrackRecord=pb.GetTrackRecordResponse())
    body = conforming(await world.operator.get("/api/track-record"), "TrackRecord")
    assert (body["total"]["forecasts"], body["total"]["interval80"], body["weeks"]) == (0, None, [])
    assert world.jobs.only("GetTrackRecord").request == pb.GetTrackRecordRequest()


async def test_the_runs_of_schedules(world: World) -> None:
    failed = pb.ScheduleRun(schedule="sweep", started_at=NOON, ended_at=NOON, detail="PostgreSQL is unavailable")
    done = pb.ScheduleRun(schedule="refresh", started_at=NOON, ended_at=NOON, succeeded=True, count=12)
    world.reply(ListScheduleRuns=pb.ListScheduleRunsResponse(runs=[failed, done]))
    body = conforming(await world.operator.get("/api/schedules"), "ScheduleRunList")
    times = {"startedAt": NOON_TEXT, "endedAt": NOON_TEXT}
    assert body["runs"] == [
        {"schedule": "sweep", **times, "succeeded": False, "count": 0, "detail": "PostgreSQL is unavailable"},
        {"schedule": "refresh", **times, "succeeded": True, "count": 12, "detail": None},
    ]
    await world.operator.get("/api/schedules?schedule=sweep&limit=5")
    assert world.jobs.calls["ListScheduleRuns"][-1].request == pb.ListScheduleRunsRequest(schedule="sweep", page_size=5)


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("/api/schedules?schedule=backup", "schedule"),
        ("/api/schedules?limit=0", "limit"),
        ("/api/track-record?tf=2y", "tf"),
        ("/api/track-record?engineVersion=8&engineVersion=9", "engineVersion"),
    ],
)
async def test_what_is_wrong_is_named(world: World, path: str, field: str) -> None:
    refused(await world.operator.get(path), errors.INVALID_ARGUMENT, field)
    assert not world.jobs.calls
