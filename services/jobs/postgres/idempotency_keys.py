"""Idempotency-Keys in PostgreSQL: the holder of a running call, and its response.

A row past its `expires_at` counts as absent: a response has expired, or the holder has died and another takes over.
"""

from __future__ import annotations

from services.common import errors
from services.common.errors import WarmcastError
from services.jobs.postgres.driver.database import Database

KEPT_SECONDS = 24 * 3600
LEASE_SECONDS = 30.0  # without a renewal, after which the holder counts as dead
_DELETED_AT_ONCE = 20  # more than the one row that each call adds, so that the table shrinks
_TRIES = 3

# Of two concurrent calls the second waits for the row of the first, which has not expired then.
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

# By ctid, which locked rows keep: a plan that was made while the table was empty would otherwise scan it.
DELETE_EXPIRED = """
DELETE FROM idempotency_keys WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM idempotency_keys WHERE expires_at <= now()
    ORDER BY expires_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED
))
RETURNING key
"""


class IdempotencyKeys:
    """The table of keys. Every method raises WarmcastError(UNAVAILABLE) when PostgreSQL is unavailable."""

    def __init__(self, database: Database, *, lease: float = LEASE_SECONDS) -> None:
        self._database = database
        self.lease = lease  # seconds

    async def begin(self, method: str, key: str, fingerprint: bytes, holder: str) -> bytes | None:
        """None: `holder` may run the call. Otherwise the stored response.

        Raises IDEMPOTENCY_MISMATCH if the key belongs to another request, IDEMPOTENCY_IN_PROGRESS while that runs.
        """
        named = {"method": method, "key": key, "holder": holder, "lease": self.lease, "fingerprint": fingerprint}
        for _ in range(_TRIES):
            if await self._database.fetch(BEGIN, named):
                return None
            rows = await self._database.fetch(FETCH, named)
            if not rows:
                continue  # released or expired between the two
            if rows[0]["fingerprint"] != fingerprint:
                detail = "this Idempotency-Key was used for another request; use a new key"
                raise WarmcastError(errors.IDEMPOTENCY_MISMATCH, detail)
            if rows[0]["response"] is not None:
                response: bytes = rows[0]["response"]
                return response
            if rows[0]["holder"] == holder:
                return None  # the statement was retried after a lost response
            break
        detail = "a request with this Idempotency-Key is running; retry for its response"
        raise WarmcastError(errors.IDEMPOTENCY_IN_PROGRESS, detail, retry_after=1)

    async def renew(self, method: str, key: str, holder: str) -> bool:
        """Renews the lease on the key; False: it has another holder."""
        named = {"method": method, "key": key, "holder": holder, "lease": self.lease}
        return bool(await self._database.fetch(RENEW, named))

    async def finish(self, method: str, key: str, holder: str, response: bytes) -> bool:
        """Stores the response for 24 hours; False: the key has another holder."""
        named = {"method": method, "key": key, "holder": holder, "response": response, "kept": KEPT_SECONDS}
        return bool(await self._database.fetch(FINISH, named))

    async def release(self, method: str, key: str, holder: str) -> None:
        """Deletes the key of a failed call, which may be retried."""
        await self._database.fetch(RELEASE, {"method": method, "key": key, "holder": holder})

    async def delete_expired(self) -> int:
        """Deletes a few expired rows; returns their number."""
        return len(await self._database.fetch(DELETE_EXPIRED, {"limit": _DELETED_AT_ONCE}))
