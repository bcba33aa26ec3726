"""How often `Telling` tells: at once and often of a few, less often of a mass, and again when it could not."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from services.common import errors
from services.common.errors import WarmcastError
from services.jobs.postgres import change_publisher
from services.jobs.postgres.change_publisher import Telling


class HandLane:
    """Keeps what is told; refuses while it is `away`."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.away = False

    def lane(self) -> HandLane:
        return self

    async def fetch_once(self, _statement: str, parameters: dict[str, list[str]]) -> list[Any]:
        if self.away:
            raise WarmcastError(errors.UNAVAILABLE, "away")
        self.told += parameters["payloads"]
        return []


async def test_of_a_mass_it_tells_less_often_and_soon_again_of_a_few(monkeypatch: pytest.MonkeyPatch) -> None:
    lane: Any = HandLane()
    told = Telling(lane)
    changes = iter([range(1), range(10, 30), range(3), None, ()])  # during each pause; None: it is away
    pauses: list[float] = []

    async def pause(seconds: float) -> None:
        pauses.append(seconds)
        ids = next(changes)
        lane.away = ids is None
        told.tell(ids if ids is not None else [7])
        if ids == ():
            raise asyncio.CancelledError

    monkeypatch.setattr(asyncio, "sleep", pause)
    with pytest.raises(asyncio.CancelledError):
        await told.run()
    often, seldom, retry = change_publisher._PAUSE, change_publisher._LONGER_PAUSE, change_publisher._RETRY_SECONDS
    assert pauses == [often, often, seldom, often, retry]
    assert lane.told == ["*", "0", ",".join(map(str, range(10, 30))), "0,1,2"]
