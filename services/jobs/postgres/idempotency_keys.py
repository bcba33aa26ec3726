"""Idempotency-Keys in PostgreSQL: who runs a call, and what it answered.

A row whose `expires_at` has passed counts as absent, whatever it says: that is how an answer is forgotten, and how the
key of a holder that died is taken over.
"""

from __future__ import annotations

from services.common import errors
from services.common.errors import WarmcastError
from services.jobs.postgres.driver.database import Database

KEPT_SECONDS = 24 * 3600
LEASE_SECONDS = 30.0  # after which a holder that no longer renews is taken for dead
_DELETED_AT_ONCE = 20  # more than the one row that each call adds, so that the table shrinks back
_TRIES = 3

# Of two at once the second waits for the first one's row, and then finds that it has not expired.
BEGIN = """
INSERT INTO idempotency_keys AS held (method, key, fingerprint, holder, expires_at)
VALUES (%(method)s, %(key)s, %(fingerprint)s, %(holder)s, now() + make_interval(secs => %(lease)s))
ON CONFLICT (method, key) DO UPDATE SET
    fingerprint = excluded.fingerprint, holder = excluded.holder, response = NULL, created_at = now(),
    expires_at = excluded.expires_at
WHERE held.expires_at <= now()
RETURNING holder
"""

FETCH = """
SELECT fingerprint, holder, response FROM idempotency_keys
WHERE method = %(method)s AND key = %(key)s AND expires_at > now()
"""

_HELD = "method = %(method)s AND key = %(key)s AND holder = %(holder)s AND response IS NULL"

RENEW = f"""
UPDATE idempotency_keys SET expires_at = now() + make_interval(secs => %(lease)s) WHERE {_HELD} RETURNING key
"""

FINISH = f"""
UPDATE idempotency_keys SET response = %(response)s, expires_at = now() + make_interval(secs => %(kept)s)
WHERE {_HELD} RETURNING key
"""

RELEASE = f"DELETE FROM idempotency_keys WHERE {_HELD} RETURNING key"

# By their places, which locked rows keep: a plan from when the table was empty would else read all of it for a few.
DELETE_EXPIRED = """
DELETE FROM idempotency_keys WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM idempotency_keys WHERE expires_at <= now()
    ORDER BY expires_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED
))
RETURNING key
"""


class IdempotencyKeys:
    """The table of them. Every method raises WarmcastError(UNAVAILABLE) when PostgreSQL cannot be asked."""

    def __init__(self, database: Database, *, lease: float = LEASE_SECONDS) -> None:
        self._database = database
        self.lease = lease  # seconds

    async def begin(self, method: str, key: str, fingerprint: bytes, holder: str) -> bytes | None:
        """None: `holder` may run the call. Else what it answered before.

        Raises IDEMPOTENCY_MISMATCH where the key came with another request, IDEMPOTENCY_IN_PROGRESS while it runs.
        """
        named = {"method": method, "key": key, "holder": holder, "lease": self.lease, "fingerprint": fingerprint}
        for _ in range(_TRIES):
            if await self._database.fetch(BEGIN, named):
                return None
            rows = await self._database.fetch(FETCH, named)
            if not rows:
                continue  # released or expired between the two
            if rows[0]["fingerprint"] != fingerprint:
                detail = "this Idempotency-Key was sent with another request before; take a new one for this one"
                raise WarmcastError(errors.IDEMPOTENCY_MISMATCH, detail)
            if rows[0]["response"] is not None:
                answered: bytes = rows[0]["response"]
                return answered
            if rows[0]["holder"] == holder:
                return None  # the statement was sent twice, since its first answer was lost
            break
        detail = "a request with this Idempotency-Key is running; come again for its answer"
        raise WarmcastError(errors.IDEMPOTENCY_IN_PROGRESS, detail, retry_after=1)

    async def renew(self, method: str, key: str, holder: str) -> bool:
        """Keeps the key for another lease; False when it is no longer the holder's."""
        named = {"method": method, "key": key, "holder": holder, "lease": self.lease}
        return bool(await self._database.fetch(RENEW, named))

    async def finish(self, method: str, key: str, holder: str, response: bytes) -> bool:
        """Keeps the answer for 24 hours; False when the key is no longer the holder's."""
        named = {"method": method, "key": key, "holder": holder, "response": response, "kept": KEPT_SECONDS}
        return bool(await self._database.fetch(FINISH, named))

    async def release(self, method: str, key: str, holder: str) -> None:
        """Gives the key back: the call failed, and may be made again."""
        await self._database.fetch(RELEASE, {"method": method, "key": key, "holder": holder})

    async def delete_expired(self) -> int:
        """Deletes a few rows that have expired; how many."""
        return len(await self._database.fetch(DELETE_EXPIRED, {"limit": _DELETED_AT_ONCE}))
