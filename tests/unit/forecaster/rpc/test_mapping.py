"""Requests are mapped to the domain, and invalid input is refused with the name of its field."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from warmcast.forecaster.v1 import forecaster_pb2 as pb

from services.common import errors
from services.common.errors import WarmcastError
from services.forecaster.rpc import mapping

Request = pb.GenerateForecastsRequest


def _times(count: int) -> list[Timestamp]:
    stamps = []
    for week in range(count):
        stamp = Timestamp()
        stamp.FromDatetime(datetime(2026, 1, 4, tzinfo=UTC) + timedelta(weeks=week))
        stamps.append(stamp)
    return stamps


def _request(points: int = 5) -> Request:
    times = _times(points)
    return Request(
        key=pb.SnapshotKey(
            slug="costco-vs-ikea", term_a="Costco", term_b="IKEA", timeframe="12m", data_hash="0f3a" * 4, geo="US"
        ),
        times=times,
        values_a=[10.0 * (i % 10) for i in range(points)],
        values_b=[100.0] * points,
        scaled_apart=True,
        source="api",
        last_updated_at=_times(1)[0],
        lease_id=3,
        adopt_above_lease=2,
        debug_id="d",
    )


def test_a_valid_request_is_mapped() -> None:
    parsed = mapping.read_request(_request())
    assert parsed.snapshot.slug == "costco-vs-ikea"
    assert parsed.series_a.label == "termA"
    assert parsed.series_b.term == "IKEA"
    assert parsed.series_a.times[1] - parsed.series_a.times[0] == timedelta(weeks=1)
    assert parsed.series_b.values == (100.0,) * 5
    assert parsed.series_a.scaled_apart
    assert not parsed.series_a.partial_last_period
    assert (parsed.lease_id, parsed.adopt_above_lease, parsed.force) == (3, 2, False)


@pytest.mark.parametrize("points", [3, 5000])
def test_the_shortest_and_the_longest_series_are_accepted(points: int) -> None:
    assert len(mapping.read_request(_request(points)).series_a.values) == points


def _set(path: str, value: object) -> Callable[[Request], None]:
    def change(request: Request) -> None:
        *parents, name = path.split(".")
        target: object = request
        for parent in parents:
            target = getattr(target, parent)
        setattr(target, name, value)

    return change


def _value(field: str, index: int, value: float) -> Callable[[Request], None]:
    def change(request: Request) -> None:
        getattr(request, field)[index] = value

    return change


def _swap_two_times(request: Request) -> None:
    request.times[2].seconds, request.times[1].seconds = request.times[1].seconds, request.times[2].seconds


def _repeat_a_time(request: Request) -> None:
    request.times[3].CopyFrom(request.times[2])


def _time_after_year_9999(request: Request) -> None:
    request.times[4].seconds = 10**12


def _shorten(field: str) -> Callable[[Request], None]:
    def change(request: Request) -> None:
        del getattr(request, field)[-1]

    return change


@pytest.mark.parametrize(
    ("change", "field"),
    [
        (_set("key.slug", ""), "key.slug"),
        (_set("key.slug", "x" * 501), "key.slug"),
        (_set("key.term_a", ""), "key.term_a"),
        (_set("key.term_b", "Costco"), "key.term_b"),
        (_set("key.timeframe", "2y"), "key.timeframe"),
        (_set("key.timeframe", ""), "key.timeframe"),
        (_set("key.geo", "us"), "key.geo"),
        (_set("key.data_hash", "0F3A" * 4), "key.data_hash"),
        (_set("key.data_hash", "0f3a"), "key.data_hash"),
        (_value("values_a", 0, math.nan), "values_a[0]"),
        (_value("values_a", 1, math.inf), "values_a[1]"),
        (_value("values_b", 2, -0.1), "values_b[2]"),
        (_value("values_b", 3, 100.1), "values_b[3]"),
        (_shorten("values_a"), "values_a"),
        (_shorten("values_b"), "values_b"),
        (_shorten("times"), "values_a"),
        (_swap_two_times, "times[2]"),
        (_repeat_a_time, "times[3]"),
        (_time_after_year_9999, "times[4]"),
        (_set("source", ""), "source"),
        (_set("lease_id", 0), "lease_id"),
        (_set("lease_id", -1), "lease_id"),
        (_set("lease_id", 2**53), "lease_id"),
        (_set("adopt_above_lease", -1), "adopt_above_lease"),
        (lambda request: request.ClearField("last_updated_at"), "last_updated_at"),
    ],
)
def test_invalid_input_names_its_field(change: Callable[[Request], None], field: str) -> None:
    request = _request()
    change(request)
    with pytest.raises(WarmcastError) as caught:
        mapping.read_request(request)
    assert caught.value.reason is errors.INVALID_ARGUMENT
    assert [name for name, _ in caught.value.fields] == [field]


def test_a_malformed_geo_is_refused() -> None:
    request = _request()
    request.key.geo = "USA"
    with pytest.raises(WarmcastError, match="malformed geo"):
        mapping.read_request(request)


@pytest.mark.parametrize("points", [0, 2, 5001])
def test_too_few_or_too_many_points(points: int) -> None:
    with pytest.raises(WarmcastError, match=f"times has {points} points"):
        mapping.read_request(_request(points))


def test_keys_of_this_engine_precede_those_of_the_row() -> None:
    key = _request().key
    assert [name.engine_version for name in mapping.read_forecast_keys(key, "keys[0]", "2")] == ["2"]
    key.engine_version = "2"
    assert [name.engine_version for name in mapping.read_forecast_keys(key, "keys[0]", "2")] == ["2"]
    key.engine_version = "1"
    assert [name.engine_version for name in mapping.read_forecast_keys(key, "keys[0]", "2")] == ["2", "1"]


def test_a_failure_is_queued_or_failed_and_its_error_is_truncated() -> None:
    request = pb.RecordFailureRequest(key=_request().key, lease_id=4, status="failed", error="x" * 5000)
    _, lease_id, status, error = mapping.read_failure(request)
    assert (lease_id, status, len(error)) == (4, "failed", 2000)
    request.status = "ready"
    with pytest.raises(WarmcastError, match="status is neither"):
        mapping.read_failure(request)
