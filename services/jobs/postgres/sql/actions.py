"""SQL that records what operators did, in the statement of the change."""

from __future__ import annotations


def recorded(changed: str, action: str) -> str:
    """A CTE that inserts the action if the CTE `changed` has rows; none for a statement without an operator."""
    return f"""
recorded AS (
    INSERT INTO operator_actions (operator, action, target, reason, count, request_id)
    SELECT %(operator)s::text, '{action}', %(target)s::jsonb, %(operator_reason)s::text, count(*), %(request_id)s::text
    FROM {changed}
    HAVING %(operator)s::text IS NOT NULL AND count(*) > 0
)"""


# Of an import, whose statements are several.
RECORD_IMPORT = """
INSERT INTO operator_actions (operator, action, target, reason, count, request_id)
VALUES (%(operator)s, 'import', %(target)s::jsonb, %(operator_reason)s, %(count)s, %(request_id)s)
"""

LIST_ACTIONS = """
SELECT id, at, operator, action, target, reason, count, request_id, operation_id, error FROM operator_actions
WHERE id < %(before)s
ORDER BY id DESC
LIMIT %(limit)s
"""

RECORD_RUN = """
INSERT INTO schedule_runs (schedule, started_at, succeeded, count, detail)
VALUES (%(schedule)s, now() - make_interval(secs => %(seconds)s), %(succeeded)s, %(count)s, %(detail)s)
"""

_RUN_COLUMNS = "schedule, started_at, ended_at, succeeded, count, detail"
# By `ended_at`: in order of ids the planner would read the runs of all schedules to find those of one.
LIST_RUNS = f"""
SELECT {_RUN_COLUMNS} FROM schedule_runs WHERE schedule = %(schedule)s ORDER BY ended_at DESC LIMIT %(limit)s
"""
LAST_RUNS = f"""
SELECT run.* FROM unnest(%(schedules)s::text[]) AS wanted (name)
CROSS JOIN LATERAL (
    SELECT {_RUN_COLUMNS} FROM schedule_runs WHERE schedule = wanted.name ORDER BY ended_at DESC LIMIT 1
) AS run
ORDER BY run.ended_at DESC
"""


def _delete_old(table: str, moment: str, condition: str = "true") -> str:
    # The oldest rows by their ids, so that no index on the moment is needed and a call without old rows reads few.
    return f"""
WITH oldest AS MATERIALIZED (SELECT id, {moment} AS moment FROM {table} WHERE {condition} ORDER BY id LIMIT %(limit)s),
deleted AS (
    DELETE FROM {table} WHERE id = ANY (ARRAY(
        SELECT id FROM oldest WHERE moment < now() - make_interval(days => %(days)s)
    ))
    RETURNING id
)
SELECT count(*) AS deleted FROM deleted
"""


DELETE_OLD = (
    _delete_old("operator_actions", "at"),
    _delete_old("schedule_runs", "ended_at"),
    _delete_old("bulk_operations", "ended_at", "state IN ('done', 'aborted', 'failed')"),
)
