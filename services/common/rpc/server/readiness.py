"""Readiness that follows a service's required dependencies without flapping."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol

import structlog

from services.common.runtime.background import RefusedError, beat, report_failure

log = structlog.get_logger()

_EVERY = 1.0  # seconds
_PATIENCE = 5.0  # seconds for one check; then it counts as failed


class Hysteresis:
    """Ready at the first good check; after that each change needs several equal checks in a row."""

    def __init__(self, *, falls_after: int = 2, rises_after: int = 2) -> None:
        self.ready = False
        self._falls_after = falls_after
        self._rises_after = 1
        self._rises_again_after = rises_after
        self._against = 0  # checks in a row that contradict the state

    def note(self, good: bool) -> bool:
        """Records one check; returns whether readiness changed."""
        self._against = 0 if good == self.ready else self._against + 1
        if self._against < (self._falls_after if self.ready else self._rises_after):
            return False
        self.ready, self._against = good, 0
        self._rises_after = self._rises_again_after
        return True


class Reporting(Protocol):
    """Receives changes of readiness; see rpc.server.Server."""

    async def set_ready(self, ready: bool) -> None: ...


async def follow_readiness(server: Reporting, check: Callable[[], Awaitable[bool]], *, every: float = _EVERY) -> None:
    """Updates the server's readiness from `check`, forever. A check that hangs or raises counts as failed."""
    state = Hysteresis()
    while True:
        try:
            async with asyncio.timeout(_PATIENCE):
                good = await check()
        except RefusedError:
            raise
        except TimeoutError:
            good = False
        except Exception:
            report_failure()
            good = False
        if state.note(good):
            await server.set_ready(state.ready)
            log.info("readiness", ready=state.ready)
        beat()
        await asyncio.sleep(every)
