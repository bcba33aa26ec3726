"""Our own encoding and decoding of arrays gives the same values as the driver."""

from __future__ import annotations

import math
from datetime import UTC, datetime

import pytest

from services.jobs.postgres.driver import arrays
from tests.integration.jobs.conftest import Store, key_of

FLOATS = (0.0, -0.0, 0.1, 1e-300, 1.7976931348623157e308, 12.3456, math.inf)
TEXTS = ("plain", "", "null", "NULL", 'a "quoted" one', "back\\slash", "a,b{c}", " spaces ", "naïve 東京", "it's\nnew")
TIMES = (
    datetime(1970, 1, 1, tzinfo=UTC),
    datetime(2000, 1, 1, tzinfo=UTC),
    datetime(2038, 2, 3, 4, 5, 6, 789012, tzinfo=UTC),
)


@pytest.mark.parametrize(
    ("literal", "kind", "values"),
    [
        (arrays.numbers(FLOATS), "float8", FLOATS),
        (arrays.numbers((1, -(2**62))), "bigint", (1, -(2**62))),
        (arrays.numbers((0.5, None)), "float8", (0.5, None)),
        (arrays.texts(TEXTS), "text", TEXTS),
        (arrays.times(TIMES), "timestamptz", TIMES),
        (arrays.numbers(()), "int", ()),
    ],
)
async def test_an_array_literal_holds_the_given_values(
    store: Store, literal: str, kind: str, values: tuple[object, ...]
) -> None:
    (row,) = await store.execute(f"SELECT %(literal)s::{kind}[] AS read", literal=literal)
    assert row["read"] == list(values)


async def test_packed_arrays_are_unpacked_unchanged(store: Store) -> None:
    query = "SELECT array_send(%(floats)s::float8[]) AS floats, array_send(%(times)s::timestamptz[]) AS times"
    (row,) = await store.execute(query, floats=list(FLOATS), times=list(TIMES))
    (none,) = await store.execute(query, floats=[], times=[])
    assert isinstance(row["floats"], bytes)
    assert isinstance(row["times"], bytes)
    assert arrays.unpack_floats(row["floats"]) == FLOATS
    assert arrays.unpack_times(row["times"]) == TIMES
    assert isinstance(none["floats"], bytes)
    assert arrays.unpack_floats(none["floats"]) == ()


async def test_a_claim_returns_the_snapshot_as_imported(store: Store) -> None:
    snapshot = await store.comparison(values=(0.5, 100, 3, 7, 0))
    await store.queue.trigger(key_of(snapshot), force=False)
    claimed = (await store.claim_one()).snapshot()
    assert (claimed.times, claimed.values_a, claimed.values_b) == (snapshot.times, snapshot.values_a, snapshot.values_b)
    assert claimed == (await store.comparisons.current(key_of(snapshot))).snapshot
