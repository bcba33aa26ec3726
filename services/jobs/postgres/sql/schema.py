"""The tables in SQLAlchemy: listings are built from them, and a test compares the migrations with them."""

from __future__ import annotations

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    Double,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    Sequence,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    literal_column,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from services.common.job_status import JobStatus
from services.jobs.postgres.sql import history_schema
from services.jobs.postgres.sql.columns import identity, metadata, moment

__all__ = ["history_schema", "metadata"]  # `metadata` has the tables of both modules

# The terms of a slug and their spelling, for all timeframes and geos.
term_pairs = Table(
    "term_pairs",
    metadata,
    Column("slug", Text, primary_key=True),
    Column("term_a", Text, nullable=False),
    Column("term_b", Text, nullable=False),
    moment("created_at", nullable=False),
    # For searches by the beginning of either term, in its slug form.
    Index("term_pairs_slug_prefix_idx", "slug", postgresql_ops={"slug": "text_pattern_ops"}),
    Index(
        "term_pairs_second_prefix_idx",
        literal_column("split_part(slug, '-vs-', 2)").label("second"),
        postgresql_ops={"second": "text_pattern_ops"},
    ),
)

# Immutable rows, identified by their data hash.
snapshots = Table(
    "snapshots",
    metadata,
    identity(),
    Column("slug", Text, ForeignKey("term_pairs.slug"), nullable=False),
    Column("timeframe", Text, nullable=False),
    Column("geo", Text, nullable=False),
    Column("data_hash", Text, nullable=False),
    Column("times", ARRAY(DateTime(timezone=True)), nullable=False),
    Column("values_a", ARRAY(Double), nullable=False),
    Column("values_b", ARRAY(Double), nullable=False),
    Column("partial_last_period", Boolean, nullable=False),
    Column("scaled_apart", Boolean, nullable=False),
    Column("gaps_filled", Boolean, nullable=False),
    Column("source", Text, nullable=False),
    Column("as_of", DateTime(timezone=True), nullable=False),
    Column("cleaned", JSONB, nullable=False),
    Column("signals", JSONB, nullable=False),
    moment("created_at", nullable=False),
    UniqueConstraint("slug", "timeframe", "geo", "data_hash", name="snapshot_unique"),
    CheckConstraint(
        "cardinality(times) = cardinality(values_a) AND cardinality(times) = cardinality(values_b)", name="lengths"
    ),
    Index("snapshots_created_at_idx", "created_at"),
)

# The order of comparisons by demand, which does not change with time: the binary logarithm of the demand, which halves
# every half week, at a fixed moment; 0 without requests. Subtracting a moment makes it immutable. In PostgreSQL's
# spelling, so that a test can compare it with the migrations.
POPULARITY = (
    "COALESCE(ln(NULLIF(demand, 0::double precision)) / ln(2::double precision) + "
    "EXTRACT(epoch FROM last_requested_at - '1970-01-01 00:00:00+00'::timestamptz)::double precision "
    "/ 302400::double precision, 0::double precision)"
)

# One row for each comparison: its current and previous snapshots, and its demand.
comparisons = Table(
    "comparisons",
    metadata,
    identity(),
    Column("slug", Text, ForeignKey("term_pairs.slug"), nullable=False),
    Column("timeframe", Text, nullable=False),
    Column("geo", Text, nullable=False),
    Column("current_snapshot_id", BigInteger, ForeignKey("snapshots.id"), nullable=False),
    Column("previous_snapshot_id", BigInteger, ForeignKey("snapshots.id")),
    Column("demand", Double, nullable=False, server_default=text("0")),  # as of last_requested_at; it halves with time
    moment("last_requested_at"),
    moment("created_at", nullable=False),
    moment("updated_at", nullable=False),
    UniqueConstraint("slug", "timeframe", "geo", name="comparison_unique"),
    Index("comparisons_current_snapshot_idx", "current_snapshot_id"),
    Index("comparisons_previous_snapshot_idx", "previous_snapshot_id"),
    Index("comparisons_popularity_idx", text(POPULARITY), "id"),
)

# Never reset, since lease ids are fencing tokens.
lease_ids = Sequence("warmup_lease_ids", metadata=metadata)

# Behind the order of a list of jobs, its index has what the list is filtered by: see job_filter.py.
_LIST_ORDER = ("created_at", "id")
_LISTED_STATUS = text("('' || status)")
_LIST_FILTERS = ("timeframe", "geo", "reason")

