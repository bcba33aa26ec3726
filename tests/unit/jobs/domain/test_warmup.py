"""When a warmup is expected to be ready."""

from __future__ import annotations

import pytest

from services.jobs.domain.warmup import Place, eta_seconds


@pytest.mark.parametrize(
    ("place", "worker_slots", "expected"),
    [
        (Place(1, 0.0, 0.0, 2.04), 4, 2.0),
        (Place(4, 0.0, 0.0, 2.0), 4, 2.0),
        (Place(5, 1.26, 0.0, 2.0), 4, 5.3),
        (Place(0, 0.0, 0.5000001, 2.0), 4, 1.5),
        (Place(0, 0.0, 7.0, 2.0), 4, 0.0),
        (Place(1, 0.0, 0.0, None), 4, None),
        (Place(1, 0.0, 0.0, 2.0), 0, None),
    ],
)
def test_the_eta_counts_rounds_of_runs_to_a_tenth_of_a_second(
    place: Place, worker_slots: int, expected: float | None
) -> None:
    assert eta_seconds(place, worker_slots=worker_slots) == expected
