"""What operators and schedules did, and bulk operations."""

from __future__ import annotations

from services.jobs.migrations import plain

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE operator_actions (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at TIMESTAMPTZ NOT NULL DEFAULT now(),
    operator TEXT NOT NULL,
    action TEXT NOT NULL,
    target JSONB NOT NULL,
    reason TEXT NOT NULL,
    count BIGINT NOT NULL,
    request_id TEXT NOT NULL,
    operation_id BIGINT
);
CREATE TABLE schedule_runs (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    schedule TEXT NOT NULL,
    started_at TIMESTAMPTZ NOT NULL,
    ended_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    succeeded BOOLEAN NOT NULL,
    count INTEGER NOT NULL,
    detail TEXT NOT NULL
);
CREATE INDEX schedule_runs_schedule_idx ON schedule_runs (schedule, ended_at);
CREATE TABLE bulk_operations (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    action TEXT NOT NULL CHECK (action IN ('requeue', 'cancel', 'warm')),
    filter JSONB NOT NULL,
    state TEXT NOT NULL DEFAULT 'prepared' CHECK (state IN ('prepared', 'running', 'done', 'aborted')),
    ids BIGINT[] NOT NULL,
    versions BIGINT[] NOT NULL,
    position INTEGER NOT NULL DEFAULT 0,
    matched INTEGER NOT NULL,
    done INTEGER NOT NULL DEFAULT 0,
    skipped INTEGER NOT NULL DEFAULT 0,
    operator TEXT NOT NULL,
    reason TEXT NOT NULL DEFAULT '',
    action_id BIGINT,
    holder TEXT,
    lease_expires_at TIMESTAMPTZ,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    started_at TIMESTAMPTZ,
    ended_at TIMESTAMPTZ
);
CREATE INDEX bulk_operations_open_idx ON bulk_operations (state, id) WHERE state IN ('prepared', 'running');
"""

DOWN = """
DROP TABLE bulk_operations;
DROP TABLE schedule_runs;
DROP TABLE operator_actions;
"""


def upgrade() -> None:
    plain.execute(TABLES)


def downgrade() -> None:
    plain.execute(DOWN)