warmup_jobs = Table(
    "warmup_jobs",
    metadata,
    identity(),
    Column("slug", Text, nullable=False),
    Column("timeframe", Text, nullable=False),
    Column("geo", Text, nullable=False),
    Column("data_hash", Text, nullable=False),
    Column("status", Text, nullable=False, server_default=text("'queued'")),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    Column("last_error", Text),
    Column("debug_id", Text, nullable=False, server_default=text("gen_random_uuid()")),
    moment("created_at", nullable=False),
    moment("updated_at", nullable=False),
    moment("started_at"),
    moment("completed_at"),
    Column("version", BigInteger, nullable=False, server_default=text("1")),
    Column("reason", Text, nullable=False, server_default=text("'by-hand'")),  # of the current episode
    Column("priority", SmallInteger, nullable=False, server_default=text("0")),  # lower runs first
    moment("queued_at", nullable=False),
    moment("not_before"),
    Column("requeues", Integer, nullable=False, server_default=text("0")),  # rescues, over all episodes
    Column("lease_id", BigInteger, nullable=False, server_default=text("0")),
    moment("lease_expires_at"),
    moment("deadline_at"),
    # Of the last claim; they stay when its run has ended.
    Column("holder", Text),
    moment("due_at"),  # when that attempt could have started
    Column("trace_id", Uuid),
    # Bundles with a lease above this one belong to the current episode.
    Column("adopt_above_lease", BigInteger, nullable=False, server_default=text("0")),
    Column("force", Boolean, nullable=False, server_default=text("false")),
    Column("failures", Integer, nullable=False, server_default=text("0")),  # since the last `ready`
    moment("cooldown_until"),
    Column("engine_version", Text),  # of the last `ready`
    Column("error_reason", Text),  # of last_error
    UniqueConstraint("slug", "timeframe", "geo", "data_hash", name="warmup_job_unique"),
    ForeignKeyConstraint(
        ["slug", "timeframe", "geo", "data_hash"],
        ["snapshots.slug", "snapshots.timeframe", "snapshots.geo", "snapshots.data_hash"],
    ),
    CheckConstraint(f"status IN ({', '.join(repr(status.value) for status in JobStatus)})", name="status"),
    # Of lists. A transition writes an entry into each index that has the job: the second has no ready ones, which most
    # are.
    # Without the engine version, which each completion sets: PostgreSQL would not clean up the entries before a vacuum.
    Index("warmup_jobs_list_idx", *_LIST_ORDER, *_LIST_FILTERS),
    Index(
        "warmup_jobs_of_status_idx",
        _LISTED_STATUS,
        *_LIST_ORDER,
        *_LIST_FILTERS,
        "engine_version",
        postgresql_where=text("status <> 'ready'"),
    ),
    Index(
        "warmup_jobs_of_error_idx",
        "error_reason",
        *_LIST_ORDER,
        _LISTED_STATUS,
        *_LIST_FILTERS,
        "engine_version",
        postgresql_where=text("error_reason IS NOT NULL"),
    ),
    # Of milestones: how far a page of a list examines jobs.
    Index("warmup_jobs_milestones_idx", *_LIST_ORDER, postgresql_where=text("mod(id, 2500) = 0")),
    Index("warmup_jobs_far_milestones_idx", *_LIST_ORDER, postgresql_where=text("mod(id, 50000) = 0")),
    Index("warmup_jobs_queued_at_idx", "queued_at", postgresql_where=text("status = 'queued'")),
    Index("warmup_jobs_claim_idx", "priority", "queued_at", "id", postgresql_where=text("status = 'queued'")),
    Index(
        "warmup_jobs_not_before_idx",
        "not_before",
        postgresql_where=text("status = 'queued' AND not_before IS NOT NULL"),
    ),
    Index("warmup_jobs_due_idx", text("GREATEST(queued_at, not_before)"), postgresql_where=text("status = 'queued'")),
    Index("warmup_jobs_lease_idx", "lease_expires_at", postgresql_where=text("status = 'running'")),
    Index(
        "warmup_jobs_settled_idx",
        "status",
        "updated_at",
        postgresql_where=text("status IN ('ready', 'failed', 'cancelled')"),
    ),
)

# The last audited job: one row, or none before the first sweep.
audit_position = Table(
    "audit_position",
    metadata,
    Column("singleton", Boolean, primary_key=True, server_default=text("true")),
    Column("after_id", BigInteger, nullable=False),
    moment("updated_at", nullable=False),
    CheckConstraint("singleton", name="singleton"),
)

