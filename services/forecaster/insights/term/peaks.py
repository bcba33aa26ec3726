"""The peaks of a term: events, and the dates at which its season is highest."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from itertools import islice

from services.common.comparison import Step
from services.forecaster.insights.term.analysis import Analysis
from services.forecaster.insights.term.decomposition import Components
from services.forecaster.insights.term.events import Event, find_events
from services.forecaster.insights.term.season.extent import find_extent, smooth
from services.forecaster.insights.types import Peak, Season

MAX_PEAKS = 5
RECURRENCE_STEPS = 2  # distance within which two dates count as the same one
_DAYS_OF_YEAR = 365.25
_DAYS = {Step.DAILY: 1.0, Step.WEEKLY: 7.0, Step.MONTHLY: _DAYS_OF_YEAR / 12}  # of a step


def find_peaks(analysis: Analysis, season: Season | None) -> tuple[Peak, ...]:
    """Up to MAX_PEAKS peaks: events by falling z, then seasonal peaks from the newest.

    With a season, its newest peak has a place whatever the number of events.
    """
    events = find_events(analysis, with_season=season is not None)
    ordered = sorted(events, key=lambda event: -event.z)
    components = analysis.components if season else None
    seasonal = list(islice(_seasonal_peaks(components, analysis, events), MAX_PEAKS)) if components else []
    kept = ordered[: MAX_PEAKS - min(1, len(seasonal))]
    peaks = [_event_peak(analysis, event, events) for event in kept]
    return tuple((peaks + seasonal)[:MAX_PEAKS])


def _event_peak(analysis: Analysis, event: Event, events: tuple[Event, ...]) -> Peak:
    return Peak(
        date=analysis.date(event.index),
        from_=analysis.date(event.first),
        to=analysis.date(event.last),
        value=float(analysis.values[event.index]),
        effect=round(event.effect, 1),
        kind="event",
        recurring=_recurs(analysis, event, events),
        z=round(event.z, 1),
    )


def _recurs(analysis: Analysis, event: Event, events: tuple[Event, ...]) -> bool:
    time = analysis.times[event.index]
    return any(_same_date(time, analysis.times[other.index], analysis.step) for other in events)


def _same_date(one: datetime, other: datetime, step: Step) -> bool:
    """Whether both are about the same date of different years. False for hours, of which no year is known."""
    if step not in _DAYS:
        return False
    days = abs((one - other).total_seconds()) / 86_400
    years = round(days / _DAYS_OF_YEAR)
    return years > 0 and abs(days - years * _DAYS_OF_YEAR) <= RECURRENCE_STEPS * _DAYS[step] + 1


def _seasonal_peaks(components: Components, analysis: Analysis, events: tuple[Event, ...]) -> Iterator[Peak]:
    """The season's peaks from the newest, without those at which there was an event."""
    profile, period, count = components.profile, components.period, len(analysis.values)
    extent = find_extent(smooth(profile, analysis.step), profile)
    before, after = (extent.top - extent.first) % period, (extent.last - extent.top) % period
    for index in reversed(range(extent.top, count, period)):
        if any(_is_at(event, index) for event in events):
            continue
        yield Peak(
            date=analysis.date(index),
            from_=analysis.date(max(0, index - before)),
            to=analysis.date(min(count - 1, index + after)),
            value=float(analysis.values[index]),
            effect=round(float(profile[extent.top]), 1),
            kind="seasonal",
            recurring=True,
            z=None,
        )


def _is_at(event: Event, index: int) -> bool:
    return event.first - RECURRENCE_STEPS <= index <= event.last + RECURRENCE_STEPS
