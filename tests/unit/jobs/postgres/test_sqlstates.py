"""Classification of SQLSTATEs, and errors for callers."""

from __future__ import annotations

import asyncio

import psycopg
import pytest
from psycopg import errors as pg

from services.common import errors
from services.common.errors import WarmcastError
from services.jobs.postgres.driver.sqlstates import Failure, classify, outcome_unknown, translate_errors

_CLASSES = {
    Failure.UNAVAILABLE: """
        08000 08003 08006 08P01 25006 25P03 25P04 40003 53000 53100 53200 53300 53400
        57P01 57P02 57P03 57P04 57P05 58000 58030 58P01 XX000 XX001 XX002
    """,
    Failure.STATEMENT: "40001 40P01 55P03 57014",
    Failure.MISCONFIGURED: "0A000 0P000 26000 28000 28P01 3D000 3F000 42501 42P01 42703 42883 F0000",
    Failure.BUG: "22003 22P02 23505 23503 21000 24000 25001 25P02 40002 54000 P0001",
}


@pytest.mark.parametrize(
    ("sqlstate", "failure"), [(code, failure) for failure, codes in _CLASSES.items() for code in codes.split()]
)
def test_each_sqlstate_is_classified(sqlstate: str, failure: Failure) -> None:
    assert classify(pg.lookup(sqlstate)("of a server")) is failure


def test_every_sqlstate_of_the_driver_is_classified() -> None:
    codes = [code for code in pg._sqlcodes if len(code) == 5]
    assert len(codes) > 200
    assert all(isinstance(classify(pg.lookup(code)("")), Failure) for code in codes)


@pytest.mark.parametrize(
    ("error", "failure"),
    [
        (psycopg.OperationalError("the connection is lost"), Failure.UNAVAILABLE),
        (psycopg.InterfaceError("the connection is closed"), Failure.UNAVAILABLE),
        (psycopg.ProgrammingError("a parameter is missing"), Failure.BUG),
        (psycopg.DataError("cannot be written"), Failure.BUG),
    ],
)
def test_an_error_of_the_driver_without_an_sqlstate_is_a_lost_connection_or_a_bug(
    error: psycopg.Error, failure: Failure
) -> None:
    assert classify(error) is failure


@pytest.mark.parametrize(
    "error", [psycopg.OperationalError("lost"), pg.AdminShutdown("fatal"), asyncio.CancelledError()]
)
def test_after_a_lost_response_the_outcome_is_unknown(error: BaseException) -> None:
    assert outcome_unknown(error)


@pytest.mark.parametrize("error", [pg.DeadlockDetected(""), pg.QueryCanceled(""), pg.UniqueViolation(""), ValueError()])
def test_a_failed_statement_has_a_known_outcome(error: BaseException) -> None:
    assert not outcome_unknown(error)


@pytest.mark.parametrize("sqlstate", [*_CLASSES[Failure.UNAVAILABLE].split(), "57014", "42501", "3D000"])
def test_callers_get_unavailable_without_the_text_of_the_driver(sqlstate: str) -> None:
    with pytest.raises(WarmcastError) as caught, translate_errors():
        raise pg.lookup(sqlstate)("secret text of the driver")
    assert caught.value.reason is errors.UNAVAILABLE
    assert caught.value.retry_after
    assert "secret" not in caught.value.detail


def test_a_misconfiguration_is_logged_with_its_reason(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(WarmcastError), translate_errors():
        raise pg.InsufficientPrivilege("permission denied for table warmup_jobs")
    logged = capsys.readouterr().out
    assert "42501" in logged
    assert "permission denied for table warmup_jobs" in logged


def test_errors_that_are_bugs_are_raised_unchanged() -> None:
    with pytest.raises(pg.UniqueViolation), translate_errors():
        raise pg.UniqueViolation("a bug of ours")
