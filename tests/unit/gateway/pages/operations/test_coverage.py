from __future__ import annotations

from typing import Any

import pytest
from warmcast.jobs.v1 import jobs_pb2, operations_pb2

from services.common.errors import WarmcastError
from services.gateway.pages.operations.coverage.coverage_map import coverage_map
from services.gateway.pages.operations.coverage.filter import NAMES, coverage_filter, fields
from services.gateway.pages.operations.coverage.view import HEADER, cells, coverage_row
from tests.integration.gateway.data import READY, moment

Count = operations_pb2.CoverageCount


def covered(state: str = "fresh", *, geo: str = "", **more: Any) -> operations_pb2.CoveredComparison:
    """A comparison with a forecast of 1 January 2026."""
    given: dict[str, Any] = {
        "status": READY,
        "job_id": 42,
        "last_ready_at": moment("2026-01-01T10:00:00"),
        "fresh_until": moment("2026-01-02T10:00:00"),
        "warm_until": moment("2026-01-08T10:00:00"),
        "demand": 12.25,
        "last_requested_at": moment("2026-01-01T09:00:00"),
        **more,
    }
    row = jobs_pb2.Comparison(
        slug="amazon-vs-costco", terms=("amazon", "costco"), timeframe="12m", geo=geo, data_hash="ab", points=52
    )
    return operations_pb2.CoveredComparison(comparison=row, state=state, **given)


TEN = Count(comparisons=10, fresh=6, stale=3, stale_age=1, stale_engine_version=2, cold=1)


def summary(**counts: operations_pb2.CoverageCount) -> operations_pb2.GetCoverageSummaryResponse:
    """Counts of all, of requested ones and of two timeframes."""
    return operations_pb2.GetCoverageSummaryResponse(
        all=counts.get("all", TEN),
        requested=counts.get("requested", Count(comparisons=4, fresh=4)),
        timeframes=[
            operations_pb2.TimeframeCoverage(timeframe="12m", count=TEN),
            operations_pb2.TimeframeCoverage(timeframe="all", count=Count()),
        ],
        engine_version="10",
    )


def trusted() -> jobs_pb2.TrustPeriod:
    scored = jobs_pb2.TrustStats(forecasts=31, winner_right=0.713)
    return jobs_pb2.TrustPeriod(overall=scored, timeframes=[jobs_pb2.TimeframeTrust(timeframe="12m", stats=scored)])


def test_the_map_begins_with_what_was_requested() -> None:
    rows = coverage_map(summary(), trusted(), {})
    assert [row.name for row in rows] == [
        "Requested in the last 7 days",
        "All",
        "12 months, weekly",
        "All time, monthly",
    ]
    assert [row.warm for row in rows] == ["100 %", "90.0 %", "90.0 %", ""]
    assert [row.winner for row in rows] == ["", "71 %", "71 %", ""]
    assert [row.record for row in rows[1:3]] == ["/ops/track-record", "/ops/track-record?tf=12m"]
    assert 'aria-label="6 fresh, 3 stale, 1 cold"' in rows[1].bar


def test_each_count_leads_to_the_list_of_these_and_marks_the_current_one() -> None:
    given = {"tf": "12m", "state": "cold"}
    requested, everything, year, _ = coverage_map(summary(), trusted(), given)
    assert requested.path == "/ops/comparisons?requested=true"
    assert everything.path == "/ops/comparisons"
    assert [cell.path for cell in year.cells] == [
        f"/ops/comparisons?state={state}&tf=12m"
        for state in ("fresh", "stale-age", "stale-engine-version", "stale-snapshot", "cold")
    ]
    assert [cell.count for cell in year.cells] == [6, 1, 2, 0, 1]
    assert [cell.current for cell in year.cells] == [False, False, False, False, True]
    assert not any(cell.current for row in (requested, everything) for cell in row.cells)
    assert not year.current


