"""Statistics of attempts over a window: counts, and percentiles of waits and runs."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

# Histograms have logarithmic buckets: bucket n holds durations above FIRST * RATIO ** (n - 1) and up to
# FIRST * RATIO ** n. The geometric middle of a bucket is within 4.9 % of each duration in it.
FIRST, RATIO = 0.001, 1.1  # seconds; bucket 0 holds all up to the first bound
LAST_BUCKET = 230  # 38 days; longer ones too
# Beside the outcomes of attempts: a late result that was refused.
REFUSED = "late-result-refused"
RESCUES = ("lease-expired", "deadline-passed")
# How an outcome is drawn in a bar; every other one is `other`.
_BARS = {"ready": "ready", "retry": "retried", "failed": "failed"}


@dataclass(frozen=True)
class Window:
    """A window that statistics are offered for."""

    hours: int
    bar: timedelta  # bars begin at multiples of it, by UTC

    def begin(self, now: datetime) -> datetime:
        """The beginning of the first bar: that of `now` is the last one."""
        seconds = int(self.bar.total_seconds())
        last = int(now.timestamp()) // seconds * seconds
        bars = self.hours * 3600 // seconds
        return datetime.fromtimestamp(last - (bars - 1) * seconds, now.tzinfo)


WINDOWS = {
    window.hours: window
    for window in (
        Window(1, timedelta(minutes=1)),
        Window(6, timedelta(minutes=5)),
        Window(24, timedelta(minutes=15)),
        Window(168, timedelta(hours=2)),
    )
}


@dataclass(frozen=True)
class Counted:
    """Attempts of one bar, outcome and error reason, or refused late results."""

    start: datetime  # of the bar
    outcome: str  # of an attempt, or REFUSED
    error_reason: str  # empty without an error
    count: int
    cache_losses: int = 0  # first attempts of episodes begun because bundles were lost


@dataclass(frozen=True)
class Percentiles:
    """Of durations, in seconds; None if nothing was measured."""

    count: int = 0
    p50: float | None = None
    p95: float | None = None
    p99: float | None = None


@dataclass(frozen=True)
class Bar:
    """Ended attempts of one bar."""

    start: datetime
    ready: int = 0
    retried: int = 0  # with an error, and queued again
    failed: int = 0
    other: int = 0


@dataclass(frozen=True)
class Statistics:
    """The statistics of one window."""

    window: Window
    begin: datetime
    end: datetime
    bucketed: bool  # percentiles are from histograms
    bars: tuple[Bar, ...]  # without gaps
    wait: Percentiles  # from due to claimed, of all attempts
    run: Percentiles  # from claimed to ended, of those that became ready
    outcomes: tuple[tuple[str, str, int], ...]  # outcome, error reason and count, most frequent first
    late_results_refused: int
    rescues: tuple[tuple[str, int], ...]  # every cause
    cache_losses: int


def summarise(
    window: Window,
    *,
    now: datetime,
    counted: Sequence[Counted],
    wait: Percentiles,
    run: Percentiles,
    bucketed: bool,
) -> Statistics:
    """The statistics of a window from its counts, which may be in any order."""
    begin = window.begin(now)
    outcomes: Counter[tuple[str, str]] = Counter()
    for each in counted:
        outcomes[each.outcome, each.error_reason] += each.count
    refused = sum(count for (outcome, _), count in outcomes.items() if outcome == REFUSED)
    of_attempts = {key: count for key, count in outcomes.items() if key[0] != REFUSED}
    return Statistics(
        window=window,
        begin=begin,
        end=now,
        bucketed=bucketed,
        bars=_bars(window, begin, now, counted),
        wait=wait,
        run=run,
        outcomes=tuple(
            (*key, count) for key, count in sorted(of_attempts.items(), key=lambda item: (-item[1], item[0]))
        ),
        late_results_refused=refused,
        rescues=tuple(
            (cause, sum(count for (outcome, _), count in outcomes.items() if outcome == cause)) for cause in RESCUES
        ),
        cache_losses=sum(each.cache_losses for each in counted),
    )


def percentiles(histogram: Mapping[int, int]) -> Percentiles:
    """The percentiles of a histogram, from counts by bucket."""
    count = sum(histogram.values())
    if not count:
        return Percentiles()
    return Percentiles(count, *(_percentile(histogram, share * count) for share in (0.5, 0.95, 0.99)))


def bucket_middle(bucket: int) -> float:
    """The geometric middle of a bucket, in seconds."""
    return FIRST * math.pow(RATIO, bucket - 0.5) if bucket else FIRST


def _percentile(histogram: Mapping[int, int], rank: float) -> float:
    seen = 0
    for bucket in sorted(histogram):
        seen += histogram[bucket]
        if seen >= rank:
            break
    return bucket_middle(bucket)


def _bars(window: Window, begin: datetime, now: datetime, counted: Sequence[Counted]) -> tuple[Bar, ...]:
    by_start: dict[datetime, Counter[str]] = {}
    for each in counted:
        if each.outcome != REFUSED:
            by_start.setdefault(each.start, Counter())[_BARS.get(each.outcome, "other")] += each.count
    bars = []
    start = begin
    while start <= now:
        bars.append(Bar(start, **by_start.get(start, Counter())))
        start += window.bar
    return tuple(bars)
