"""The loop of bulk operations while the store fails."""

from __future__ import annotations

from unittest.mock import AsyncMock, Mock

import pytest
from structlog.testing import capture_logs

from services.common import errors
from services.common.errors import WarmcastError
from services.jobs.application.operations.bulk import Bulk
from services.jobs.domain.operations import Batch, BatchFailedError, BulkState

AWAY = WarmcastError(errors.UNAVAILABLE, "PostgreSQL is unavailable")


async def test_an_outage_is_logged_once_and_the_next_one_again() -> None:
    store = AsyncMock()
    store.run_batch.side_effect = [AWAY, AWAY, None, AWAY]
    bulk = Bulk(store, poll=7)
    with capture_logs() as logged:
        pauses = [await bulk._pass() for _ in range(4)]
    assert pauses == [1, 1, 7, 1]
    assert [line["event"] for line in logged] == ["bulk operations wait: PostgreSQL is unavailable"] * 2


async def test_a_bug_in_a_batch_does_not_end_the_loop() -> None:
    store = AsyncMock()
    store.run_batch.side_effect = RuntimeError("a bug")
    with capture_logs() as logged:
        assert await Bulk(store)._pass() == 1
    assert [line["event"] for line in logged] == ["background loop failed"]


@pytest.mark.parametrize(("state", "events"), [("running", []), ("failed", ["bulk operation failed"])])
async def test_other_operations_run_after_a_batch_that_failed(state: str, events: list[str]) -> None:
    store = AsyncMock()
    store.run_batch.side_effect = BatchFailedError(Mock(state=BulkState(state), error="PostgreSQL is busy"))
    with capture_logs() as logged:
        assert await Bulk(store, poll=7)._pass() < 1
    assert [line["event"] for line in logged] == ["background loop failed", *events]


async def test_an_operation_that_waits_is_not_polled_at_the_pace_of_batches() -> None:
    store = AsyncMock()
    store.run_batch.return_value = Batch(AsyncMock(), 0, waits=True)
    assert await Bulk(store, wait=3)._pass() == 3
