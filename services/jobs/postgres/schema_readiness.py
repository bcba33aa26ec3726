"""The way to the schema: connections with sessions of their own, then the revision that this code needs."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from services.common.errors import WarmcastError
from services.common.runtime.background import until_set
from services.jobs.postgres.driver.database import Database
from services.jobs.postgres.driver.pooler import refuse_shared_backends
from services.jobs.postgres.driver.sqlstates import translated

log = structlog.get_logger()


class SchemaReadiness:
    """The service waits for its schema, and never migrates."""

    def __init__(self, database: Database, url: str, wanted: str) -> None:
        """`database` is opened here; `wanted` is the least revision."""
        self._database = database
        self._url = url
        self._wanted = wanted
        self._opening = asyncio.Lock()
        self._opened = False
        self._seen = asyncio.Event()

    async def ready(self) -> bool:
        """Whether the schema is at the revision that this code needs, or past it. Raises RefusedError for a pooler."""
        try:
            await self._open()
            revision = await self._database.revision()
        except WarmcastError:
            return False
        if revision < self._wanted:
            log.info("waiting for the schema; run `warmcast migrate`", found=revision, wanted=self._wanted)
            return False
        self._seen.set()
        return True

    async def then(self, work: Callable[[], Awaitable[None]]) -> None:
        """Does that work from the moment that `ready` has seen the schema."""
        await until_set(self._seen)
        await work()

    async def _open(self) -> None:
        """Opens the pool once it is known that every connection has a session of its own."""
        async with self._opening:
            if not self._opened:
                with translated():
                    await refuse_shared_backends(self._url)
                await self._database.open()
                self._opened = True
