"""Properties of every statement of the queue."""

from __future__ import annotations

import pytest
from psycopg._queries import MAX_CACHED_STATEMENT_LENGTH

from services.jobs.postgres import comparisons, track_record, warmup_views
from services.jobs.postgres.sql import actions, attempts, bulk, by_hand, claims, edges, rescue, upkeep

MODULES = (actions, attempts, bulk, by_hand, claims, edges, rescue, upkeep, comparisons, warmup_views, track_record)
STATEMENTS = {
    f"{module.__name__.rpartition('.')[2]}.{name}": text
    for module in MODULES
    for name, text in vars(module).items()
    if isinstance(text, str) and any(word in text for word in ("SELECT ", "UPDATE ", "DELETE "))
}


@pytest.mark.parametrize("name", STATEMENTS)
def test_every_statement_is_short_enough_to_be_prepared(name: str) -> None:
    assert len(STATEMENTS[name]) <= MAX_CACHED_STATEMENT_LENGTH


def test_the_statements_are_found() -> None:
    assert {
        "claims.CLAIM",
        "edges.READY",
        "upkeep.REFRESH",
        "warmup_views.VIEWS",
        "track_record._KEEP",
    } <= STATEMENTS.keys()
