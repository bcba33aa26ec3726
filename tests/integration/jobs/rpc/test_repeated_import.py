"""An import under an Idempotency-Key through the whole service."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from warmcast.jobs.v1 import jobs_pb2 as pb

from services.common import errors
from services.common.rpc import metadata
from tests.integration.jobs.conftest import Store
from tests.integration.jobs.service import CSV, SECRET, SENT, Jobs, refused, serving

KEYED = (*SENT, (metadata.IDEMPOTENCY_KEY, "one"))
REQUEST = pb.IngestSnapshotRequest(files=pb.TrendsFiles(files=[pb.TrendsFile(name="a.csv", content=CSV)]))
NEWER = pb.IngestSnapshotRequest(
    files=pb.TrendsFiles(files=[pb.TrendsFile(name="a.csv", content=CSV.replace(b"90,13", b"91,13"))])
)


@pytest.fixture
async def jobs(store: Store) -> AsyncIterator[Jobs]:
    """The service and its client."""
    async with serving(store) as running:
        yield running


async def test_a_repeated_import_replays_that_it_created_the_snapshot(jobs: Jobs, store: Store) -> None:
    first = await jobs.stub.IngestSnapshot(REQUEST, metadata=KEYED)
    assert first.created
    assert await jobs.stub.IngestSnapshot(REQUEST, metadata=KEYED) == first
    assert not (await jobs.stub.IngestSnapshot(REQUEST, metadata=SENT)).created, "without a key it is a new request"
    error = await refused(jobs.stub.IngestSnapshot(NEWER, metadata=KEYED))
    assert error.reason is errors.IDEMPOTENCY_MISMATCH
    assert len(await store.execute("SELECT id FROM snapshots")) == 1


@pytest.mark.parametrize("secret", ["", SECRET + "x"])
async def test_a_kept_response_is_replayed_only_with_the_secret(jobs: Jobs, store: Store, secret: str) -> None:
    await jobs.stub.IngestSnapshot(REQUEST, metadata=KEYED)
    others = (*metadata.outgoing(secret=secret), (metadata.IDEMPOTENCY_KEY, "one"))
    assert (await refused(jobs.stub.IngestSnapshot(REQUEST, metadata=others))).reason is errors.UNAUTHENTICATED
