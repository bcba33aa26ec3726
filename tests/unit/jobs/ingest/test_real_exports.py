"""Real exports, if their folder exists: each is imported as in its index, or refused with the reason."""

from __future__ import annotations

import csv
from datetime import UTC, datetime

import pytest

from services.common.errors import SINGLE_TERM, WarmcastError
from services.jobs.domain.snapshot import ImportedSnapshot
from services.jobs.ingest.files.trends_csv import read_trends_csv
from services.jobs.ingest.snapshot import build_snapshot
from services.jobs.ingest.table import Table
from tests.paths import EXPORTS

INDEX = EXPORTS / "INDEX.csv"
# Two lines with different values have the date 2015-10-14.
REFUSED = {"GoogleTrends--20151021_DemocratsbyDay.csv": "duplicate dates: line 28 and line 29 are both 2015-10-14"}

pytestmark = pytest.mark.skipif(not INDEX.exists(), reason="the real exports are not beside the checkout")


def _index() -> list[dict[str, str]]:
    if not INDEX.exists():
        return []
    with INDEX.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _read(name: str) -> Table:
    return read_trends_csv((EXPORTS / name).read_bytes(), name)


def _build(*tables: Table, pick: tuple[str, ...] = (), geo: str | None = None) -> ImportedSnapshot:
    as_of = datetime(2026, 11, 1, tzinfo=UTC)
    return build_snapshot(
        tables, timeframe="", geo=geo, pick=pick, as_of=as_of, source="google-trends-csv", expected_terms=None
    )


def test_the_index_lists_every_export() -> None:
    assert {row["file"] for row in _index()} == {path.name for path in EXPORTS.glob("*.csv")} - {INDEX.name}


@pytest.mark.parametrize("row", _index(), ids=lambda row: str(row["file"]))
def test_a_real_export_is_imported_or_refused_with_the_expected_reason(row: dict[str, str]) -> None:
    name = row["file"]
    if name in REFUSED:
        with pytest.raises(WarmcastError, match=REFUSED[name]):
            _read(name)
        return
    table = _read(name)
    assert table.step == row["granularity"]
    assert len(table.times) == int(row["points"])
    assert [f"{time:%Y-%m-%dT%H:%M}" for time in (table.times[0], table.times[-1])] == [row["first"], row["last"]]
    assert list(table.terms) == [term.rsplit(": (", 1)[0] for term in row["terms"].split(" | ")]
    if len(table.terms) == 1:
        with pytest.raises(WarmcastError) as refusal:
            _build(table)
        assert refusal.value.reason is SINGLE_TERM
        assert table.terms[0] in refusal.value.detail
        return
    snapshot = _build(table, pick=table.terms[:2] if len(table.terms) > 2 else ())
    assert len(snapshot.times) == int(row["points"])
    assert not snapshot.gaps_filled


def test_two_one_term_exports_become_a_comparison() -> None:
    snapshot = _build(
        _read("Luan-Lima-Freitas--multiTimeline_13.csv"), _read("Luan-Lima-Freitas--multiTimeline_29.csv")
    )
    assert (snapshot.slug, snapshot.timeframe, snapshot.geo) == ("amazon-vs-costco", "5y", "")
    assert (len(snapshot.times), snapshot.scaled_apart) == (260, True)


def test_every_place_of_the_real_exports_is_known_or_needs_a_geo() -> None:
    tables = [_read(row["file"]) for row in _index() if row["file"] not in REFUSED]
    unsure = {table.place for table in tables if table.place and table.geo is None}
    assert unsure == {"Georgia"}
