"""The lead of one term's changes over the other's."""

from __future__ import annotations

import numpy as np
import pytest

from services.forecaster.insights.together.lead_lag import MAX_LAG, MIN_CHANGES, find_lead
from tests.unit.forecaster.insights.together.pairs import noise


@pytest.mark.parametrize("steps", [1, 2, MAX_LAG])
@pytest.mark.parametrize("count", [MIN_CHANGES, 51, 259, 1000])
def test_a_lead_has_the_sign_of_the_term_that_leads(count: int, steps: int) -> None:
    later, earlier = noise(count + steps, seed=5)[:-steps], noise(count + steps, seed=5)[steps:]
    lead = find_lead(earlier, later)
    assert lead is not None
    assert lead.steps == steps
    assert lead.correlation > 0.6
    swapped = find_lead(later, earlier)
    assert swapped is not None
    assert (swapped.steps, swapped.correlation) == (-steps, lead.correlation)


@pytest.mark.parametrize("seed", range(5))
def test_simultaneous_changes_have_no_lead(seed: int) -> None:
    common = noise(259, seed=seed, correlation=0.5)
    assert find_lead(common, common) is None
    assert find_lead(common + noise(259, seed=seed + 50) / 2, common + noise(259, seed=seed + 90) / 2) is None


def test_changes_in_opposite_directions_are_no_lead() -> None:
    changes = noise(261, seed=7)
    assert find_lead(changes[2:], -changes[:-2]) is None


def test_too_few_or_constant_changes_have_no_lead() -> None:
    changes = noise(MIN_CHANGES + 1, seed=3)
    assert find_lead(changes[2:], changes[:-2]) is None
    assert find_lead(np.zeros(100), np.zeros(100)) is None
    assert find_lead(noise(100, seed=3), np.zeros(100)) is None
    assert find_lead(np.zeros(0), np.zeros(0)) is None


@pytest.mark.parametrize("correlation", [0.0, 0.5])
@pytest.mark.parametrize("count", [51, 259])
def test_independent_changes_have_no_lead(count: int, correlation: float) -> None:
    pairs = [(noise(count, seed=seed, correlation=correlation), noise(count, seed=900 + seed)) for seed in range(60)]
    assert sum(find_lead(a, b) is not None for a, b in pairs) <= 2


def test_the_surrogates_are_the_same_each_time_and_for_last_bits() -> None:
    changes, other = noise(259, seed=1), noise(259, seed=2)
    mixed = np.roll(changes, 3) + 2 * other
    assert find_lead(changes, mixed) == find_lead(changes + 1e-13, mixed) is not None
