"""Alembic's entry: runs the migrations on the connection that `services.jobs.migrate` hands over, or prints them."""

from __future__ import annotations

from alembic import context

from services.jobs.store.schema import metadata

if context.is_offline_mode():
    context.configure(dialect_name="postgresql", target_metadata=metadata, literal_binds=True)
    with context.begin_transaction():
        context.run_migrations()
else:
    context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
    with context.begin_transaction():
        context.run_migrations()
