"""A ledger of all transitions of jobs, written by triggers of the harness, and SQL that counts violations in it.

Rows are never changed. `writer` is the process that made the transition: each connection sets it as `chaos.writer`.
It reveals a runner that changes a job whose lease another one holds.
"""

from __future__ import annotations

import psycopg

_TABLE = """
CREATE TABLE chaos_ledger (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    job_id bigint NOT NULL,
    lease_id bigint NOT NULL,
    event text NOT NULL,
    episode text NOT NULL,
    detail text,
    writer text NOT NULL DEFAULT COALESCE(current_setting('chaos.writer', true), ''),
    old_status text,
    old_lease_id bigint,
    old_version bigint,
    version bigint NOT NULL,
    wrong_time boolean NOT NULL DEFAULT false
);
CREATE INDEX ON chaos_ledger (job_id, lease_id, event);
CREATE FUNCTION chaos_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the ledger is append-only';
END $$;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON chaos_ledger
    FOR EACH ROW EXECUTE FUNCTION chaos_append_only();
"""

# A new debug id starts an episode. Only a rescue and the re-queue of an overdue job raise `requeues`. Runs take less
# than an hour and clocks are shifted by two hours or more, so a time that is 90 minutes off is not PostgreSQL's.
# `not_before` and `cooldown_until` are excluded: they may be hours ahead.
_TRIGGERS = """
CREATE FUNCTION chaos_wrong_time(job warmup_jobs) RETURNS boolean LANGUAGE sql AS $$
    SELECT EXISTS (
        SELECT FROM unnest(ARRAY[job.created_at, job.updated_at, job.started_at, job.completed_at, job.queued_at,
                                 job.lease_expires_at, job.deadline_at]) AS moment
        WHERE abs(extract(epoch FROM moment - clock_timestamp())) > 90 * 60)
$$;
CREATE FUNCTION chaos_log_transition() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO chaos_ledger (job_id, lease_id, event, episode, detail, version, wrong_time)
        VALUES (NEW.id, NEW.lease_id, 'enqueued', NEW.debug_id, NEW.reason, NEW.version, chaos_wrong_time(NEW));
        RETURN NULL;
    END IF;
    INSERT INTO chaos_ledger (job_id, lease_id, event, episode, detail, old_status, old_lease_id, old_version, version,
                              wrong_time)
    VALUES (
        NEW.id, NEW.lease_id,
        CASE
            WHEN NEW.debug_id <> OLD.debug_id THEN 'enqueued'
            WHEN NEW.lease_id <> OLD.lease_id THEN 'claimed'
            WHEN NEW.status = 'ready' THEN 'ready'
            WHEN NEW.status = 'cancelled' THEN 'cancelled'
            WHEN NEW.requeues > OLD.requeues AND OLD.status = 'running' THEN 'rescued'
            WHEN NEW.requeues > OLD.requeues THEN 'requeued'
            WHEN NEW.status = 'failed' THEN 'failed'
            WHEN OLD.status = 'running' AND NEW.status = 'queued' AND NEW.attempts < OLD.attempts THEN 'handed-back'
            WHEN OLD.status = 'running' AND NEW.status = 'queued' THEN 'retried'
            WHEN OLD.status = 'running' AND NEW.status = 'running' THEN 'heartbeat'
            ELSE 'changed'
        END,
        NEW.debug_id, COALESCE(NEW.last_error, NEW.reason), OLD.status, OLD.lease_id, OLD.version, NEW.version,
        chaos_wrong_time(NEW)
    );
    RETURN NULL;
END $$;
CREATE TRIGGER chaos_log AFTER INSERT OR UPDATE ON warmup_jobs FOR EACH ROW EXECUTE FUNCTION chaos_log_transition();

-- The runner records a forecast with its own lease, in the transaction that makes the job ready.
CREATE FUNCTION chaos_log_forecast_record() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO chaos_ledger (job_id, lease_id, event, episode, old_status, old_lease_id, version)
    SELECT NEW.job_id, NEW.lease_id, 'recorded', job.debug_id, job.status, job.lease_id, job.version
    FROM warmup_jobs AS job WHERE job.id = NEW.job_id;
    RETURN NULL;
END $$;
CREATE TRIGGER chaos_log AFTER INSERT ON forecast_records
    FOR EACH ROW EXECUTE FUNCTION chaos_log_forecast_record();
"""

