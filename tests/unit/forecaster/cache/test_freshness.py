"""24 h fresh, 7 d stale, then missing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from services.forecaster.cache.bundles import BundlePair
from services.forecaster.cache.freshness import Freshness, assess_freshness

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("age", "expected"),
    [
        (timedelta(seconds=-5), Freshness.FRESH),  # another machine's clock
        (timedelta(0), Freshness.FRESH),
        (timedelta(hours=24), Freshness.FRESH),
        (timedelta(hours=24, milliseconds=1), Freshness.STALE),
        (timedelta(hours=24, seconds=1), Freshness.STALE),
        (timedelta(days=7, milliseconds=-1), Freshness.STALE),
        (timedelta(days=7), Freshness.MISSING),
        (timedelta(days=30), Freshness.MISSING),
    ],
)
def test_by_age(age: timedelta, expected: Freshness) -> None:
    assert assess_freshness(_pair(age), now=NOW, own_version="1") is expected


def test_an_older_engines_bundles_are_stale_at_best() -> None:
    assert assess_freshness(_pair(timedelta(0)), now=NOW, own_version="2") is Freshness.STALE
    assert assess_freshness(_pair(timedelta(days=7)), now=NOW, own_version="2") is Freshness.MISSING


@pytest.mark.parametrize(
    ("version", "own", "expected"),
    [
        ("8", "7", Freshness.FRESH),
        ("10", "9", Freshness.FRESH),
        ("9", "10", Freshness.STALE),
        ("7-naive", "7", Freshness.FRESH),
        ("7", "7-naive", Freshness.FRESH),
        ("8-naive", "7", Freshness.FRESH),
        ("6-naive", "7", Freshness.STALE),
        ("007", "7", Freshness.FRESH),
        ("unknown", "7", Freshness.STALE),
        ("", "7", Freshness.STALE),
        ("٨", "7", Freshness.STALE),  # a digit, but none that a release is named by
        ("7", "unknown", Freshness.FRESH),
    ],
)
def test_versions_compare_by_their_leading_integer(version: str, own: str, expected: Freshness) -> None:
    assert assess_freshness(_pair(timedelta(0), version), now=NOW, own_version=own) is expected


@pytest.mark.parametrize(
    ("age", "expected"),
    [
        (timedelta(hours=24), Freshness.FRESH),
        (timedelta(hours=25), Freshness.STALE),
        (timedelta(days=7), Freshness.MISSING),
    ],
)
def test_freshness_of_a_newer_engines_bundles_depends_on_their_age(age: timedelta, expected: Freshness) -> None:
    assert assess_freshness(_pair(age, "8"), now=NOW, own_version="7") is expected


def test_two_engines_never_both_regard_the_others_bundles_as_stale() -> None:
    versions = ["", "unknown", "6", "7", "7-naive", "8", "10", "10-naive"]
    for one in versions:
        for other in versions:
            judged = {
                assess_freshness(_pair(timedelta(0), one), now=NOW, own_version=other),
                assess_freshness(_pair(timedelta(0), other), now=NOW, own_version=one),
            }
            assert Freshness.FRESH in judged, (one, other)


def test_none_is_missing() -> None:
    assert assess_freshness(None, now=NOW, own_version="1") is Freshness.MISSING


def _pair(age: timedelta, version: str = "1") -> BundlePair:
    return BundlePair(1, version, NOW - age, b"{}", b"{}", b"null")


@pytest.mark.parametrize(("ahead", "expected"), [(4, Freshness.FRESH), (6, Freshness.STALE)])
def test_a_pair_from_the_future_is_stale(ahead: int, expected: Freshness) -> None:
    assert assess_freshness(_pair(-timedelta(minutes=ahead)), now=NOW, own_version="1") is expected
