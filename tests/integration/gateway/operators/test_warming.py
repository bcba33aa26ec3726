"""Comparisons are warmed by filter: a dry run, or at once."""

from __future__ import annotations

from typing import Any

import pytest
from warmcast.jobs.v1 import operations_pb2 as pb

from services.common import errors
from services.common.errors import WarmcastError
from tests.integration.gateway.conformity import conforming, refused
from tests.integration.gateway.conftest import World
from tests.integration.gateway.data import HASH
from tests.integration.gateway.operators.test_bulk import WHY

PATH = "/api/coverage/warm"
PREPARED = pb.BulkOperation(id=5, action=pb.BULK_ACTION_WARM, filter='{"state":"cold"}', state="prepared", matched=30)
FILTER = pb.CoverageFilter(state="cold", query="ama", timeframe="12m", geo="", requested=True)
BODY = {"state": "cold", "q": "ama", "tf": "12m", "geo": "", "requested": True}
QUERY = {**BODY, "requested": "true"}


@pytest.fixture
def warming(world: World) -> World:
    """A gateway whose jobs service prepares and confirms."""
    covered = pb.CoveredComparison(state="cold", demand=2.5)
    covered.comparison.slug, covered.comparison.timeframe, covered.comparison.data_hash = "a-vs-b", "12m", HASH
    covered.comparison.terms.extend(("a", "b"))
    running = pb.BulkOperation()
    running.CopyFrom(PREPARED)
    running.state = "running"
    world.reply(
        PrepareBulkOperation=pb.PrepareBulkOperationResponse(operation=PREPARED, comparisons=[covered]),
        ConfirmBulkOperation=pb.ConfirmBulkOperationResponse(operation=running),
    )
    return world


@pytest.mark.parametrize("sent", [{"params": {**QUERY, "dryRun": "true"}}, {"json": {"filter": BODY, "dryRun": True}}])
async def test_a_dry_run_prepares_and_changes_nothing(warming: World, sent: dict[str, Any]) -> None:
    body = conforming(await warming.operator.post(PATH, **sent), "PreparedWarming")
    assert (body["operation"]["action"], body["operation"]["matched"]) == ("warm", 30)
    assert [(each["slug"], each["state"], each["demand"]) for each in body["sample"]] == [("a-vs-b", "cold", 2.5)]
    expected = pb.PrepareBulkOperationRequest(action=pb.BULK_ACTION_WARM, comparisons=FILTER)
    assert warming.jobs.only("PrepareBulkOperation").request == expected
    assert "ConfirmBulkOperation" not in warming.jobs.calls


async def test_without_a_dry_run_it_is_confirmed_at_once(warming: World) -> None:
    response = await warming.operator.post(PATH, params={"timeframe": "12m"}, json=WHY)
    assert conforming(response, "Operation", 202)["state"] == "running"
    assert response.headers["location"] == "/api/operations/5"
    assert warming.jobs.only("PrepareBulkOperation").request.comparisons == pb.CoverageFilter(timeframe="12m")
    assert warming.jobs.only("ConfirmBulkOperation").request == pb.ConfirmBulkOperationRequest(id=5, **WHY)


@pytest.mark.parametrize(
    ("sent", "field"),
    [
        ({"json": WHY}, "filter"),
        ({"json": {**WHY, "filter": {"requested": False}}}, "filter"),
        ({"params": {"state": "cold"}, "json": {**WHY, "filter": {"tf": "12m"}}}, "filter"),
        ({"json": {**WHY, "filter": {"status": "failed"}}}, "filter"),
        ({"params": {"state": "cold", "status": "failed"}, "json": WHY}, "status"),
        ({"params": {"state": "warm"}, "json": WHY}, "state"),
        ({"json": {**WHY, "filter": {"state": "warm"}}}, "state"),
        ({"json": {**WHY, "filter": {"tf": "2y"}}}, "tf"),
        ({"params": {"geo": "nowhere!"}, "json": WHY}, "geo"),
        ({"params": {"state": "cold", "requested": "yes"}, "json": WHY}, "requested"),
        ({"params": {"state": "cold"}}, "reason"),
    ],
)
async def test_what_is_wrong_is_named_and_nothing_is_prepared(warming: World, sent: dict[str, Any], field: str) -> None:
    refused(await warming.operator.post(PATH, **sent), errors.INVALID_ARGUMENT, field)
    assert not warming.jobs.calls


async def test_too_many_comparisons_are_refused(warming: World) -> None:
    warming.reply(PrepareBulkOperation=WarmcastError(errors.TOO_LARGE, "more than 100,000 comparisons match"))
    refused(await warming.operator.post(PATH, params={"state": "cold"}, json=WHY), errors.TOO_LARGE)
