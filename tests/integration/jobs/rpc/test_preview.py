"""Previews, which store nothing, and imports of the data that they showed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
from warmcast.jobs.v1 import jobs_pb2 as pb

from services.common import errors
from tests.integration.jobs.conftest import Store
from tests.integration.jobs.service import CSV, SENT, Jobs, refused, serving

THREE = b"""Week,amazon: (United States),costco: (United States),walmart: (United States)
2024-01-07,75,<1,50
2024-01-14,80,,51
2024-01-21,77,14,52
2024-01-28,90,13,53
"""
ONE = b"Week,amazon: (United States)\n2024-01-07,75\n2024-01-14,80\n2024-01-21,77\n"
LATER = {"seconds": int(datetime(2024, 2, 10, tzinfo=UTC).timestamp())}
WITHIN_LAST_WEEK = {"seconds": int(datetime(2024, 1, 30, tzinfo=UTC).timestamp())}
TABLES = ("term_pairs", "snapshots", "comparisons", "warmup_jobs", "forecast_scores")


@pytest.fixture
async def jobs(store: Store) -> AsyncIterator[Jobs]:
    """The service and its client."""
    async with serving(store) as running:
        yield running


async def rows(jobs: Jobs) -> list[list[dict[str, object]]]:
    """All rows that an import may change."""
    return [await jobs.store.execute(f"SELECT * FROM {table} ORDER BY 1") for table in TABLES]


def columns(response: pb.PreviewSnapshotResponse) -> list[tuple[object, ...]]:
    return [(each.term, each.chosen, each.values, each.missing, each.lowest, each.highest) for each in response.columns]


async def test_a_preview_answers_what_an_import_then_stores(jobs: Jobs) -> None:
    answer = await jobs.preview()
    preview = answer.snapshot
    assert await rows(jobs) == [[], [], [], [], []]
    assert (preview.created, preview.step, preview.timeframe, preview.geo) == (True, "weekly", "12m", "US")
    assert columns(answer) == [("amazon", True, 4, 0, 75, 90), ("costco", True, 4, 0, 0.5, 14)]
    assert [list(each.sampled_values) for each in answer.columns] == [[75, 80, 77, 90], [0.5, 12, 14, 13]]
    stored = await jobs.ingest_previewed(as_of=preview.as_of, data_hash=preview.data_hash)
    assert stored.created
    for field in ("slug", "terms", "data_hash", "points", "first", "last", "cleaned", "partial_last_period", "as_of"):
        assert getattr(stored, field) == getattr(preview, field), field


async def test_a_preview_of_known_data_changes_nothing(jobs: Jobs) -> None:
    await jobs.ingest(CSV.replace(b"amazon", b"Amazon"))
    before = await rows(jobs)
    preview = (await jobs.preview()).snapshot
    assert not preview.created
    assert list(preview.terms) == ["Amazon", "costco"], "the slug keeps the spelling of its first import"
    assert (await jobs.preview(CSV.replace(b"90,13", b"91,13"))).snapshot.created
    assert await rows(jobs) == before


async def test_other_data_than_expected_are_refused(jobs: Jobs) -> None:
    preview = (await jobs.preview()).snapshot
    other = CSV.replace(b"90,13", b"91,13")
    error = await refused(jobs.ingest_previewed(other, as_of=preview.as_of, data_hash=preview.data_hash))
    assert error.reason is errors.DATA_MISMATCH
    assert "preview the file again" in error.detail
    without = await refused(jobs.ingest_previewed(as_of=preview.as_of, data_hash=""))
    assert (without.reason, without.fields[0][0]) == (errors.INVALID_ARGUMENT, "data_hash")
    assert await rows(jobs) == [[], [], [], [], []]


async def test_the_time_of_the_data_is_part_of_what_is_confirmed(jobs: Jobs) -> None:
    answer = await jobs.preview(as_of=WITHIN_LAST_WEEK)
    partial = answer.snapshot
    assert [list(each.sampled_values) for each in answer.columns] == [[75, 80, 77], [0.5, 12, 14]]
    assert (partial.partial_last_period, partial.as_of.seconds) == (True, WITHIN_LAST_WEEK["seconds"])
    error = await refused(jobs.ingest_previewed(as_of=LATER, data_hash=partial.data_hash))
    assert error.reason is errors.DATA_MISMATCH
    confirmed = await jobs.ingest_previewed(as_of=partial.as_of, data_hash=partial.data_hash)
    assert (confirmed.created, confirmed.partial_last_period) == (True, True)
    again = (await jobs.preview()).snapshot
    assert (again.created, again.data_hash) == (False, partial.data_hash), "known data keep their time"
    repeated = await jobs.ingest_previewed(as_of=again.as_of, data_hash=again.data_hash)
    assert (repeated.created, repeated.data_hash) == (False, again.data_hash)


async def test_many_terms_without_a_choice_are_listed(jobs: Jobs) -> None:
    answer = await jobs.preview(THREE)
    preview = answer.snapshot
    assert (preview.slug, list(preview.terms), preview.data_hash, preview.created) == ("", [], "", False)
    assert (preview.points, preview.step, preview.timeframe, preview.geo) == (4, "weekly", "12m", "US")
    assert columns(answer) == [
        ("amazon", False, 4, 0, 75, 90),
        ("costco", False, 3, 1, 0.5, 14),
        ("walmart", False, 4, 0, 50, 53),
    ]
    chosen = await jobs.preview(THREE, terms=["walmart", "amazon"])
    assert chosen.snapshot.slug == "amazon-vs-walmart"
    assert columns(chosen) == [
        ("amazon", True, 4, 0, 75, 90),
        ("walmart", True, 4, 0, 50, 53),
        ("costco", False, 0, 0, 0, 0),
    ]
    assert (await refused(jobs.ingest(THREE))).reason is errors.INVALID_ARGUMENT


async def test_one_term_is_named_and_two_files_are_joined(jobs: Jobs) -> None:
    preview = await jobs.preview(ONE)
    assert (preview.snapshot.slug, columns(preview)) == ("", [("amazon", False, 3, 0, 75, 80)])
    assert (await refused(jobs.ingest(ONE))).reason is errors.SINGLE_TERM
    other = ONE.replace(b"amazon", b"costco")
    files = [pb.TrendsFile(name=name, content=content) for name, content in (("a.csv", ONE), ("b.csv", other))]
    snapshot = pb.IngestSnapshotRequest(files=pb.TrendsFiles(files=files))
    joined = await jobs.stub.PreviewSnapshot(pb.PreviewSnapshotRequest(snapshot=snapshot), metadata=SENT)
    assert (joined.snapshot.slug, joined.snapshot.scaled_apart) == ("amazon-vs-costco", True)
    assert [each.chosen for each in joined.columns] == [True, True]


async def test_a_preview_refuses_what_an_import_refuses(jobs: Jobs) -> None:
    await jobs.ingest(CSV.replace(b"amazon", b"c++").replace(b"costco", b"rust"))
    before = await rows(jobs)
    taken = CSV.replace(b"amazon", b"c plus plus").replace(b"costco", b"rust")
    for content, fields, reason in (
        (taken, {}, errors.SLUG_TAKEN),
        (b"hello", {}, errors.UNREADABLE_INPUT),
        (THREE, {"timeframe": "7d"}, errors.INVALID_ARGUMENT),
        (ONE, {"source": "x\0"}, errors.INVALID_ARGUMENT),
        (CSV, {"expected_slug": "amazon-vs-costco"}, errors.NOT_FOUND),
        (THREE, {"expected_slug": "c-plus-plus-vs-rust"}, errors.TERMS_MISMATCH),
    ):
        assert (await refused(jobs.preview(content, **fields))).reason is reason
    assert await rows(jobs) == before


@pytest.mark.parametrize(
    "term", ["<script>alert(1)</script>", "{{7*7}}", "مقهى", "\u202eabc", "x" * 100, '"><img onerror=x>', "茶"]
)
async def test_terms_are_shown_as_text(jobs: Jobs, term: str) -> None:
    cell = '"' + term.replace('"', '""') + '"'
    content = f"Week,{cell},costco\n2024-01-07,1,2\n2024-01-14,3,4\n2024-01-21,5,6\n".encode()
    answer = await jobs.preview(content)
    preview, shown = answer.snapshot, term.replace("\u202e", "")
    assert [each.term for each in answer.columns] == [shown, "costco"]
    assert shown in preview.terms
    confirmed = await jobs.ingest_previewed(content, as_of=preview.as_of, data_hash=preview.data_hash)
    assert confirmed.slug == preview.slug