# Events that only the holder of a lease may cause.
_HOLDERS = "('heartbeat', 'ready', 'retried', 'failed', 'handed-back')"

_UNSETTLED = "SELECT count(*) FROM warmup_jobs WHERE status IN ('queued', 'running')"

# Every change of a running job but its heartbeats ends an attempt. `old_lease_id` is that of the run.
_ENDED_ATTEMPTS = """
    SELECT job_id, old_lease_id AS lease_id, CASE event
        WHEN 'retried' THEN 'retry'
        WHEN 'enqueued' THEN 'superseded'
        WHEN 'cancelled' THEN CASE detail WHEN 'cancelled by hand' THEN 'cancelled' ELSE 'superseded' END
        WHEN 'rescued' THEN
            CASE detail WHEN 'the attempt passed its deadline' THEN 'deadline-passed' ELSE 'lease-expired' END
        ELSE event END AS outcome
    FROM chaos_ledger WHERE old_status = 'running' AND event NOT IN ('heartbeat', 'recorded')
"""

_MUST_BE_ZERO = {
    "zombie: settled a job that was not running": """
        SELECT count(*) FROM chaos_ledger
        WHERE event = 'ready' AND (old_status <> 'running' OR old_lease_id <> lease_id)""",
    "zombie: changed by a process without the lease": f"""
        SELECT count(*) FROM chaos_ledger AS done
        JOIN chaos_ledger AS claim
          ON claim.job_id = done.job_id AND claim.lease_id = done.lease_id AND claim.event = 'claimed'
        WHERE done.event IN {_HOLDERS} AND done.writer <> claim.writer""",
    "zombie: changed without a claim": f"""
        SELECT count(*) FROM chaos_ledger AS done
        WHERE done.event IN {_HOLDERS} AND NOT EXISTS (
            SELECT FROM chaos_ledger AS claim
            WHERE claim.job_id = done.job_id AND claim.lease_id = done.lease_id AND claim.event = 'claimed')""",
    "zombie: recorded under another lease": """
        SELECT count(*) FROM chaos_ledger
        WHERE event = 'recorded' AND (old_status <> 'ready' OR old_lease_id <> lease_id)""",
    "doubled: two `ready` in one episode": """
        SELECT count(*) FROM (
            SELECT FROM chaos_ledger WHERE event = 'ready' GROUP BY job_id, episode HAVING count(*) > 1) AS twice""",
    "doubled: one lease claimed or settled twice": """
        SELECT count(*) FROM (
            SELECT FROM chaos_ledger WHERE event IN ('claimed', 'ready', 'failed', 'retried', 'rescued', 'handed-back')
            GROUP BY job_id, lease_id, event HAVING count(*) > 1) AS twice""",
    "doubled: one lease for two jobs": """
        SELECT count(*) FROM (
            SELECT FROM chaos_ledger WHERE event = 'claimed' GROUP BY lease_id HAVING count(DISTINCT job_id) > 1
        ) AS shared""",
    "version that did not grow": """
        SELECT count(*) FROM chaos_ledger
        WHERE event NOT IN ('heartbeat', 'recorded', 'changed') AND version <= old_version""",
    "lease that did not grow": """
        SELECT count(*) FROM chaos_ledger WHERE event = 'claimed' AND lease_id <= old_lease_id""",
    "wrong time: not from PostgreSQL's clock": "SELECT count(*) FROM chaos_ledger WHERE wrong_time",
    "unequal numbers for one snapshot": """
        SELECT count(*) FROM (
            SELECT FROM forecast_records GROUP BY job_id, label, engine_version
            HAVING count(DISTINCT forecast_hash) > 1) AS differing""",
    "lost: comparison without a ready job": """
        SELECT count(*) FROM comparisons AS comparison
        JOIN snapshots AS snapshot ON snapshot.id = comparison.current_snapshot_id
        WHERE NOT EXISTS (
            SELECT FROM warmup_jobs AS job
            WHERE (job.slug, job.timeframe, job.geo, job.data_hash)
                = (snapshot.slug, snapshot.timeframe, snapshot.geo, snapshot.data_hash) AND job.status = 'ready')""",
    "lost: job with a transition that the ledger does not hold": """
        SELECT count(*) FROM warmup_jobs AS job
        WHERE job.version <> (SELECT max(version) FROM chaos_ledger WHERE job_id = job.id)""",
    "history: attempt without a row": f"""
        SELECT count(*) FROM ({_ENDED_ATTEMPTS}) AS ended
        WHERE NOT EXISTS (
            SELECT FROM warmup_attempts AS attempt
            WHERE (attempt.job_id, attempt.lease_id, attempt.outcome)
                = (ended.job_id, ended.lease_id, ended.outcome))""",
    "history: row without an attempt that ended so": f"""
        SELECT count(*) FROM warmup_attempts AS attempt
        WHERE NOT EXISTS (
            SELECT FROM ({_ENDED_ATTEMPTS}) AS ended
            WHERE (ended.job_id, ended.lease_id, ended.outcome)
                = (attempt.job_id, attempt.lease_id, attempt.outcome))""",
    "history: late result of a run that its holder ended": """
        SELECT count(*) FROM warmup_attempts
        WHERE refused_at IS NOT NULL AND outcome IN ('ready', 'retry', 'failed', 'handed-back')""",
    "unsettled job": _UNSETTLED,
}

