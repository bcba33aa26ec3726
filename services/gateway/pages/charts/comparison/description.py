"""The chart in words and numbers, for its title and description."""

from __future__ import annotations

from services.gateway.pages.charts.comparison.layout import Frame
from services.gateway.pages.charts.drawing.times import period_words
from services.gateway.pages.charts.drawing.typeface import isolated
from services.gateway.pages.charts.inputs import Role, Term
from services.gateway.pages.charts.words import EVERY, points_words, when

_MOST_MARKS = 5  # of a term


def title(frame: Frame) -> str:
    """What the chart shows."""
    terms = [frame.comparison.term(role) for role in frame.roles]
    names = " and ".join(isolated(term.name) for term in terms)
    return f"Search interest in {names}" + (", with forecast" if any(term.forecast for term in terms) else "")


def description(frame: Frame) -> str:
    """Span, latest values, extremes, forecast with its bands, and marks of each term."""
    sentences = [_span(frame)]
    for role in frame.roles:
        sentences += _history(frame, role)
    for role in frame.roles:
        sentences += _forecast(frame, frame.comparison.term(role))
    for role in frame.roles:
        sentences += _marks(frame.comparison.term(role))
    return " ".join(sentences)


def _span(frame: Frame) -> str:
    step = frame.comparison.step
    first, last = (period_words(frame.times[index], step) for index in (frame.first, -1))
    partial = ", which is incomplete" if frame.comparison.partial_last_period else ""
    return f"{EVERY[step]} from {first} to {last}{partial}, in points from 0 to 100."


def _history(frame: Frame, role: Role) -> list[str]:
    comparison = frame.comparison
    values, dates = comparison.term(role).values, comparison.dates
    known = [(value, index) for index in range(frame.first, frame.complete) if (value := values[index]) is not None]
    if not known:
        return []
    latest, at = known[-1]
    (lowest, _), (highest, highest_at) = min(known), max(known, key=lambda pair: pair[0])
    name = isolated(comparison.term(role).name)
    return [
        f"{name}: {points_words(latest)} {when(dates[at], comparison.step)}, lowest {points_words(lowest)}, "
        f"highest {points_words(highest)} {when(dates[highest_at], comparison.step)}{_so_far(frame, role)}."
    ]


def _so_far(frame: Frame, role: Role) -> str:
    value = frame.comparison.term(role).values[-1]
    if not frame.comparison.partial_last_period or value is None:
        return ""
    return f"; {points_words(value)} so far in the incomplete period"


def _forecast(frame: Frame, term: Term) -> list[str]:
    if not term.forecast:
        return []
    last = term.forecast[-1]
    return [
        f"Forecast for {isolated(term.name)} {when(last.date, frame.comparison.step)}: {points_words(last.value)}, "
        f"8 of 10 outcomes from {_range(last.lower80, last.upper80)}, "
        f"19 of 20 from {_range(last.lower95, last.upper95)}."
    ]


def _marks(term: Term) -> list[str]:
    if not term.marks:
        return []
    titles = "; ".join(mark.title.rstrip(".") for mark in term.marks[:_MOST_MARKS])
    return [f"Marked for {isolated(term.name)}: {titles}."]


def _range(*ends: float) -> str:
    return " to ".join(points_words(end) for end in ends)
