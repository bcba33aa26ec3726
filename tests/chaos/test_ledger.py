"""Each check of the ledger finds its violation, which SQL forges in a small database."""

from __future__ import annotations

import psycopg
import pytest

from tests.chaos import ledger

_COMPARISON = """
INSERT INTO term_pairs VALUES ('a-vs-b', 'a', 'b');
INSERT INTO snapshots (slug, timeframe, geo, data_hash, times, values_a, values_b, partial_last_period, scaled_apart,
                       gaps_filled, source, as_of, cleaned, signals)
VALUES ('a-vs-b', '12m', 'US', 'one', '{}', '{}', '{}', false, false, false, 'test', now(), '{}', '{}'),
       ('a-vs-b', '12m', 'US', 'two', '{}', '{}', '{}', false, false, false, 'test', now(), '{}', '{}');
INSERT INTO comparisons (slug, timeframe, geo, current_snapshot_id)
SELECT slug, timeframe, geo, id FROM snapshots WHERE data_hash = 'one';
INSERT INTO warmup_jobs (slug, timeframe, geo, data_hash) VALUES ('a-vs-b', '12m', 'US', 'one');
"""
_CLAIM = "UPDATE warmup_jobs SET status = 'running', lease_id = lease_id + 1, version = version + 1;"
_HEARTBEAT = "UPDATE warmup_jobs SET lease_expires_at = now();"
_READY = "UPDATE warmup_jobs SET status = 'ready', version = version + 1, completed_at = now();"
_ATTEMPT = """
INSERT INTO warmup_attempts (job_id, lease_id, attempt, reason, claimed_at, outcome, debug_id)
SELECT id, lease_id, 1, reason, now(), 'ready', debug_id FROM warmup_jobs WHERE data_hash = 'one';
"""
_FAILED = "UPDATE warmup_jobs SET status = 'failed', version = version + 1;"
_AGAIN = "UPDATE warmup_jobs SET status = 'queued', version = version + 1;"
_NEW_EPISODE = "UPDATE warmup_jobs SET status = 'queued', version = version + 1, debug_id = 'another';"
_OTHER_JOB = "INSERT INTO warmup_jobs (slug, timeframe, geo, data_hash) VALUES ('a-vs-b', '12m', 'US', 'two');"
_WRITER, _OTHER_WRITER = "SET chaos.writer = 'jobs-1.1';", "SET chaos.writer = 'jobs-2.1';"


def _record(lease: str = "lease_id", *, version: str = "1", numbers: str = "x") -> str:
    return f"""
        INSERT INTO forecast_records (job_id, lease_id, label, term, engine_version, forecast_hash, direction,
                                      generated_at, times, point_values, lower80, upper80, lower95, upper95)
        SELECT id, {lease}, 'termA', 'a', '{version}', '{numbers}', 'stable', now(), '{{}}', '{{}}', '{{}}', '{{}}',
               '{{}}', '{{}}' FROM warmup_jobs WHERE data_hash = 'one';"""


_VALID = _CLAIM + _HEARTBEAT + _READY + _record() + _ATTEMPT

# Each is a violation that a guard in the product's SQL prevents.
_FORGED = {
    "zombie: settled a job that was not running": _VALID + _NEW_EPISODE + _READY,
    "zombie: changed by a process without the lease": _WRITER + _CLAIM + _OTHER_WRITER + _READY,
    "zombie: changed without a claim": "UPDATE warmup_jobs SET status = 'running';" + _READY,
    "zombie: recorded under another lease": _CLAIM + _READY + _record("lease_id - 1"),
    "doubled: two `ready` in one episode": _VALID + _CLAIM + _READY,
    "doubled: one lease claimed or settled twice": _CLAIM + _FAILED + _AGAIN + _FAILED,
    "doubled: one lease for two jobs": _OTHER_JOB + _CLAIM + _READY,
    "version that did not grow": "UPDATE warmup_jobs SET status = 'running', lease_id = 1;" + _READY,
    "lease that did not grow": _VALID + _NEW_EPISODE + _CLAIM.replace("+ 1", "- 1", 1) + _READY,
    "wrong time: not from PostgreSQL's clock": (
        _VALID + "UPDATE warmup_jobs SET started_at = now() - interval '2 hours';"
    ),
    "unequal numbers for one snapshot": _VALID + _record(numbers="y"),
    "lost: comparison without a ready job": _CLAIM + _FAILED,
    "lost: job with a transition that the ledger does not hold": (
        _VALID + "SET session_replication_role = replica; UPDATE warmup_jobs SET version = version + 1;"
    ),
    "history: attempt without a row": _CLAIM + _READY,
    "history: row without an attempt that ended so": _VALID + "UPDATE warmup_attempts SET outcome = 'retry';",
    "history: late result of a run that its holder ended": _VALID + "UPDATE warmup_attempts SET refused_at = now();",
    "unsettled job": _CLAIM,
}


def test_a_correct_run_has_no_violations(database_url: str) -> None:
    _forge(
        database_url,
        _WRITER
        + _VALID
        + _NEW_EPISODE
        + _OTHER_WRITER
        + _CLAIM
        + _READY
        + _record(numbers="x2", version="2")
        + _ATTEMPT,
    )
    assert ledger.violations(database_url) == dict.fromkeys(_FORGED, 0)


@pytest.mark.parametrize("name", _FORGED)
def test_each_check_counts_its_violation(database_url: str, name: str) -> None:
    _forge(database_url, _FORGED[name])
    assert ledger.violations(database_url)[name] > 0


def test_a_comparison_without_any_job_counts_as_lost(database_url: str) -> None:
    _forge(database_url, "DELETE FROM warmup_jobs;")
    assert ledger.violations(database_url)["lost: comparison without a ready job"] == 1


def test_the_ledger_is_append_only(database_url: str) -> None:
    _forge(database_url, _VALID)
    with psycopg.connect(database_url) as connection, pytest.raises(psycopg.errors.RaiseException, match="append-only"):
        connection.execute("DELETE FROM chaos_ledger")


def _forge(database_url: str, statements: str) -> None:
    ledger.install(database_url)
    with psycopg.connect(database_url, autocommit=True) as connection:
        for each in (_COMPARISON + statements).split(";\n"):
            connection.execute(each.encode())
