"""The first schema: comparisons and snapshots, warmup jobs, the track record, idempotency keys.

Revisions 0001 to 0012 were of development versions, and a database at one of them is refused.
"""

from __future__ import annotations

from alembic import op

from services.jobs.migrations import plain

revision = "0013"
down_revision = None
branch_labels = None
depends_on = None

TABLES = """
CREATE SEQUENCE warmup_lease_ids;

CREATE TABLE term_pairs (
    slug TEXT NOT NULL,
    term_a TEXT NOT NULL,
    term_b TEXT NOT NULL,
    created_at TIMESTAMPTZ DEFAULT now() NOT NULL,
    CONSTRAINT term_pairs_pkey PRIMARY KEY (slug)
);

CREATE TABLE snapshots (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    slug TEXT NOT NULL,
    timeframe TEXT NOT NULL,
    geo TEXT NOT NULL,
    data_hash TEXT NOT NULL,
    times TIMESTAMPTZ[] NOT NULL,
    values_a DOUBLE PRECISION[] NOT NULL,
    values_b DOUBLE PRECISION[] NOT NULL,
    partial_last_period BOOLEAN NOT NULL,
    scaled_apart BOOLEAN NOT NULL,
    gaps_filled BOOLEAN NOT NULL,
    source TEXT NOT NULL,
    as_of TIMESTAMPTZ NOT NULL,
    cleaned JSONB NOT NULL,
    signals JSONB NOT NULL,
    created_at TIMESTAMPTZ DEFAULT now() NOT NULL,
    CONSTRAINT snapshots_pkey PRIMARY KEY (id),
    CONSTRAINT snapshot_unique UNIQUE (slug, timeframe, geo, data_hash),
    CONSTRAINT snapshots_lengths_check
        CHECK (cardinality(times) = cardinality(values_a) AND cardinality(times) = cardinality(values_b)),
    CONSTRAINT snapshots_slug_fkey FOREIGN KEY(slug) REFERENCES term_pairs (slug)
);

CREATE INDEX snapshots_created_at_idx ON snapshots (created_at);

CREATE TABLE comparisons (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    slug TEXT NOT NULL,
    timeframe TEXT NOT NULL,
    geo TEXT NOT NULL,
    current_snapshot_id BIGINT NOT NULL,
    previous_snapshot_id BIGINT,
    demand DOUBLE PRECISION DEFAULT 0 NOT NULL,
    last_requested_at TIMESTAMPTZ,
    created_at TIMESTAMPTZ DEFAULT now() NOT NULL,
    updated_at TIMESTAMPTZ DEFAULT now() NOT NULL,
    CONSTRAINT comparisons_pkey PRIMARY KEY (id),
    CONSTRAINT comparison_unique UNIQUE (slug, timeframe, geo),
    CONSTRAINT comparisons_slug_fkey FOREIGN KEY(slug) REFERENCES term_pairs (slug),
    CONSTRAINT comparisons_current_snapshot_id_fkey FOREIGN KEY(current_snapshot_id) REFERENCES snapshots (id),
    CONSTRAINT comparisons_previous_snapshot_id_fkey FOREIGN KEY(previous_snapshot_id) REFERENCES snapshots (id)
);

CREATE INDEX comparisons_current_snapshot_idx ON comparisons (current_snapshot_id);
CREATE INDEX comparisons_previous_snapshot_idx ON comparisons (previous_snapshot_id);

CREATE TABLE warmup_jobs (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    slug TEXT NOT NULL,
    timeframe TEXT NOT NULL,
    geo TEXT NOT NULL,
    data_hash TEXT NOT NULL,
    status TEXT DEFAULT 'queued' NOT NULL,
    attempts INTEGER DEFAULT 0 NOT NULL,
    last_error TEXT,
    debug_id TEXT DEFAULT gen_random_uuid() NOT NULL,
    created_at TIMESTAMPTZ DEFAULT now() NOT NULL,
    updated_at TIMESTAMPTZ DEFAULT now() NOT NULL,
    started_at TIMESTAMPTZ,
    completed_at TIMESTAMPTZ,
    version BIGINT DEFAULT 1 NOT NULL,
    reason TEXT DEFAULT 'by-hand' NOT NULL,
    priority SMALLINT DEFAULT 0 NOT NULL,
    queued_at TIMESTAMPTZ DEFAULT now() NOT NULL,
    not_before TIMESTAMPTZ,
    requeues INTEGER DEFAULT 0 NOT NULL,
    lease_id BIGINT DEFAULT 0 NOT NULL,
    lease_expires_at TIMESTAMPTZ,
    deadline_at TIMESTAMPTZ,
    holder TEXT,
    adopt_above_lease BIGINT DEFAULT 0 NOT NULL,
    force BOOLEAN DEFAULT false NOT NULL,
    failures INTEGER DEFAULT 0 NOT NULL,
    cooldown_until TIMESTAMPTZ,
    engine_version TEXT,
    CONSTRAINT warmup_jobs_pkey PRIMARY KEY (id),
    CONSTRAINT warmup_job_unique UNIQUE (slug, timeframe, geo, data_hash),
    CONSTRAINT warmup_jobs_slug_timeframe_geo_data_hash_fkey
        FOREIGN KEY(slug, timeframe, geo, data_hash)
        REFERENCES snapshots (slug, timeframe, geo, data_hash),
    CONSTRAINT warmup_jobs_status_check CHECK (status IN ('queued', 'running', 'ready', 'failed', 'cancelled'))
);

CREATE INDEX warmup_jobs_claim_idx ON warmup_jobs (priority, queued_at, id) WHERE status = 'queued';
CREATE INDEX warmup_jobs_created_at_idx ON warmup_jobs (created_at);
CREATE INDEX warmup_jobs_due_idx ON warmup_jobs (GREATEST(queued_at, not_before)) WHERE status = 'queued';
CREATE INDEX warmup_jobs_lease_idx ON warmup_jobs (lease_expires_at) WHERE status = 'running';
CREATE INDEX warmup_jobs_not_before_idx ON warmup_jobs (not_before) WHERE status = 'queued' AND not_before IS NOT NULL;
CREATE INDEX warmup_jobs_queued_at_idx ON warmup_jobs (queued_at) WHERE status = 'queued';
CREATE INDEX warmup_jobs_settled_idx ON warmup_jobs (status, updated_at)
    WHERE status IN ('ready', 'failed', 'cancelled');
CREATE INDEX warmup_jobs_status_created_at_idx ON warmup_jobs (status, created_at);

CREATE TABLE audit_position (
    singleton BOOLEAN DEFAULT true NOT NULL,
    after_id BIGINT NOT NULL,
    updated_at TIMESTAMPTZ DEFAULT now() NOT NULL,
    CONSTRAINT audit_position_pkey PRIMARY KEY (singleton),
    CONSTRAINT audit_position_singleton_check CHECK (singleton)
);

CREATE TABLE forecast_records (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    job_id BIGINT NOT NULL,
    lease_id BIGINT NOT NULL,
    label TEXT NOT NULL,
    term TEXT NOT NULL,
    engine_version TEXT NOT NULL,
    forecast_hash TEXT NOT NULL,
    direction TEXT NOT NULL,
    generated_at TIMESTAMPTZ NOT NULL,
    times TIMESTAMPTZ[] NOT NULL,
    point_values DOUBLE PRECISION[] NOT NULL,
    lower80 DOUBLE PRECISION[] NOT NULL,
    upper80 DOUBLE PRECISION[] NOT NULL,
    lower95 DOUBLE PRECISION[] NOT NULL,
    upper95 DOUBLE PRECISION[] NOT NULL,
    created_at TIMESTAMPTZ DEFAULT now() NOT NULL,
    CONSTRAINT forecast_records_pkey PRIMARY KEY (id),
    CONSTRAINT forecast_record_unique UNIQUE (job_id, label, forecast_hash),
    CONSTRAINT forecast_records_label_check CHECK (label IN ('termA', 'termB')),
    CONSTRAINT forecast_records_job_id_fkey FOREIGN KEY(job_id) REFERENCES warmup_jobs (id)
);

CREATE TABLE forecast_scores (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    record_a_id BIGINT NOT NULL,
    record_b_id BIGINT NOT NULL,
    slug TEXT NOT NULL,
    timeframe TEXT NOT NULL,
    geo TEXT NOT NULL,
    data_hash TEXT NOT NULL,
    actual_snapshot_id BIGINT NOT NULL,
    actual_data_hash TEXT NOT NULL,
    engine_version TEXT NOT NULL,
    generated_at TIMESTAMPTZ NOT NULL,
    dates INTEGER NOT NULL,
    winner_right BOOLEAN,
    direction_right_a BOOLEAN NOT NULL,
    direction_right_b BOOLEAN NOT NULL,
    hits80_a INTEGER NOT NULL,
    hits80_b INTEGER NOT NULL,
    hits95_a INTEGER NOT NULL,
    hits95_b INTEGER NOT NULL,
    mae_a DOUBLE PRECISION NOT NULL,
    mae_b DOUBLE PRECISION NOT NULL,
    mase_a DOUBLE PRECISION,
    mase_b DOUBLE PRECISION,
    scored_at TIMESTAMPTZ DEFAULT now() NOT NULL,
    CONSTRAINT forecast_scores_pkey PRIMARY KEY (id),
    CONSTRAINT forecast_score_unique UNIQUE (record_a_id)
);

CREATE INDEX forecast_scores_forecast_idx ON forecast_scores (slug, timeframe, geo, data_hash);

CREATE TABLE forecast_score_sums (
    day DATE NOT NULL,
    timeframe TEXT NOT NULL,
    forecasts BIGINT NOT NULL,
    winners BIGINT NOT NULL,
    winners_right BIGINT NOT NULL,
    directions_right BIGINT NOT NULL,
    points BIGINT NOT NULL,
    hits80 BIGINT NOT NULL,
    hits95 BIGINT NOT NULL,
    mae_sum DOUBLE PRECISION NOT NULL,
    mases BIGINT NOT NULL,
    mase_sum DOUBLE PRECISION NOT NULL,
    CONSTRAINT forecast_score_sums_pkey PRIMARY KEY (day, timeframe)
);
CREATE TABLE idempotency_keys (
    method TEXT NOT NULL,
    key TEXT NOT NULL,
    fingerprint BYTEA NOT NULL,
    holder TEXT NOT NULL,
    response BYTEA,
    created_at TIMESTAMPTZ DEFAULT now() NOT NULL,
    expires_at TIMESTAMPTZ NOT NULL,
    CONSTRAINT idempotency_keys_pkey PRIMARY KEY (method, key)
);
CREATE INDEX idempotency_keys_expires_at_idx ON idempotency_keys (expires_at);
"""

