"""The audit has each import that changed data, with the name of its caller and the number of jobs that it changed."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import pytest
from warmcast.jobs.v1 import jobs_pb2 as pb
from warmcast.jobs.v1 import operations_pb2 as ops

from services.common import errors
from services.common.rpc import metadata
from services.jobs.postgres.sql import actions
from tests.integration.jobs.conftest import Store
from tests.integration.jobs.service import CSV, KEY, SENT, Jobs, refused

NEWER = CSV.replace(b"90,13", b"91,13")
NAMED = {"slug": KEY.slug, "timeframe": KEY.timeframe, "geo": KEY.geo}
BY_ADA = (*SENT, (metadata.OPERATOR, quote("Ada")), (metadata.REQUEST_ID, "request-1"))


def files(content: bytes) -> pb.IngestSnapshotRequest:
    return pb.IngestSnapshotRequest(files=pb.TrendsFiles(files=[pb.TrendsFile(content=content)]))


async def recorded(jobs: Jobs) -> list[tuple[Any, ...]]:
    """Who, what, and how many jobs, newest first."""
    rows = (await jobs.operations.ListActions(ops.ListActionsRequest())).actions
    return [(row.operator, row.action, json.loads(row.target), row.count) for row in rows]


async def test_an_import_names_its_operator_comparison_and_data(jobs: Jobs) -> None:
    first = await jobs.stub.IngestSnapshot(files(CSV), metadata=BY_ADA)
    assert await recorded(jobs) == [("Ada", "import", {**NAMED, "dataHash": first.data_hash}, 0)]
    [row] = (await jobs.operations.ListActions(ops.ListActionsRequest())).actions
    assert (row.request_id, row.reason, row.operation_id) == ("request-1", "", 0)


async def test_newer_data_count_the_jobs_that_they_cancel_and_enqueue(jobs: Jobs, store: Store) -> None:
    await jobs.ingest()
    await jobs.enqueue(await jobs.warmup())
    await store.execute("UPDATE comparisons SET last_requested_at = now()")
    newer = await jobs.stub.IngestSnapshot(files(NEWER), metadata=BY_ADA)
    assert newer.warmup_triggered
    assert (await recorded(jobs))[0] == ("Ada", "import", {**NAMED, "dataHash": newer.data_hash}, 2)


async def test_the_same_data_again_are_recorded_only_if_they_become_current(jobs: Jobs) -> None:
    first = await jobs.ingest()
    await jobs.ingest()
    assert len(await recorded(jobs)) == 1
    await jobs.ingest(NEWER)
    back = await jobs.stub.IngestSnapshot(files(CSV), metadata=BY_ADA)
    assert (back.data_hash, len(await recorded(jobs))) == (first.data_hash, 3)
    assert (await recorded(jobs))[0][2]["dataHash"] == first.data_hash


async def test_previews_and_refused_imports_are_not_recorded(jobs: Jobs) -> None:
    preview = await jobs.stub.PreviewSnapshot(pb.PreviewSnapshotRequest(snapshot=files(CSV)), metadata=BY_ADA)
    other = pb.IngestPreviewedRequest(snapshot=files(CSV), data_hash="0" * 16)
    assert (await refused(jobs.stub.IngestPreviewed(other, metadata=BY_ADA))).reason is errors.DATA_MISMATCH
    assert await recorded(jobs) == []
    same = pb.IngestPreviewedRequest(snapshot=files(CSV), data_hash=preview.snapshot.data_hash)
    await jobs.stub.IngestPreviewed(same, metadata=BY_ADA)
    assert [row[:2] for row in await recorded(jobs)] == [("Ada", "import")]


async def test_an_import_that_cannot_be_recorded_stores_nothing(jobs: Jobs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(actions, "RECORD_IMPORT", "SELECT 1 / 0 WHERE %(operator)s <> ''")
    assert (await refused(jobs.stub.IngestSnapshot(files(CSV), metadata=BY_ADA))).reason is errors.INTERNAL
    assert await jobs.store.execute("SELECT slug FROM comparisons") == []
