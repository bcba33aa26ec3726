"""The hash that names a snapshot must be the same on every machine, and another for other data."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta, timezone
from typing import TypedDict

import pytest

from services.common.data_hash import data_hash


class _Content(TypedDict, total=False):
    terms: tuple[str, str]
    timeframe: str
    geo: str
    times: tuple[datetime, ...]
    values_a: tuple[float, ...]
    values_b: tuple[float, ...]
    partial_last_period: bool
    scaled_apart: bool


def _hash(changes: _Content) -> str:
    content: _Content = {
        "terms": ("amazon", "costco"),
        "timeframe": "12m",
        "geo": "US",
        "times": tuple(datetime(2024, 1, 7, tzinfo=UTC) + timedelta(weeks=week) for week in range(3)),
        "values_a": (1.0, 2.5, 100.0),
        "values_b": (0.0, 0.5, 7.0),
        "partial_last_period": False,
        "scaled_apart": False,
    }
    content.update(changes)
    return data_hash(**content)


def test_the_canonical_form_never_changes() -> None:
    document = (
        '{"geo":"US","partialLastPeriod":false,"points":[["2024-01-07T00:00:00+00:00",1.0,0.0],'
        '["2024-01-14T00:00:00+00:00",2.5,0.5],["2024-01-21T00:00:00+00:00",100.0,7.0]],"scaledApart":false,'
        '"terms":["amazon","costco"],"timeframe":"12m"}'
    )
    assert _hash({}) == hashlib.sha256(document.encode()).hexdigest()[:16]


@pytest.mark.parametrize(
    "same",
    [
        {"values_b": (-0.0, 0.5, 7)},
        {"terms": ("Amazon", "COSTCO ")},
        {
            "times": tuple(
                datetime(2024, 1, 7, 2, tzinfo=timezone(timedelta(hours=2))) + timedelta(weeks=week)
                for week in range(3)
            )
        },
    ],
)
def test_the_same_data_have_the_same_hash(same: _Content) -> None:
    assert _hash(same) == _hash({})


def test_other_data_have_another_hash() -> None:
    changes: list[_Content] = [
        {},
        {"terms": ("amazon", "target")},
        {"timeframe": "5y"},
        {"geo": ""},
        {"times": tuple(datetime(2024, 1, 8, tzinfo=UTC) + timedelta(weeks=week) for week in range(3))},
        {"values_a": (1.0, 2.5, 99.9999)},
        {"values_b": (0.0, 0.5001, 7.0)},
        {"values_a": (0.0, 0.5, 7.0), "values_b": (1.0, 2.5, 100.0)},
        {"partial_last_period": True},
        {"scaled_apart": True},
    ]
    assert len({_hash(change) for change in changes}) == len(changes)


def test_what_is_no_number_has_no_hash() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        _hash({"values_a": (1.0, float("nan"), 2.0)})


def test_every_time_needs_a_value() -> None:
    with pytest.raises(ValueError, match="shorter"):
        _hash({"values_a": (1.0, 2.0)})
