from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from starlette.datastructures import QueryParams

from services.common.comparison import ComparisonKey
from services.common.errors import INVALID_ARGUMENT, WarmcastError
from services.gateway.premium.parts import Part
from services.gateway.routes.requests import parameters


def _bad(field: str, call: Callable[[], object]) -> str:
    """The detail of the error that `call` raises, which names `field`."""
    with pytest.raises(WarmcastError) as raised:
        call()
    assert raised.value.reason is INVALID_ARGUMENT
    assert [name for name, _ in raised.value.fields] == [field]
    return raised.value.detail


@pytest.mark.parametrize(
    ("query", "key"),
    [
        ("slug=Costco-vs-Amazon", ("amazon-vs-costco", "12m", "")),
        ("slug=a-vs-b&tf=5y&geo=us-ca", ("a-vs-b", "5y", "US-CA")),
        ("slug=a-vs-b&timeframe=30d", ("a-vs-b", "30d", "")),
        ("slug=a-vs-b&tf=30d&timeframe=30D", ("a-vs-b", "30d", "")),
        ("slug=a-vs-b&tf=&geo=&colour=red&colour=blue", ("a-vs-b", "12m", "")),
    ],
)
def test_a_comparison_key_is_parsed(query: str, key: tuple[str, str, str]) -> None:
    assert parameters.comparison_key(QueryParams(query)) == ComparisonKey(*key)


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("", "slug"),
        ("slug=", "slug"),
        ("slug=amazon", "slug"),
        ("slug=amazon-vs-amazon", "slug"),
        ("slug=a-vs-b&slug=c-vs-d", "slug"),
        ("slug=a-vs-b&tf=2w", "tf"),
        ("slug=a-vs-b&tf=7d&tf=7d", "tf"),
        ("slug=a-vs-b&tf=7d&timeframe=30d", "tf"),
        ("slug=a-vs-b&geo=usa", "geo"),
        ("slug=a-vs-b&geo=US&geo=DE", "geo"),
    ],
)
def test_an_invalid_key_names_the_parameter(query: str, field: str) -> None:
    _bad(field, lambda: parameters.comparison_key(QueryParams(query)))


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ("", set(Part)),
        ("fields=interpretations", {Part.INTERPRETATIONS}),
        ("fields=signals,headToHead", {Part.HEAD_TO_HEAD, Part.SIGNALS}),
        ("fields=headToHead%2Csignals", {Part.HEAD_TO_HEAD, Part.SIGNALS}),
        ("fields=insights,forecasts,signals,interpretations,headToHead", set(Part)),
    ],
)
def test_the_parts_of_an_answer_are_parsed_in_any_order(query: str, named: set[Part]) -> None:
    assert parameters.parts(QueryParams(query)) == named


@pytest.mark.parametrize(
    ("query", "problem"),
    [
        ("fields=", "names “”"),
        ("fields=signals,", "names “”"),
        ("fields=signals,termA", "names “termA”"),
        ("fields=Signals", "names “Signals”"),
        ("fields=signals, insights", "names “ insights”"),
        ("fields=signals,insights,signals", "names signals 2 times"),
        ("fields=signals&fields=insights", "given 2 times"),
        ("fields=" + "x" * 1_000, "names “" + "x" * 50 + "”"),
    ],
)
def test_an_unknown_empty_or_repeated_part_is_named(query: str, problem: str) -> None:
    assert problem in _bad("fields", lambda: parameters.parts(QueryParams(query)))


def test_integers_have_bounds_and_a_default() -> None:
    def limit(query: str) -> int:
        return parameters.limit(QueryParams(query))

    assert [limit(query) for query in ("", "limit=", "limit=1", "limit=200")] == [50, 50, 1, 200]
    for text in ("0", "201", "-1", "x", "1.5", "1e3", "٣", "9" * 30):
        assert "1 to 200" in _bad("limit", lambda text=text: limit(f"limit={text}"))  # type: ignore[misc] # a default binds it


def test_job_ids() -> None:
    assert parameters.job_id("9223372036854775807") == 2**63 - 1
    for text in ("0", "-1", "abc", "9223372036854775808", "1 2"):
        _bad("id", lambda text=text: parameters.job_id(text))  # type: ignore[misc] # a default binds it


@pytest.mark.parametrize(("text", "seconds"), [("90", 90), ("90s", 90), ("5m", 300), ("2h", 7_200), ("7D", 604_800)])
def test_ages(text: str, seconds: int) -> None:
    assert parameters.age(QueryParams({"olderThan": text}), "olderThan") == seconds


@pytest.mark.parametrize("text", ["0", "0m", "-5", "soon", "5 m", "1w", "9999999999"])
def test_invalid_ages(text: str) -> None:
    _bad("olderThan", lambda: parameters.age(QueryParams({"olderThan": text}), "olderThan"))


@pytest.mark.parametrize(
    "text", ["2026-01-31T12:00:00Z", "2026-01-31T12:00:00", "2026-01-31T13:00:00 01:00", "2026-01-31T13:00:00%2B01:00"]
)
def test_as_of_without_an_offset_is_utc(text: str) -> None:
    assert parameters.as_of(QueryParams(f"asOf={text}")) == datetime(2026, 1, 31, 12, tzinfo=UTC)


@pytest.mark.parametrize("text", ["yesterday", "2026-13-01", "12", "0001-01-01T00:00:00%2B23:00"])
def test_invalid_as_of(text: str) -> None:
    _bad("asOf", lambda: parameters.as_of(QueryParams(f"asOf={text}")))


def test_a_cursor_has_a_maximum_length() -> None:
    _bad("cursor", lambda: parameters.cursor(QueryParams({"cursor": "x" * 1_001})))


def test_an_empty_geo_counts_as_given() -> None:
    assert parameters.agreed_geo(None, None) is None
    assert parameters.agreed_geo(None, "") == ""
    assert parameters.agreed_geo("us", "US") == "US"
    _bad("geo", lambda: parameters.agreed_geo("", "US"))
