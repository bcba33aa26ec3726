"""The recovery ratio distinguishes a rate that recovered from one that did not."""

from __future__ import annotations

import pytest

from tests.chaos.faults import InjectedFault
from tests.chaos.verdict import recovery

_FAULT = InjectedFault("a fault", begun=100.0, ended=104.0, storm=False)


def _evenly(begin: float, end: float, rate: int) -> list[float]:
    return [begin + number / rate for number in range(round((end - begin) * rate))]


@pytest.mark.parametrize(("rate_after", "ratio"), [(20, 1.0), (15, 0.75), (30, 1.5)])
def test_the_ratio_is_the_rate_after_a_fault_divided_by_the_rate_before(rate_after: int, ratio: float) -> None:
    ready = _evenly(60, 100, 20) + _evenly(124, 160, rate_after)
    assert recovery(ready, [_FAULT]) == ((_FAULT.name, ratio),)


def test_an_outage_during_most_of_the_time_after_a_fault_has_the_ratio_zero() -> None:
    ready = _evenly(60, 100, 20) + _evenly(144, 160, 20)
    assert recovery(ready, [_FAULT]) == ((_FAULT.name, 0.0),)


def test_a_fault_without_enough_time_before_and_after_has_no_ratio() -> None:
    assert recovery(_evenly(80, 160, 20), [_FAULT]) == ()
    assert recovery(_evenly(60, 150, 20), [_FAULT]) == ()
    assert recovery([], [_FAULT]) == ()
