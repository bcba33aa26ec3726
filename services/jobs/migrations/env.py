"""Alembic's entry: runs the migrations on the connection that services.jobs.migrator provides, or prints them.

Each commits by itself, or the locks of one would be held while the next waits for its own.
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
