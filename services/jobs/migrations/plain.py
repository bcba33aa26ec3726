"""Migrations are written as plain SQL."""

from __future__ import annotations

from alembic import op


def execute(statements: str) -> None:
    """Executes statements that each end with a semicolon at the end of a line."""
    for statement in statements.split(";\n"):
        if statement.strip():
            op.execute(statement)