@pytest.mark.parametrize(
    ("count", "warm"),
    [
        (Count(comparisons=9_999, fresh=9_998, cold=1), "99.9 %"),
        (Count(comparisons=9_999, cold=9_998, stale=1), "0.1 %"),
        (Count(comparisons=3, cold=3), "0 %"),
        (Count(comparisons=10_000, fresh=9_000, cold=1_000), "90.0 %"),
    ],
)
def test_the_warm_share_never_claims_all_or_none(count: operations_pb2.CoverageCount, warm: str) -> None:
    assert coverage_map(summary(all=count), trusted(), {})[1].warm == warm


@pytest.mark.parametrize(
    ("state", "more", "words", "until"),
    [
        ("fresh", {}, "fresh until", "2026-01-02T10:00:00"),
        ("stale", {}, "served until", "2026-01-08T10:00:00"),
        ("cold", {}, "last ready", "2026-01-01T10:00:00"),
        ("cold", {"last_ready_at": None}, "never computed", None),
    ],
)
def test_how_long_a_state_lasts(state: str, more: dict[str, Any], words: str, until: str | None) -> None:
    row = coverage_row(covered(state, **more))
    assert (row.state, row.until_words) == (state, words)
    assert (row.until.isoformat()[:19] if row.until else None) == until


def test_a_stale_row_has_the_reason() -> None:
    assert coverage_row(covered("stale", stale_because="engine-version")).because == "engine version"
    assert coverage_row(covered()).because == ""


def test_a_row_leads_to_the_page_to_the_job_and_to_all_jobs() -> None:
    row = coverage_row(covered(geo="US"))
    assert row.path == "/compare/amazon-vs-costco?tf=12m&geo=US"
    assert (row.job, row.status) == ("/ops/jobs/42", "ready")
    assert row.jobs == "/ops/jobs?slug=amazon-vs-costco&tf=12m&geo=US"
    assert coverage_row(covered()).jobs.endswith("&geo=worldwide")


def test_a_comparison_without_a_job_has_no_link() -> None:
    row = coverage_row(covered("cold", job_id=0, status=jobs_pb2.JOB_STATUS_UNSPECIFIED))
    assert (row.job, row.status) == ("", "")


def test_the_cells_of_a_spreadsheet() -> None:
    row = cells(covered(job_id=0, status=jobs_pb2.JOB_STATUS_UNSPECIFIED))
    assert len(row) == len(HEADER)
    named = dict(zip(HEADER, row, strict=True))
    assert (named["slug"], named["term a"], named["term b"]) == ("amazon-vs-costco", "amazon", "costco")
    assert (named["job id"], named["job status"], named["demand"]) == (None, "", 12.25)


def test_an_empty_filter_is_all() -> None:
    assert coverage_filter({}) == operations_pb2.CoverageFilter()
    assert not coverage_filter({}).HasField("geo")


def test_a_filter_of_all_fields() -> None:
    message = coverage_filter({"state": "stale", "q": "tea", "tf": "12M", "geo": "us", "requested": "true"})
    assert (message.state, message.query, message.timeframe, message.geo) == ("stale", "tea", "12m", "US")
    assert message.requested


def test_worldwide_is_the_geo_without_a_code() -> None:
    message = coverage_filter({"geo": "Worldwide"})
    assert message.HasField("geo")
    assert message.geo == ""


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"state": "warm"}, "state"),
        ({"requested": "yes"}, "requested"),
        ({"tf": "1y"}, "tf"),
        ({"geo": "nowhere at all"}, "geo"),
    ],
)
def test_a_field_that_cannot_be_read_is_named(given: dict[str, str], field: str) -> None:
    with pytest.raises(WarmcastError) as refused:
        coverage_filter(given)
    assert [name for name, _ in refused.value.fields] == [field]


def test_the_form_has_each_field_with_its_value() -> None:
    given = {name: f"value of {name}" for name in NAMES}
    assert {field.name: field.value for field in fields(given)} == given
