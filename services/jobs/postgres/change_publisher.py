"""Tells of jobs that this process changed, once that is committed: many at a time, and in nobody's way.

PostgreSQL lets only one transaction that notifies commit at a time, and each claim and each `ready` would wait in that
line. What anybody else changes is told by a trigger, within the same transaction (migration 0008).
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

import structlog

from services.common.errors import WarmcastError
from services.common.runtime.background import beat, until_set
from services.jobs.domain.job import CHANGED_TOO_MANY
from services.jobs.postgres.driver.database import Database
from services.jobs.postgres.sql.edges import CHANGES

log = structlog.get_logger()

_PAUSE = 0.05  # seconds, which nobody who watches notices: what changes meanwhile is told together
# When a mass of jobs goes through, each word costs jobs, PostgreSQL and the gateways over 2 ms, for which callers wait
# (see benchmarks/RESULTS.md).
_LONGER_PAUSE = 0.25
_MASS = 5  # ids in a word, from which on the pause after it is the longer one
_RETRY_SECONDS = 1.0
_AT_ONCE = 350  # ids in a notification, which holds 8,000 bytes
_MOST = 10_000  # ids; of more than these it is only told that there were many

# Nothing is lost with this transaction, so that nobody has to wait for the disk. The condition locks no row, but makes
# a read-only server refuse: an old primary would notify nobody who listens at the new one.
_TELL = f"""
SELECT set_config('synchronous_commit', 'off', true), pg_notify('{CHANGES}', payload)
FROM unnest(%(payloads)s::text[]) AS payload
WHERE NOT EXISTS (SELECT FROM warmup_jobs WHERE false FOR UPDATE)
"""


class Telling:
    """What is to be told, and the loop that tells it.

    What a process that dies between a commit and its telling did not come to tell is made good by the first word of
    the one that follows it, which is to look anew; where none does, by `Changes`, which tells so each minute.
    """

    def __init__(self, database: Database) -> None:
        self._lane = database.lane()
        self._changed: dict[int, None] = {}  # ids in the order of their changes
        self._too_many = True  # whatever a predecessor did not come to tell
        self._some = asyncio.Event()

    def tell(self, job_ids: Iterable[int]) -> None:
        """Those jobs were changed, and it is committed."""
        self._changed.update(dict.fromkeys(job_ids))
        if len(self._changed) > _MOST:
            self.tell_to_look()
        if self._changed:
            self._some.set()

    def tell_to_look(self) -> None:
        """Something may have changed that nobody can name, such as by a statement whose answer was lost."""
        self._changed.clear()
        self._too_many = True
        self._some.set()

    async def run(self) -> None:
        """Tells for ever. Ends only when cancelled."""
        while True:
            pause = _LONGER_PAUSE if len(self._changed) >= _MASS else _PAUSE
            told = await self.flush()
            beat()
            await asyncio.sleep(pause if told else _RETRY_SECONDS)
            await until_set(self._some)

    async def flush(self) -> bool:
        """Tells what there is to tell; False: PostgreSQL cannot be asked, and it is still to be told."""
        self._some.clear()
        ids, self._changed = list(map(str, self._changed)), {}
        payloads = [",".join(ids[at : at + _AT_ONCE]) for at in range(0, len(ids), _AT_ONCE)]
        if self._too_many:
            payloads = [CHANGED_TOO_MANY]
        if not payloads:
            return True
        self._too_many = False
        try:
            await self._lane.fetch_once(_TELL, {"payloads": payloads})
        except WarmcastError as error:
            log.warning("changes are not told yet", reason=error.reason.name)
            self.tell_to_look()
            return False
        except BaseException:
            self.tell_to_look()
            raise
        return True
