"""The format of a bundle in Redis, and the detection of corrupt ones."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from services.forecaster.cache.bundles import BundlePair
from services.forecaster.cache.envelope import CorruptValueError, seal, unseal

PAIR = BundlePair(
    lease_id=7,
    engine_version="1",
    generated_at=datetime(2026, 11, 24, 13, 5, 6, 789000, tzinfo=UTC),
    bundle_a='{"term":"café","points":[1.5, 2]}'.encode(),
    bundle_b=b'{"term":"tea","points":[3]}',
    head_to_head=b'{"winnerProbability":51.5}',
)


def test_a_pair_is_read_back_byte_for_byte() -> None:
    assert unseal(*seal(PAIR)) == PAIR


def test_a_value_is_one_json_object_with_fixed_names() -> None:
    value, _ = seal(PAIR)
    read = json.loads(value)
    assert set(read) == {"checksum", "leaseId", "engineVersion", "generatedAt", "headToHead", "bundle"}
    assert read["generatedAt"] == "2026-11-24T13:05:06.789Z"
    assert read["bundle"] == {"term": "café", "points": [1.5, 2]}


def test_any_changed_byte_is_detected() -> None:
    value_a, value_b = seal(PAIR)
    for position in range(len(value_a)):
        for mask in (0x01, 0x20, 0x80):  # another digit or letter, another case, no ASCII
            damaged = bytearray(value_a)
            damaged[position] ^= mask
            with pytest.raises(CorruptValueError):
                unseal(bytes(damaged), value_b)


def test_fields_of_a_newer_release_are_ignored() -> None:
    first, last = (
        [b'{"added":{"deep":[1]},' + value[1:] for value in seal(PAIR)],
        [value[:-1] + b',"coverage":0.8}' for value in seal(PAIR)],
    )
    assert unseal(*first) == unseal(*last) == PAIR


@pytest.mark.parametrize("damaged", [b"", b"null", b"[]", b"{}", b"\xff", b'{"checksum":"","leaseId":7}'])
def test_a_value_without_an_envelope_is_corrupt(damaged: bytes) -> None:
    with pytest.raises(CorruptValueError):
        unseal(damaged, seal(PAIR)[1])


def test_a_truncated_or_extended_value_is_corrupt() -> None:
    value_a, value_b = seal(PAIR)
    for damaged in (value_b[:-1], value_b[1:], value_b + b"}", value_b[: len(value_b) // 2]):
        with pytest.raises(CorruptValueError):
            unseal(value_a, damaged)


def test_a_single_bundle_is_not_a_pair() -> None:
    value_a, value_b = seal(PAIR)
    assert unseal(value_a, None) is None
    assert unseal(None, value_b) is None
    assert unseal(None, None) is None


def test_a_corrupt_bundle_is_detected_even_if_the_other_is_absent() -> None:
    with pytest.raises(CorruptValueError):
        unseal(None, b"{")


def test_bundles_of_two_runs_are_not_a_pair() -> None:
    value_a, _ = seal(PAIR)
    for other in (
        BundlePair(8, "1", PAIR.generated_at, PAIR.bundle_a, PAIR.bundle_b, PAIR.head_to_head),
        BundlePair(7, "1", PAIR.generated_at.replace(hour=14), PAIR.bundle_a, PAIR.bundle_b, PAIR.head_to_head),
        BundlePair(7, "1", PAIR.generated_at, PAIR.bundle_a, PAIR.bundle_b, b"null"),
    ):
        assert unseal(value_a, seal(other)[1]) is None
