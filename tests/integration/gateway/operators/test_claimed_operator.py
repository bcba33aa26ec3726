"""Who acts by REST: the secret, with the name that its caller gives."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest
from warmcast.jobs.v1 import jobs_pb2
from warmcast.jobs.v1 import operations_pb2 as pb

from services.common import errors
from services.common.rpc import metadata
from tests.integration.gateway.conformity import refused
from tests.integration.gateway.conftest import World
from tests.integration.gateway.data import QUEUED, job

HEADER = "X-Warmcast-Operator"
ROUTES: list[tuple[str, str, dict[str, Any]]] = [
    ("/api/comparison/warmup", "TriggerWarmup", {"json": {"slug": "amazon-vs-costco", "tf": "12m"}}),
    ("/api/jobs/42/requeue", "RequeueJob", {}),
    ("/api/jobs/42/cancel", "CancelJob", {}),
    ("/api/jobs/42/run", "RunJob", {}),
    ("/api/operations/5/confirm", "ConfirmBulkOperation", {"json": {"reason": "late"}}),
    ("/api/operations/5/abort", "AbortBulkOperation", {}),
]


@pytest.fixture
def changing(world: World) -> World:
    """A gateway whose jobs service accepts each change."""
    operation = pb.BulkOperation(id=5, action=pb.BULK_ACTION_REQUEUE, filter="{}", state="running")
    world.reply(
        TriggerWarmup=jobs_pb2.TriggerWarmupResponse(job=job(QUEUED), enqueued=True),
        RequeueJob=jobs_pb2.RequeueJobResponse(job=job(QUEUED)),
        CancelJob=jobs_pb2.CancelJobResponse(job=job(QUEUED)),
        RunJob=pb.RunJobResponse(job=job()),
        ConfirmBulkOperation=pb.ConfirmBulkOperationResponse(operation=operation),
        AbortBulkOperation=pb.AbortBulkOperationResponse(operation=operation),
    )
    return world


def operator(world: World, rpc: str) -> str:
    """Who made the last call, as jobs records it."""
    return metadata.operator(tuple(world.jobs.calls[rpc][-1].metadata.items()))


@pytest.mark.parametrize(("path", "rpc", "sent"), ROUTES)
async def test_a_name_is_recorded_beside_the_secret(changing: World, path: str, rpc: str, sent: dict[str, Any]) -> None:
    response = await changing.operator.post(path, **sent, headers={HEADER: quote("Zoë")})
    assert response.status_code in (200, 202), response.text
    assert operator(changing, rpc) == "secret (Zoë)"
    await changing.operator.post(path, **sent)
    assert operator(changing, rpc) == "secret", "the next request has no name"


@pytest.mark.parametrize("name", ["%ff", "x" * 51, "a%0Ab"])
async def test_a_name_that_cannot_be_kept_is_refused(changing: World, name: str) -> None:
    response = await changing.operator.post("/api/jobs/42/cancel", headers={HEADER: name})
    refused(response, errors.INVALID_ARGUMENT, HEADER)
    assert "CancelJob" not in changing.jobs.calls


async def test_two_names_are_refused(changing: World) -> None:
    headers = [(HEADER, "Ada"), (HEADER, "Zoe")]
    response = await changing.operator.post("/api/jobs/42/cancel", headers=headers)
    refused(response, errors.INVALID_ARGUMENT, HEADER)
    assert "CancelJob" not in changing.jobs.calls


async def test_the_name_is_read_after_the_secret(changing: World) -> None:
    response = await changing.client.post("/api/jobs/42/cancel", headers={HEADER: "%ff"})
    refused(response, errors.UNAUTHENTICATED)
    assert "CancelJob" not in changing.jobs.calls
