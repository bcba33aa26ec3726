"""Quality flags of a series. Each threshold is a constant here."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from services.common.comparison import Step, Timeframe
from services.forecaster.engine.history import Array
from services.forecaster.engine.points.usable_history import UsableHistory
from services.forecaster.engine.types import TermSeries

SHORT_HORIZONS = 2  # a series of fewer horizons is too short
SPIKY_CHANGE = 0.5  # mean absolute one-step change over the mean level
SPIKY_MIN_LEVEL = 5.0  # points; a lower mean level counts as this
SHOCK_CHANGE = 15.0  # points: the least one-step change that is a shock …
SHOCK_SPREAD = 6.0  # … if it is also this many times the median absolute change
ZERO_SHARE = 0.5  # share of points below SMALLEST
SMALLEST = 1.0  # points: exports write less as "<1", which is read as 0.5


@dataclass(frozen=True)
class Quality:
    """The contract's quality flags, and whether the series has a shock anywhere."""

    series_too_short: bool
    too_spiky: bool
    event_shock_likely: bool  # within the last horizon
    mostly_zero: bool
    recent_launch: bool
    level_shift: bool  # recent
    settling: bool  # one of these two, and fewer periods since than SHORT_HORIZONS horizons
    partial_last_period: bool
    gaps_filled: bool
    scaled_apart: bool
    shock_anywhere: bool

    @property
    def flags(self) -> dict[str, object]:
        """The bundle's `qualityFlags`."""
        return {
            "seriesTooShort": self.series_too_short,
            "tooSpiky": self.too_spiky,
            "eventShockLikely": self.event_shock_likely,
            "mostlyZero": self.mostly_zero,
            "recentLaunch": self.recent_launch,
            "levelShift": self.level_shift,
            "partialLastPeriod": self.partial_last_period,
            "gapsFilled": self.gaps_filled,
            "scaledApart": self.scaled_apart,
        }


def assess_quality(
    series: TermSeries, values: Array, deseasonalised: Array, timeframe: Timeframe, usable: UsableHistory
) -> Quality:
    """Flags of a series, from its complete periods. Shocks are detected in the deseasonalised values."""
    shocks, points = _shocks(deseasonalised), len(values)
    launched, changed = (
        bool(event) and points - event <= _recent_periods(timeframe) for event in (usable.launch, usable.change)
    )
    return Quality(
        series_too_short=len(values) < SHORT_HORIZONS * timeframe.horizon,
        too_spiky=_mean_change(values) > SPIKY_CHANGE * max(float(values.mean()), SPIKY_MIN_LEVEL),
        event_shock_likely=bool(shocks[-timeframe.horizon :].any()),
        mostly_zero=float(np.mean(values < SMALLEST)) >= ZERO_SHARE,
        recent_launch=launched,
        level_shift=changed,
        settling=(launched or changed) and points - usable.known_since < SHORT_HORIZONS * timeframe.horizon,
        partial_last_period=series.partial_last_period,
        gaps_filled=series.gaps_filled,
        scaled_apart=series.scaled_apart,
        shock_anywhere=bool(shocks.any()),
    )


def _recent_periods(timeframe: Timeframe) -> int:
    """The last season: a year of weeks or months. Two horizons of days or hours, whose seasons are too short."""
    yearly = timeframe.step in (Step.WEEKLY, Step.MONTHLY)
    return timeframe.season if yearly else SHORT_HORIZONS * timeframe.horizon


def _mean_change(values: Array) -> float:
    return float(np.abs(np.diff(values)).mean()) if len(values) > 1 else 0.0


def _shocks(values: Array) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    changes = np.abs(np.diff(values))
    typical = float(np.median(changes)) if len(changes) else 0.0
    return (changes >= SHOCK_CHANGE) & (changes > SHOCK_SPREAD * typical)
