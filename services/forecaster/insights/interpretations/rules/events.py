"""Events, launches and lasting changes of level."""

from __future__ import annotations

from services.common.change_band import change_band
from services.forecaster.insights.interpretations.facts import Facts, TermFacts
from services.forecaster.insights.interpretations.finding import Finding, tenth
from services.forecaster.insights.interpretations.wording import count, from_to, in_period, number, points
from services.forecaster.insights.types import ChangePoint, Peak

LAUNCH_LEVEL = 1.0  # points: a term that was at most here before a recent change was launched
CLEAR_EFFECT = 5.0  # points: a smaller event is not worth a sentence


def event_of_both(facts: Facts) -> Finding | None:
    """The largest events of both terms are at the same time."""
    a, b = _largest(facts.a), _largest(facts.b)
    if a is None or b is None or not _overlap(a, b):
        return None
    dates = (in_period(a.date, facts.step), in_period(b.date, facts.step))
    together, when_a, when_b = (dates[0], "", "") if a.date == b.date else ("at the same time", *dates)
    return Finding(
        _importance(facts, max(a.date, b.date)) + 3,
        "sharedEvent",
        None,
        f"Both terms stood out {together}: {_height(facts.a, a, when_a)}, {_height(facts.b, b, when_b)}.",
        {
            "dateA": a.date,
            "valueA": tenth(a.value),
            "effectA": tenth(a.effect),
            "dateB": b.date,
            "valueB": tenth(b.value),
            "effectB": tenth(b.effect),
        },
    )


def event(facts: Facts, term: TermFacts) -> Finding | None:
    """The term stood out of what was usual then."""
    peak = _largest(term)
    if peak is None or event_of_both(facts) is not None:
        return None
    events = sum(each.kind == "event" for each in term.insights.peaks)
    when = in_period(peak.date, facts.step)
    if peak.recurring:
        stood_out = f"stands out near the same date of more than one year, most of all {when}"
    else:
        stood_out = f"stood out {when}{', its largest event' if events > 1 else ''}"
    return Finding(
        _importance(facts, peak.date),
        "recurringEvent" if peak.recurring else "event",
        term.label,
        f"{term.name} {stood_out}: at {points(peak.value)}, {number(peak.effect)} above what was usual then.",
        {
            "date": peak.date,
            "from": peak.from_,
            "to": peak.to,
            "value": tenth(peak.value),
            "effect": tenth(peak.effect),
        },
    )


def launch(facts: Facts, term: TermFacts) -> Finding | None:
    """Search interest in the term began within the series."""
    change = _launch(term)
    if change is None:
        return None
    since = sum(date >= change.date for date in term.dates)
    recent = "recentLaunch" in term.forecast.flags
    known = f", with {count(since, facts.step)} known since" if recent else ""
    return Finding(
        78 if recent else 44,
        "launch",
        term.label,
        f"Search interest in {term.name} took off {in_period(change.date, facts.step)}: "
        f"{from_to(change.before, change.after)}{known}.",
        {"date": change.date, "before": tenth(change.before), "after": tenth(change.after), "periods": since},
    )


def level_shift_of_both(facts: Facts) -> Finding | None:
    """The levels of both terms changed for good in the same direction."""
    a, b = _shift(facts.a), _shift(facts.b)
    if a is None or b is None or _verb(a) != _verb(b):
        return None
    dates = (in_period(a.date, facts.step), in_period(b.date, facts.step))
    together, when_a, when_b = (f" {dates[0]}", "", "") if a.date == b.date else ("", *dates)
    return Finding(
        77 if _is_recent(facts.a, a) or _is_recent(facts.b, b) else 49,
        "sameLevelShift",
        None,
        f"Both terms {_verb(a)} level{together}: {_step(facts.a, a, when_a)}, {_step(facts.b, b, when_b)}.",
        {
            "dateA": a.date,
            "beforeA": tenth(a.before),
            "afterA": tenth(a.after),
            "dateB": b.date,
            "beforeB": tenth(b.before),
            "afterB": tenth(b.after),
        },
    )


def level_shift(facts: Facts, term: TermFacts) -> Finding | None:
    """The level of the term changed for good."""
    change = _shift(term)
    if change is None or level_shift_of_both(facts) is not None:
        return None
    changes = len(term.insights.change_points)
    last = f", the last of {changes} such changes" if changes > 1 else ""
    return Finding(
        76 if _is_recent(term, change) else 48,
        "levelShift",
        term.label,
        f"{term.name} {_verb(change)} level {in_period(change.date, facts.step)}: "
        f"{from_to(change.before, change.after)}{last}.",
        {
            "date": change.date,
            "before": tenth(change.before),
            "after": tenth(change.after),
            "changes": changes,
        },
    )


def _largest(term: TermFacts) -> Peak | None:
    events = [peak for peak in term.insights.peaks if peak.kind == "event" and peak.effect >= CLEAR_EFFECT]
    return max(events, key=lambda peak: peak.effect, default=None)


def _overlap(one: Peak, other: Peak) -> bool:
    return one.from_ <= other.to and other.from_ <= one.to


def _height(term: TermFacts, peak: Peak, when: str) -> str:
    return f"{_on(term, when)} at {points(peak.value)} ({number(peak.effect)} above what was usual)"


def _step(term: TermFacts, change: ChangePoint, when: str) -> str:
    return f"{_on(term, when)} {from_to(change.before, change.after)}"


def _on(term: TermFacts, when: str) -> str:
    return f"{term.name} {when}" if when else term.name


def _importance(facts: Facts, date: str) -> float:
    """An event within the last horizon still moves the forecast."""
    return 72 if date >= facts.a.dates[-facts.horizon :][0] else 45


def _launch(term: TermFacts) -> ChangePoint | None:
    change = _last_change(term)
    return change if change and change.recent and change.before <= LAUNCH_LEVEL < change.after else None


def _shift(term: TermFacts) -> ChangePoint | None:
    change = _last_change(term)
    return change if change and _launch(term) is None else None


def _last_change(term: TermFacts) -> ChangePoint | None:
    """The last change of level, if it is large enough for a sentence."""
    change = term.insights.change_points[-1] if term.insights.change_points else None
    return change if change and abs(change.after - change.before) > change_band(change.before) else None


def _is_recent(term: TermFacts, change: ChangePoint) -> bool:
    """Whether the change is at most a season old."""
    return change.recent and "levelShift" in term.forecast.flags


def _verb(change: ChangePoint) -> str:
    return "rose to a higher" if change.after > change.before else "fell to a lower"
