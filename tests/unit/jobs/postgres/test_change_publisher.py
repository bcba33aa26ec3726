"""The rate of publishing: few changes at once, many less often, and a retry after a failure."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from services.common import errors
from services.common.errors import WarmcastError
from services.jobs.postgres import change_publisher
from services.jobs.postgres.change_publisher import ChangePublisher


class FakeConnection:
    """Records payloads; refuses them while it is `unavailable`."""

    def __init__(self) -> None:
        self.payloads: list[str] = []
        self.unavailable = False

    def dedicated_connection(self) -> FakeConnection:
        return self

    async def fetch_once(self, _statement: str, parameters: dict[str, list[str]]) -> list[Any]:
        if self.unavailable:
            raise WarmcastError(errors.UNAVAILABLE, "PostgreSQL is unavailable")
        self.payloads += parameters["payloads"]
        return []


async def test_many_changes_are_published_less_often_than_a_few(monkeypatch: pytest.MonkeyPatch) -> None:
    connection: Any = FakeConnection()
    publisher = ChangePublisher(connection)
    changes = iter([range(1), range(10, 30), range(3), None, ()])  # during each pause; None: the server is unavailable
    pauses: list[float] = []

    async def pause(seconds: float) -> None:
        pauses.append(seconds)
        ids = next(changes)
        connection.unavailable = ids is None
        publisher.publish(ids if ids is not None else [7])
        if ids == ():
            raise asyncio.CancelledError

    monkeypatch.setattr(asyncio, "sleep", pause)
    with pytest.raises(asyncio.CancelledError):
        await publisher.run()
    often, seldom, retry = change_publisher._PAUSE, change_publisher._LONGER_PAUSE, change_publisher._RETRY_SECONDS
    assert pauses == [often, often, seldom, often, retry]
    assert connection.payloads == ["*", "0", ",".join(map(str, range(10, 30))), "0,1,2"]