_EVENT_COUNTS = """
SELECT CASE WHEN event IN ('rescued', 'retried', 'handed-back', 'failed', 'enqueued')
            THEN event || ': ' || COALESCE(regexp_replace(left(detail, 60), '[0-9]+', 'N', 'g'), '')
            ELSE event END AS what, count(*)
FROM chaos_ledger GROUP BY what
UNION ALL
SELECT 'ready: dated by a shifted clock of the forecaster', count(*) FROM forecast_records
WHERE label = 'termA' AND abs(extract(epoch FROM generated_at - created_at)) > 90 * 60
ORDER BY what
"""


def install(database_url: str) -> None:
    """Creates the ledger and its triggers in a migrated database that has no jobs."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(_TABLE)
        connection.execute(_TRIGGERS)


def violations(database_url: str) -> dict[str, int]:
    """Counts of violations; all must be zero."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        return {name: _count(connection, statement) for name, statement in _MUST_BE_ZERO.items()}


def unsettled(database_url: str) -> int:
    """The number of queued and running jobs."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        return _count(connection, _UNSETTLED)


def event_counts(database_url: str) -> dict[str, int]:
    """The number of events of each kind."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        return {str(what): int(count) for what, count in connection.execute(_EVENT_COUNTS)}


def ready_times(database_url: str) -> list[float]:
    """The times of all `ready` events, in seconds of the epoch."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        rows = connection.execute("SELECT extract(epoch FROM at)::float8 FROM chaos_ledger WHERE event = 'ready'")
        return [float(moment) for (moment,) in rows]


def recorded_hashes(database_url: str) -> dict[tuple[str, str, str, str], list[tuple[str, str, str]]]:
    """Maps each job's snapshot to (term, engine version, forecast hash) of termA and of termB."""
    statement = """
        SELECT DISTINCT ON (job.id, record.label)
               job.slug, job.timeframe, job.geo, job.data_hash, record.term, record.engine_version, record.forecast_hash
        FROM warmup_jobs AS job JOIN forecast_records AS record ON record.job_id = job.id
        ORDER BY job.id, record.label, record.id DESC"""
    found: dict[tuple[str, str, str, str], list[tuple[str, str, str]]] = {}
    with psycopg.connect(database_url, autocommit=True) as connection:
        for slug, timeframe, geo, data_hash, *forecast in connection.execute(statement):
            found.setdefault((slug, timeframe, geo, data_hash), []).append((forecast[0], forecast[1], forecast[2]))
    return found


def _count(connection: psycopg.Connection, statement: str) -> int:
    row = connection.execute(statement.encode()).fetchone()
    assert row is not None
    return int(row[0])
