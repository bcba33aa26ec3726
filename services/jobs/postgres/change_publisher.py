"""Publishes which jobs this process changed, after the commit and many at a time.

PostgreSQL commits one transaction with NOTIFY at a time, so that NOTIFY within a claim or a completion would make them
wait for each other. The trigger on warmup_jobs publishes the changes of all other sessions in their own transactions.
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

_PAUSE = 0.05  # seconds; the changes of a pause are published together
# Each notification costs jobs, PostgreSQL and the gateways over 2 ms under load (see benchmarks/RESULTS.md).
_LONGER_PAUSE = 0.25
_MASS = 5  # ids in one publication, from which on the longer pause follows
_RETRY_SECONDS = 1.0
_IDS_PER_NOTIFICATION = 350  # a notification holds 8,000 bytes
_MAX_IDS = 10_000  # of more changes the notification names no ids

# The transaction changes no data, so it does not wait for the disk. FOR UPDATE locks no row, but a read-only server
# refuses it: the notifications of a former primary reach no listener of the new one.
_NOTIFY = f"""
SELECT set_config('synchronous_commit', 'off', true), pg_notify('{CHANGES}', payload)
FROM unnest(%(payloads)s::text[]) AS payload
WHERE NOT EXISTS (SELECT FROM warmup_jobs WHERE false FOR UPDATE)
"""


class ChangePublisher:
    """Collects ids of changed jobs, and the loop that publishes them.

    A process that dies between a commit and the notification publishes nothing. Its successor's first notification
    names no ids, so that watchers fetch all; without a successor, `Changes` has them do so once a minute.
    """

    def __init__(self, database: Database) -> None:
        self._connection = database.dedicated_connection()
        self._changed: dict[int, None] = {}  # ids in the order of their changes
        self._unknown = True  # changes that a predecessor did not publish
        self._pending = asyncio.Event()

    def publish(self, job_ids: Iterable[int]) -> None:
        """Schedules the publication of changes to these jobs, which are committed."""
        self._changed.update(dict.fromkeys(job_ids))
        if len(self._changed) > _MAX_IDS:
            self.publish_unknown()
        if self._changed:
            self._pending.set()

    def publish_unknown(self) -> None:
        """Schedules the publication of changes without ids, such as those of a statement whose response was lost."""
        self._changed.clear()
        self._unknown = True
        self._pending.set()

    async def run(self) -> None:
        """Publishes until cancelled."""
        while True:
            pause = _LONGER_PAUSE if len(self._changed) >= _MASS else _PAUSE
            published = await self.flush()
            beat()
            await asyncio.sleep(pause if published else _RETRY_SECONDS)
            await until_set(self._pending)

    async def flush(self) -> bool:
        """Publishes all pending changes. False: PostgreSQL is unavailable, and they stay pending."""
        self._pending.clear()
        ids, self._changed = list(map(str, self._changed)), {}
        payloads = [
            ",".join(ids[start : start + _IDS_PER_NOTIFICATION]) for start in range(0, len(ids), _IDS_PER_NOTIFICATION)
        ]
        if self._unknown:
            payloads = [CHANGED_TOO_MANY]
        if not payloads:
            return True
        self._unknown = False
        try:
            await self._connection.fetch_once(_NOTIFY, {"payloads": payloads})
        except WarmcastError as error:
            log.warning("change notifications delayed: PostgreSQL is unavailable", reason=error.reason.name)
            self.publish_unknown()
            return False
        except BaseException:
            self.publish_unknown()
            raise
        return True
