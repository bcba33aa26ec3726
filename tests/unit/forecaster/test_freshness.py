"""24 h fresh, 7 d stale, then gone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from services.forecaster.bundles import StoredPair
from services.forecaster.freshness import Freshness, judge

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
    assert judge(_pair(age), now=NOW, own_version="1") is expected


def test_an_older_engines_bundles_are_stale_at_best() -> None:
    assert judge(_pair(timedelta(0)), now=NOW, own_version="2") is Freshness.STALE
    assert judge(_pair(timedelta(days=7)), now=NOW, own_version="2") is Freshness.MISSING


def test_none_is_missing() -> None:
    assert judge(None, now=NOW, own_version="1") is Freshness.MISSING


def _pair(age: timedelta) -> StoredPair:
    return StoredPair(1, "1", NOW - age, b"{}", b"{}", b"null")


@pytest.mark.parametrize(("ahead", "expected"), [(4, Freshness.FRESH), (6, Freshness.STALE)])
def test_a_pair_from_the_future_is_made_again(ahead: int, expected: Freshness) -> None:
    assert judge(_pair(-timedelta(minutes=ahead)), now=NOW, own_version="1") is expected
