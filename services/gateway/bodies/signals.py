"""Signals: figures that follow from the snapshot alone, without a forecast."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta
from warmcast.jobs.v1 import jobs_pb2

from services.gateway.bodies.fields import one_of


class TermSignals(msgspec.Struct, rename="camel", frozen=True):
    """Computed from the snapshot alone; available before any forecast."""

    trend: Annotated[str, one_of(("rising", "falling", "flat"))]
    volatility: Annotated[float, Meta(description="standard deviation of period-to-period changes, in points")]
    seasonality: Annotated[float, Meta(description="share of variance that the season explains, 0 to 1")]
    last_value: Annotated[float, Meta(description="of the last complete period")]
    change4: Annotated[float, Meta(description="last value less that of four periods before, in points")]


class Signals(msgspec.Struct, rename="camel", frozen=True):
    """The signals of both terms."""

    term_a: TermSignals
    term_b: TermSignals


def term_signals(signals: jobs_pb2.TermSignals) -> TermSignals:
    """Converts the message of one term."""
    return TermSignals(signals.trend, signals.volatility, signals.seasonality, signals.last_value, signals.change4)
