"""The format of a bundle in Redis, and the detection of corrupt ones."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from services.forecaster.cache.bundles import BundlePair
from services.forecaster.cache.envelope import CorruptValueError, seal, unseal
from services.forecaster.insights.encoded import EncodedInsights
from tests.unit.forecaster.cache import version_8

PAIR = BundlePair(
    lease_id=7,
    engine_version="1",
    generated_at=datetime(2026, 11, 24, 13, 5, 6, 789000, tzinfo=UTC),
    bundle_a='{"term":"café","points":[1.5, 2]}'.encode(),
    bundle_b=b'{"term":"tea","points":[3]}',
    head_to_head=b'{"winnerProbability":51.5}',
    margin=b'[{"value": 1}]',
    insights=EncodedInsights(
        term_a='{"season":"été"}'.encode(),
        term_b=b'{"season":null}',
        together=b'{"leadLag":null}',
        interpretations=b'[{"id":"winner"}]',
    ),
)
WITHOUT_INSIGHTS = replace(PAIR, margin=b"null", insights=EncodedInsights())


def test_a_pair_is_read_back_byte_for_byte() -> None:
    assert unseal(*seal(PAIR)) == PAIR


def test_a_value_is_one_json_object_with_fixed_names() -> None:
    value, other = seal(PAIR)
    read = json.loads(value)
    both = {"checksum", "leaseId", "engineVersion", "generatedAt", "headToHead", "bundle", "insights"}
    assert set(read) == both | {"margin", "together", "interpretations", "insightsChecksum"}
    assert set(json.loads(other)) == both | {"sharedChecksum", "insightsChecksum"}
    assert read["generatedAt"] == "2026-11-24T13:05:06.789Z"
    assert read["bundle"] == {"term": "café", "points": [1.5, 2]}


@pytest.mark.parametrize("damaged_one", [0, 1])
def test_any_changed_byte_is_detected(damaged_one: int) -> None:
    values = list(seal(PAIR))
    whole = values[damaged_one]
    for position in range(len(whole)):
        for mask in (0x01, 0x20, 0x80):  # another digit or letter, another case, no ASCII
            damaged = bytearray(whole)
            damaged[position] ^= mask
            values[damaged_one] = bytes(damaged)
            with pytest.raises(CorruptValueError):
                unseal(*values)


@pytest.mark.parametrize("name", ["insights", "margin", "together", "interpretations", "insightsChecksum"])
def test_a_missing_part_is_detected(name: str) -> None:
    value_a, value_b = seal(PAIR)
    parts = json.loads(value_a)
    del parts[name]
    with pytest.raises(CorruptValueError):
        unseal(json.dumps(parts, ensure_ascii=False, separators=(",", ":")).encode(), value_b)


def test_insights_beside_another_bundle_are_detected() -> None:
    value_a, value_b = seal(PAIR)
    other, _ = seal(replace(PAIR, bundle_a=b'{"term":"tea","points":[4]}'))
    grafted = other.replace(*(json.loads(value)["insightsChecksum"].encode() for value in (other, value_a)))
    with pytest.raises(CorruptValueError, match="insights"):
        unseal(grafted, value_b)


def test_shared_parts_of_another_computation_are_detected() -> None:
    value_a, _ = seal(replace(PAIR, margin=b"[]"))
    _, value_b = seal(PAIR)
    with pytest.raises(CorruptValueError, match="shared parts"):
        unseal(value_a, value_b)


def test_a_pair_without_insights_is_read_back() -> None:
    assert unseal(*seal(WITHOUT_INSIGHTS)) == WITHOUT_INSIGHTS


def test_version_9_reads_values_of_version_8_as_without_insights() -> None:
    assert unseal(*version_8.VALUES) == WITHOUT_INSIGHTS


def test_version_8_reads_values_of_version_9() -> None:
    assert [version_8.read(value) for value in seal(PAIR)] == [PAIR.bundle_a, PAIR.bundle_b]


def test_a_value_of_version_8_with_another_of_version_9_is_corrupt() -> None:
    for pair in (seal(PAIR)[0], version_8.VALUES[1]), (version_8.VALUES[0], seal(PAIR)[1]):
        with pytest.raises(CorruptValueError):
            unseal(*pair)


def test_the_margin_is_added_to_the_head_to_head() -> None:
    assert json.loads(PAIR.head_to_head_with_margin) == {"winnerProbability": 51.5, "margin": [{"value": 1}]}
    assert WITHOUT_INSIGHTS.head_to_head_with_margin == PAIR.head_to_head
    assert replace(WITHOUT_INSIGHTS, head_to_head=b"null").head_to_head_with_margin == b"null"


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
        replace(PAIR, lease_id=8),
        replace(PAIR, generated_at=PAIR.generated_at.replace(hour=14)),
        replace(PAIR, head_to_head=b"null"),
    ):
        assert unseal(value_a, seal(other)[1]) is None