# Forecasts, kept until the actual values are imported.
forecast_records = Table(
    "forecast_records",
    metadata,
    identity(),
    Column("job_id", BigInteger, ForeignKey("warmup_jobs.id"), nullable=False),
    Column("lease_id", BigInteger, nullable=False),
    Column("label", Text, nullable=False),
    Column("term", Text, nullable=False),
    Column("engine_version", Text, nullable=False),
    Column("forecast_hash", Text, nullable=False),
    Column("direction", Text, nullable=False),
    Column("generated_at", DateTime(timezone=True), nullable=False),
    Column("times", ARRAY(DateTime(timezone=True)), nullable=False),
    Column("point_values", ARRAY(Double), nullable=False),
    Column("lower80", ARRAY(Double), nullable=False),
    Column("upper80", ARRAY(Double), nullable=False),
    Column("lower95", ARRAY(Double), nullable=False),
    Column("upper95", ARRAY(Double), nullable=False),
    moment("created_at", nullable=False),
    Column("confidence", Double),  # of the direction, 0 to 100; null: from a forecaster of an earlier release
    # An engine version computes the same forecast for a snapshot on each refresh: one row.
    UniqueConstraint("job_id", "label", "forecast_hash", name="forecast_record_unique"),
    CheckConstraint("label IN ('termA', 'termB')", name="label"),
)

# Scores of forecasts. No foreign keys: a score outlives its record, job and snapshots.
forecast_scores = Table(
    "forecast_scores",
    metadata,
    identity(),
    Column("record_a_id", BigInteger, nullable=False),
    Column("record_b_id", BigInteger, nullable=False),
    Column("slug", Text, nullable=False),
    Column("timeframe", Text, nullable=False),
    Column("geo", Text, nullable=False),
    Column("data_hash", Text, nullable=False),  # of the snapshot that was forecast
    Column("actual_snapshot_id", BigInteger, nullable=False),
    Column("actual_data_hash", Text, nullable=False),
    Column("engine_version", Text, nullable=False),
    Column("generated_at", DateTime(timezone=True), nullable=False),
    Column("dates", Integer, nullable=False),
    Column("winner_right", Boolean),  # null: a tie
    *(Column(f"direction_right_{term}", Boolean, nullable=False) for term in "ab"),
    *(Column(f"hits{level}_{term}", Integer, nullable=False) for level in (80, 95) for term in "ab"),
    *(Column(f"mae_{term}", Double, nullable=False) for term in "ab"),
    *(Column(f"mase_{term}", Double) for term in "ab"),
    moment("scored_at", nullable=False),
    # A forecast is scored once, also with concurrent imports.
    UniqueConstraint("record_a_id", name="forecast_score_unique"),
    Index("forecast_scores_forecast_idx", "slug", "timeframe", "geo", "data_hash"),
)

# Sums of the scores, so that reports need not read all: one row for each timeframe and day, and one for all time.
forecast_score_sums = Table(
    "forecast_score_sums",
    metadata,
    Column("day", Date, primary_key=True),  # UTC; -infinity is all time
    Column("timeframe", Text, primary_key=True),
    *(
        Column(name, BigInteger, nullable=False)
        for name in ("forecasts", "winners", "winners_right", "directions_right", "points", "hits80", "hits95")
    ),
    Column("mae_sum", Double, nullable=False),
    Column("mases", BigInteger, nullable=False),
    Column("mase_sum", Double, nullable=False),
)

# Sums of the scores by measure (services.jobs.domain.accuracy), with those of squares, for the uncertainty of shares.
accuracy_sums = Table(
    "accuracy_sums",
    metadata,
    Column("week", Date, primary_key=True),  # its Monday, UTC
    *(Column(name, Text, primary_key=True) for name in ("timeframe", "engine_version", "measure")),
    Column("forecasts", BigInteger, nullable=False),
    Column("trials", BigInteger, nullable=False),
    *(
        Column(name, Double, nullable=False)
        for name in ("hits", "said", "trials_squared", "trials_hits", "hits_squared")
    ),
)

# Responses by Idempotency-Key; null while the call runs.
idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    Column("method", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("fingerprint", LargeBinary, nullable=False),  # SHA-256 of the request
    Column("holder", Text, nullable=False),  # a random id a call
    Column("response", LargeBinary),
    moment("created_at", nullable=False),
    Column("expires_at", DateTime(timezone=True), nullable=False),
    Index("idempotency_keys_expires_at_idx", "expires_at"),
)
