"""Opens the database once its connections have sessions of their own, and waits for the schema that this code needs."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from services.common.errors import WarmcastError
from services.common.runtime.background import RefusedError, until_set
from services.jobs.postgres.driver.database import Database
from services.jobs.postgres.driver.pooler import refuse_shared_backends
from services.jobs.postgres.driver.sqlstates import translate_errors

log = structlog.get_logger()

_DEVELOPMENT_SCHEMA = "This database was made by a development version. Export it, or delete the data folder."


def refuse_development_schema(revision: str, oldest: str) -> None:
    """Raises RefusedError for a revision before `oldest`, the first one of a release; empty is no schema yet."""
    if revision and revision < oldest:  # numbers of four digits
        raise RefusedError(_DEVELOPMENT_SCHEMA)


class SchemaReadiness:
    """The service waits for its schema, and never migrates."""

    def __init__(self, database: Database, url: str, *, oldest: str, required: str) -> None:
        """Opens `database` on the first check. `oldest`: the first revision of a release; `required`: this code's."""
        self._database = database
        self._url = url
        self._oldest = oldest
        self._required = required
        self._opening = asyncio.Lock()
        self._opened = False
        self._was_ready = asyncio.Event()

    async def ready(self) -> bool:
        """Whether the schema is at the required revision or a later one.

        Raises RefusedError for a pooler that shares sessions, and for the schema of a development version.
        """
        try:
            await self._open()
            revision = await self._database.revision()
        except WarmcastError:
            return False
        refuse_development_schema(revision, self._oldest)
        if revision < self._required:
            log.info("waiting for the schema; run `warmcast migrate`", found=revision, required=self._required)
            return False
        self._was_ready.set()
        return True

    async def then(self, work: Callable[[], Awaitable[None]]) -> None:
        """Runs `work` once `ready` has returned true."""
        await until_set(self._was_ready)
        await work()

    async def _open(self) -> None:
        async with self._opening:
            if not self._opened:
                with translate_errors():
                    await refuse_shared_backends(self._url)
                await self._database.open()
                self._opened = True
