"""Builds and drops indexes of tables in use without blocking reads or writes.

Both run outside a transaction, so the statements before them are committed, and repeated when the migration is: give an
index a migration of its own.
"""

from __future__ import annotations

from alembic import op
from sqlalchemy import text

_IS_VALID = text("SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(:name)")


def create(name: str, on: str, *, unique: bool = False) -> None:
    """Builds `name` on `on`, such as `warmup_jobs (slug) WHERE status = 'queued'`, unless it exists.

    An invalid index, left by an interrupted build, is dropped and rebuilt.
    """
    kind = "UNIQUE INDEX" if unique else "INDEX"
    if op.get_context().as_sql:
        # Printed SQL is for an empty database, and psql may run it in one transaction.
        op.execute(f"CREATE {kind} {name} ON {on}")
        return
    with op.get_context().autocommit_block():
        is_valid = op.get_bind().execute(_IS_VALID, {"name": name}).scalar_one_or_none()
        if is_valid is False:
            op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
        if not is_valid:
            op.execute(f"CREATE {kind} CONCURRENTLY {name} ON {on}")


def drop(name: str) -> None:
    """Drops `name` if it exists."""
    if op.get_context().as_sql:
        op.execute(f"DROP INDEX IF EXISTS {name}")
        return
    with op.get_context().autocommit_block():
        op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
