from __future__ import annotations

import json
from typing import Any

import pytest
from warmcast.jobs.v1 import operations_pb2

from services.gateway.pages.operations.audit.view import HEADER, action_row, cells
from tests.integration.gateway.data import moment


def action(target: Any, name: str = "requeue", **more: Any) -> operations_pb2.OperatorAction:
    """What Ada did."""
    given: dict[str, Any] = {"operator": "Ada", "reason": "cache restored", "count": 3, "request_id": "r-1", **more}
    return operations_pb2.OperatorAction(
        id=7, at=moment("2026-01-01T10:00:00"), action=name, target=json.dumps(target), **given
    )


@pytest.mark.parametrize(
    ("name", "target", "words", "path"),
    [
        ("requeue", {"jobId": 42}, "job 42", "/ops/jobs/42"),
        ("abort", {"operationId": 9}, "operation 9", "/ops/bulk/9"),
        ("requeue", {}, "all", "/ops/jobs"),
        (
            "cancel",
            {"status": "failed", "geo": ""},
            "all with status failed, geo worldwide",
            "/ops/jobs?status=failed&geo=worldwide",
        ),
        (
            "requeue",
            {"slug": "a-vs-b", "tf": "12m", "geo": ""},
            "all with slug a-vs-b, tf 12m, geo worldwide",
            "/ops/jobs?slug=a-vs-b&tf=12m&geo=worldwide",
        ),
        (
            "trigger",
            {"slug": "a-vs-b", "timeframe": "12m", "geo": "US"},
            "a-vs-b 12m US",
            "/compare/a-vs-b?tf=12m&geo=US",
        ),
        (
            "import",
            {"slug": "a-vs-b", "timeframe": "12m", "geo": "", "dataHash": "0f3a"},
            "a-vs-b 12m Worldwide, data 0f3a",
            "/compare/a-vs-b?tf=12m",
        ),
        (
            "warm",
            {"state": "cold", "requested": True},
            "all with state cold, requested true",
            "/ops/comparisons?state=cold&requested=true",
        ),
    ],
)
def test_the_target_in_words_and_its_page(name: str, target: Any, words: str, path: str) -> None:
    row = action_row(action(target, name))
    assert (row.target.words, row.target.path) == (words, path)


@pytest.mark.parametrize("target", ["not JSON", "[1]", "7"])
def test_a_target_of_another_form_is_shown_as_it_is(target: str) -> None:
    given = action({})
    given.target = target
    assert (action_row(given).target.words, action_row(given).target.path) == (target, "")


def test_a_bulk_operation_is_linked() -> None:
    assert action_row(action({}, operation_id=9)).operation == "/ops/bulk/9"
    assert action_row(action({"jobId": 1})).operation == ""


def test_an_action_says_why_its_operation_failed() -> None:
    failed = action({}, operation_id=9, error="PostgreSQL is busy")
    assert action_row(failed).error == "PostgreSQL is busy"
    assert dict(zip(HEADER, cells(failed), strict=True))["error"] == "PostgreSQL is busy"


def test_calls_with_the_secret_have_no_name() -> None:
    row = action_row(action({}, operator="secret"))
    assert (row.by_secret, row.operator) == (True, "")


def test_a_claimed_name_is_not_that_of_a_login() -> None:
    row = action_row(action({}, operator="secret (Ada)"))
    assert (row.by_secret, row.operator) == (True, "Ada")
    login = action_row(action({}))
    assert (login.by_secret, login.operator) == (False, "Ada")


def test_an_action_that_this_version_does_not_know_is_shown_by_its_name() -> None:
    assert action_row(action({}, "pause")).action == "pause"


def test_the_cells_of_a_spreadsheet() -> None:
    named = dict(zip(HEADER, cells(action({"jobId": 42})), strict=True))
    assert (named["operator"], named["action"], named["target"]) == ("Ada", "requeue", '{"jobId": 42}')
    assert (named["jobs changed"], named["operation id"]) == (3, None)
