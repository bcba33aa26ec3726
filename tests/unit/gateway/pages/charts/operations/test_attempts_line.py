"""Attempts on a time line."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from services.gateway.pages.charts.operations.attempts_line import Run, attempts_line
from services.gateway.pages.charts.operations.sizes import WIDTHS, Size
from tests.unit.gateway.pages.charts.reading import having, parse

START = datetime(2026, 11, 30, 13, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


RUNS = (
    Run(1, at(0), at(1), at(2), "lease-expired", refused=at(8)),
    Run(2, at(3), at(5), at(6), "ready"),
    Run(3, None, at(9), None, "running"),
)


@pytest.mark.parametrize("size", Size)
def test_waits_and_runs_are_as_long_as_they_took(size: Size) -> None:
    root = parse(attempts_line(RUNS, at(10), size))
    first, second, third = having(root, "run")
    widths = [float(each.attrib["width"]) for each in (first, second, third)]
    assert widths == pytest.approx([widths[0]] * 3, abs=0.2)
    starts = [float(each.attrib["x"]) for each in (first, second, third)]
    assert (starts[1] - starts[0]) / widths[0] == pytest.approx(4, abs=0.05)
    assert starts[2] + widths[2] <= WIDTHS[size]
    assert len(having(root, "waited")) == 2
    assert len(having(root, "refused")) == 1
    assert [each.attrib["class"] for each in (first, second, third)] == ["run lost", "run ready", "run open"]


def test_a_short_run_can_be_seen() -> None:
    runs = [Run(1, at(0), at(3_600), at(3_600.001), "ready")]
    [run] = having(parse(attempts_line(runs, at(3_601), Size.WIDE)), "run")
    assert float(run.attrib["width"]) == 3
    assert float(run.attrib["x"]) + 3 <= WIDTHS[Size.WIDE]


def test_it_is_described() -> None:
    root = parse(attempts_line(RUNS, at(10), Size.WIDE))
    [described] = [each.text for each in root.iter() if each.tag == "desc"]
    assert described == (
        "Attempt 1: lease-expired, waited 1 s, ran 1 s, its late result was refused. "
        "Attempt 2: ready, waited 2 s, ran 1 s. Attempt 3: running"
    )


def test_without_attempts_there_is_no_line() -> None:
    with pytest.raises(ValueError, match="at least one attempt"):
        attempts_line([], START, Size.WIDE)
