"""Comparisons of every kind that a page may show."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from services.common.comparison import TIMEFRAMES, Step
from services.gateway.pages.charts.inputs import Comparison, ForecastPoint, Mark, MarkKind, Term
from services.gateway.pages.charts.sample import five_year_comparison

HOSTILE_NAMES = (
    "<script>alert(1)</script>",
    '"><img onerror=alert(1) src=x>',
    "{{7*7}} ${7*7}",
    "\u202eevil\u202d",
    "a" * 200,
    "北京烤鸭与四川火锅哪个更好吃" * 4,
    "مقارنة بين القهوة والشاي في العالم العربي",
    "👩‍👩‍👧‍👦" * 20,
    "nul\x00 and \x1b, \ufffe",
    " ",
    "]]>&amp;<!--",
)


def dates(step: Step, count: int) -> list[str]:
    """Consecutive periods, written as in the contract."""
    if step is Step.HOURLY:
        start = datetime(2026, 11, 22, tzinfo=UTC)
        return [f"{start + timedelta(hours=hour):%Y-%m-%dT%H:%M:%SZ}" for hour in range(count)]
    if step is Step.MONTHLY:
        return [f"{2004 + month // 12}-{month % 12 + 1:02}-01" for month in range(count)]
    length = timedelta(days=7 if step is Step.WEEKLY else 1)
    return [(date(2020, 1, 5) + index * length).isoformat() for index in range(count)]


def following(step: Step, known: int, count: int) -> list[str]:
    """The periods after `known` ones."""
    return dates(step, known + count)[known:]


def flat(step: Step, known: int, value: float, count: int) -> tuple[ForecastPoint, ...]:
    """A forecast of the same value with bands of ±10 and ±20."""
    return tuple(
        ForecastPoint(each, value, max(0, value - 10), min(100, value + 10), max(0, value - 20), min(100, value + 20))
        for each in following(step, known, count)
    )


def comparison(
    values_a: Sequence[float | None],
    values_b: Sequence[float | None],
    *,
    step: Step = Step.WEEKLY,
    horizon: int = 13,
    partial: bool = False,
    forecasts: tuple[float | None, float | None] = (None, None),
) -> Comparison:
    """Terms `tea` and `coffee`, with flat forecasts where a value is given."""
    known = len(values_a) - partial
    tea, coffee = (
        Term(name, values, () if value is None else flat(step, known, value, horizon))
        for name, values, value in (("tea", values_a, forecasts[0]), ("coffee", values_b, forecasts[1]))
    )
    return Comparison(dates(step, len(values_a)), step, horizon, tea, coffee, partial)


def named(sample: Comparison, name_a: str, name_b: str) -> Comparison:
    """The same comparison of other terms, which its marks name too."""
    return replace(sample, a=_named(sample.a, name_a), b=_named(sample.b, name_b))


def without_forecasts(sample: Comparison) -> Comparison:
    """The same comparison before its forecasts are computed."""
    return replace(sample, a=replace(sample.a, forecast=()), b=replace(sample.b, forecast=()))


def _named(term: Term, name: str) -> Term:
    mark = Mark("2023-01-01", 50, MarkKind.PEAK, name, f"{name} is high")
    return replace(term, name=name, marks=(mark, *term.marks))


def _launch() -> Comparison:
    values = [0.0] * 90 + [100, 72, 64, 60, 58]
    return comparison(values, [0.5] * 95, forecasts=(55, 0.4))


def _gaps() -> Comparison:
    values = [None if week % 9 == 4 else 40.0 + week % 7 for week in range(104)]
    return comparison(values, [None] * 104, forecasts=(45, None))


def _every_step(step: Step) -> Comparison:
    timeframe = next(each for each in TIMEFRAMES.values() if each.step is step)
    values = [50.0 + index % 24 for index in range(168)]
    return comparison(values, values[::-1], step=step, horizon=timeframe.horizon, partial=True, forecasts=(60, 55))


SAMPLES: dict[str, Callable[[], Comparison]] = {
    "five years": five_year_comparison,
    "cold": lambda: without_forecasts(five_year_comparison()),
    "constant": lambda: comparison([50.0] * 52, [50.0] * 52, forecasts=(50, 50)),
    "zeros": lambda: comparison([0.0] * 52, [0.0] * 52, forecasts=(0, 0)),
    "three points": lambda: comparison([1.0, 100.0, 3.0], [4.0, 5.0, 6.0], partial=True, forecasts=(50, 20)),
    "one point": lambda: comparison([1.0], [4.0]),
    "5,000 points": lambda: comparison(
        [float(index * 7919 % 101) for index in range(5000)], [float(index % 60) for index in range(5000)],
        forecasts=(50, 20),
    ),
    "one forecast missing": lambda: comparison([20.0] * 52, [80.0] * 52, forecasts=(30, None)),
    "launch": _launch,
    "gaps": _gaps,
    "small values": lambda: comparison([1.0, 2.0, 3.0] * 20, [0.5] * 60, forecasts=(2, 0.5)),
    **{step.value: lambda step=step: _every_step(step) for step in Step},  # type: ignore[misc] # binds the loop's step
}  # fmt: skip