# One notification a statement, not one a row: a drain settles hundreds at once. A notification holds 8,000 bytes, so
# one of more than 300 rows names none of them.
NOTIFY_FUNCTION = """
CREATE FUNCTION warmup_jobs_notify() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE job_ids text;
BEGIN
    SELECT CASE WHEN count(*) > 300 THEN '*' ELSE string_agg(CAST(id AS text), ',') END INTO job_ids FROM changed;
    IF job_ids IS NOT NULL THEN
        PERFORM pg_notify('warmcast_changes', job_ids);
    END IF;
    RETURN NULL;
END
$$
"""

# Not for the sessions of jobs, which publish their changes after the commit: NOTIFY within each transaction cost a
# twentieth of an enqueue and of a claim.
TRIGGERS = """
CREATE TRIGGER warmup_jobs_notify_inserted AFTER INSERT ON warmup_jobs
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT
    WHEN (current_setting('warmcast.publishes_changes', true) IS DISTINCT FROM 'on')
    EXECUTE FUNCTION warmup_jobs_notify();
CREATE TRIGGER warmup_jobs_notify_updated AFTER UPDATE ON warmup_jobs
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT
    WHEN (current_setting('warmcast.publishes_changes', true) IS DISTINCT FROM 'on')
    EXECUTE FUNCTION warmup_jobs_notify();
"""

DOWN = """
DROP TABLE idempotency_keys;
DROP TABLE forecast_score_sums;
DROP TABLE forecast_scores;
DROP TABLE forecast_records;
DROP TABLE audit_position;
DROP TABLE warmup_jobs;
DROP FUNCTION warmup_jobs_notify();
DROP TABLE comparisons;
DROP TABLE snapshots;
DROP TABLE term_pairs;
DROP SEQUENCE warmup_lease_ids;
"""


def upgrade() -> None:
    plain.execute(TABLES)
    op.execute(NOTIFY_FUNCTION)
    plain.execute(TRIGGERS)


def downgrade() -> None:
    plain.execute(DOWN)
