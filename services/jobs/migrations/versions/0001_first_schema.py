"""First schema: term pairs, snapshots, comparisons, warmup jobs and the forecasts kept for the track record."""

from __future__ import annotations

from services.jobs.migrations import plain

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

UP = """
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
    last_asked_at TIMESTAMPTZ,
    created_at TIMESTAMPTZ DEFAULT now() NOT NULL,
    updated_at TIMESTAMPTZ DEFAULT now() NOT NULL,
    CONSTRAINT comparisons_pkey PRIMARY KEY (id),
    CONSTRAINT comparison_unique UNIQUE (slug, timeframe, geo),
    CONSTRAINT comparisons_slug_fkey FOREIGN KEY(slug) REFERENCES term_pairs (slug),
    CONSTRAINT comparisons_current_snapshot_id_fkey FOREIGN KEY(current_snapshot_id) REFERENCES snapshots (id),
    CONSTRAINT comparisons_previous_snapshot_id_fkey FOREIGN KEY(previous_snapshot_id) REFERENCES snapshots (id)
);

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
CREATE INDEX warmup_jobs_completed_at_idx ON warmup_jobs (completed_at) WHERE status = 'ready';
CREATE INDEX warmup_jobs_created_at_idx ON warmup_jobs (created_at);
CREATE INDEX warmup_jobs_lease_idx ON warmup_jobs (lease_expires_at) WHERE status = 'running';
CREATE INDEX warmup_jobs_not_before_idx ON warmup_jobs (not_before) WHERE status = 'queued' AND not_before IS NOT NULL;
CREATE INDEX warmup_jobs_queued_at_idx ON warmup_jobs (queued_at) WHERE status = 'queued';
CREATE INDEX warmup_jobs_slug_idx ON warmup_jobs (slug);
CREATE INDEX warmup_jobs_status_created_at_idx ON warmup_jobs (status, created_at);
CREATE INDEX warmup_jobs_status_updated_at_idx ON warmup_jobs (status, updated_at);
CREATE INDEX warmup_jobs_status_idx ON warmup_jobs (status);

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
"""

DOWN = """
DROP TABLE forecast_records;
DROP TABLE warmup_jobs;
DROP TABLE comparisons;
DROP TABLE snapshots;
DROP TABLE term_pairs;
DROP SEQUENCE warmup_lease_ids;
"""


def upgrade() -> None:
    plain.execute(UP)


def downgrade() -> None:
    plain.execute(DOWN)
