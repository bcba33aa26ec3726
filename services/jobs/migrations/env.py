"""Alembic's entry point: runs the migrations on the connection of services.jobs.migrator, or prints them.

Each migration commits by itself, so that its locks are not held while the next one waits for its own.
"""

from __future__ import annotations

from alembic import context

from services.jobs.postgres.sql.schema import metadata

if context.is_offline_mode():
    context.configure(
        dialect_name="postgresql", target_metadata=metadata, literal_binds=True, transaction_per_migration=True
    )
else:
    context.configure(
        connection=context.config.attributes["connection"], target_metadata=metadata, transaction_per_migration=True
    )
with context.begin_transaction():
    context.run_migrations()
