"""The tables of the history: attempts and their sums, what operators and schedules did, and bulk operations."""

from __future__ import annotations

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Index,
    Integer,
    Table,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from services.jobs.postgres.sql.columns import identity, metadata, moment

# The history: one row for each attempt that has ended. No foreign key, which would cost a look-up for each: rows are
# deleted by their age, and no job is deleted earlier.
warmup_attempts = Table(
    "warmup_attempts",
    metadata,
    Column("job_id", BigInteger, primary_key=True),
    Column("lease_id", BigInteger, primary_key=True),
    Column("attempt", Integer, nullable=False),  # in its episode
    Column("reason", Text, nullable=False),  # of its episode
    Column("holder", Text),
    moment("due_at"),  # when it could have started; null if a replica of an older release claimed it
    Column("claimed_at", DateTime(timezone=True), nullable=False),
    moment("ended_at", nullable=False),
    Column("outcome", Text, nullable=False),
    Column("error_reason", Text),
    Column("error", Text),
    Column("engine_version", Text),
    Column("debug_id", Text, nullable=False),
    Column("trace_id", Uuid),
    Column("adopted", Boolean, nullable=False, server_default=text("false")),
    moment("refused_at"),  # of a late result
    Index("warmup_attempts_ended_at_idx", "ended_at"),
    Index("warmup_attempts_refused_at_idx", "refused_at", postgresql_where=text("refused_at IS NOT NULL")),
)

# Sums over attempts: one row for each minute and hour, outcome and error reason. Histograms are arrays of buckets and
# their counts; see services/jobs/domain/reports/statistics.py.
attempt_statistics = Table(
    "attempt_statistics",
    metadata,
    Column("seconds", Integer, primary_key=True, autoincrement=False),  # 60 or 3,600
    Column("start", DateTime(timezone=True), primary_key=True),
    Column("outcome", Text, primary_key=True),  # of an attempt, or late-result-refused
    Column("error_reason", Text, primary_key=True),
    Column("count", BigInteger, nullable=False),
    Column("cache_losses", BigInteger, nullable=False),
    *(
        Column(f"{measure}_{name}", ARRAY(kind), nullable=False)
        for measure in ("wait", "run")
        for name, kind in (("buckets", Integer), ("counts", BigInteger))
    ),
)

# The minute up to which they are complete: one row, or none before the first computation.
attempt_statistics_position = Table(
    "attempt_statistics_position",
    metadata,
    Column("singleton", Boolean, primary_key=True, server_default=text("true")),
    Column("until", DateTime(timezone=True), nullable=False),
    moment("updated_at", nullable=False),
    CheckConstraint("singleton", name="singleton"),
)

# What operators did, and how many jobs it changed.
operator_actions = Table(
    "operator_actions",
    metadata,
    identity(),
    moment("at", nullable=False),
    Column("operator", Text, nullable=False),  # self-declared, or `secret`
    Column("action", Text, nullable=False),
    Column("target", JSONB, nullable=False),
    Column("reason", Text, nullable=False),
    Column("count", BigInteger, nullable=False),
    Column("request_id", Text, nullable=False),
    Column("operation_id", BigInteger),  # no foreign key: an action outlives its operation
    Column("error", Text, nullable=False, server_default=text("''")),  # of a bulk operation that failed
)

# Runs of the RPCs that schedules call.
schedule_runs = Table(
    "schedule_runs",
    metadata,
    identity(),
    Column("schedule", Text, nullable=False),
    Column("started_at", DateTime(timezone=True), nullable=False),
    moment("ended_at", nullable=False),
    Column("succeeded", Boolean, nullable=False),
    Column("count", Integer, nullable=False),
    Column("detail", Text, nullable=False),
    Index("schedule_runs_schedule_idx", "schedule", "ended_at"),
)

# Operations on all that matched a filter: what matched, and how far it is changed.
bulk_operations = Table(
    "bulk_operations",
    metadata,
    identity(),
    Column("action", Text, nullable=False),
    Column("filter", JSONB, nullable=False),
    Column("state", Text, nullable=False, server_default=text("'prepared'")),
    # Of jobs, or of snapshots with the version of their job (0: none); empty once the operation has ended.
    Column("ids", ARRAY(BigInteger), nullable=False),
    Column("versions", ARRAY(BigInteger), nullable=False),
    Column("position", Integer, nullable=False, server_default=text("0")),  # how many of them were processed
    Column("matched", Integer, nullable=False),
    Column("done", Integer, nullable=False, server_default=text("0")),
    Column("skipped", Integer, nullable=False, server_default=text("0")),
    Column("operator", Text, nullable=False),
    Column("reason", Text, nullable=False, server_default=text("''")),
    Column("action_id", BigInteger),  # of its row in operator_actions
    Column("holder", Text),  # the process that runs it
    moment("lease_expires_at"),
    moment("created_at", nullable=False),
    moment("started_at"),
    moment("ended_at"),
    Column("error", Text, nullable=False, server_default=text("''")),  # of the batch that failed last
    Column("failures", Integer, nullable=False, server_default=text("0")),  # of this batch
    moment("retry_at"),  # of a batch that failed
    CheckConstraint("state IN ('prepared', 'running', 'done', 'aborted', 'failed')", name="state"),
    CheckConstraint("action IN ('requeue', 'cancel', 'warm')", name="action"),
    Index("bulk_operations_open_idx", "state", "id", postgresql_where=text("state IN ('prepared', 'running')")),
)
