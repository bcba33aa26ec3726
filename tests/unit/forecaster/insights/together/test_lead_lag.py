"""The lead of one term's changes over the other's."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.insights.leads import INDEPENDENT, compared, share_found, share_unclaimed
from services.forecaster.engine.history import Array
from services.forecaster.insights.together.changes import Changes, read_changes
from services.forecaster.insights.together.lead_lag import MAX_LAG, MIN_CHANGES, find_lead
from services.forecaster.insights.types import LeadLag
from tests.unit.forecaster.insights.together.pairs import analysis, noise


def lead_of(a: Array, b: Array) -> LeadLag | None:
    return find_lead(Changes(a, 0), Changes(b, 0))


@pytest.mark.parametrize("steps", [1, 2, MAX_LAG])
@pytest.mark.parametrize("count", [MIN_CHANGES, 51, 259, 1000])
def test_a_lead_has_the_sign_of_the_term_that_leads(count: int, steps: int) -> None:
    later, earlier = noise(count + steps, seed=5)[:-steps], noise(count + steps, seed=5)[steps:]
    lead = lead_of(earlier, later)
    assert lead is not None
    assert lead.steps == steps
    assert lead.correlation > 0.6
    swapped = lead_of(later, earlier)
    assert swapped is not None
    assert (swapped.steps, swapped.correlation) == (-steps, lead.correlation)


@pytest.mark.parametrize("seed", range(5))
def test_simultaneous_changes_have_no_lead(seed: int) -> None:
    common = noise(259, seed=seed, correlation=0.5)
    assert lead_of(common, common) is None
    assert lead_of(common + noise(259, seed=seed + 50) / 2, common + noise(259, seed=seed + 90) / 2) is None


def test_changes_in_opposite_directions_are_no_lead() -> None:
    changes = noise(261, seed=7)
    assert lead_of(changes[2:], -changes[:-2]) is None


def test_too_few_or_constant_changes_have_no_lead() -> None:
    changes = noise(MIN_CHANGES + 1, seed=3)
    assert lead_of(changes[2:], changes[:-2]) is None
    assert lead_of(np.zeros(100), np.zeros(100)) is None
    assert lead_of(noise(100, seed=3), np.zeros(100)) is None
    assert lead_of(np.zeros(0), np.zeros(0)) is None


def test_only_the_newest_changes_count() -> None:
    early, late = np.zeros(600), np.zeros(600)
    early[:60], late[2:62] = 2 * (noise(60, seed=3),)
    assert lead_of(early[:62], late[:62]) is not None
    assert lead_of(early, late) is None


@pytest.mark.parametrize(("name", "strength"), [("52 weeks", 0.7), ("104 weeks", 0.7), ("260 weeks", 0.5)])
def test_a_lead_of_two_steps_is_found(name: str, strength: float) -> None:
    assert share_found(name, strength, 20) >= 0.9


@pytest.mark.parametrize("kind", INDEPENDENT)
@pytest.mark.parametrize("name", ["52 weeks", "200 months"])
def test_independent_changes_have_no_lead(name: str, kind: str) -> None:
    share = share_unclaimed(compared(name, kind, 25))
    assert share is not None
    assert share >= 0.95


def test_independent_terms_with_a_season_of_two_years_have_no_lead() -> None:
    assert sum(lead_of_seasons(seed) is not None for seed in range(100)) <= 2


def lead_of_seasons(seed: int) -> LeadLag | None:
    """Of two years of two terms, each with a season and noise of its own."""
    draw, weeks = np.random.default_rng(seed), np.arange(104)
    a, b = (
        analysis(
            np.round(50 + 15 * np.sin(2 * np.pi * (weeks + draw.integers(52)) / 52) + 5 * draw.standard_normal(104))
        )
        for _ in range(2)
    )
    return find_lead(read_changes(a, adjusted=True), read_changes(b, adjusted=True))


def test_a_volatile_time_in_common_is_no_lead() -> None:
    claimed = 0
    for seed in range(60):
        a, b = noise(259, seed=seed), noise(259, seed=1000 + seed)
        a[100:150] *= 15
        b[100:150] *= 15
        claimed += lead_of(a, b) is not None
    assert claimed <= 1


def test_the_surrogates_are_the_same_each_time_and_for_last_bits() -> None:
    changes, other = noise(259, seed=1), noise(259, seed=2)
    mixed = np.roll(changes, 3) + 2 * other
    assert lead_of(changes, mixed) == lead_of(changes + 1e-13, mixed) is not None
