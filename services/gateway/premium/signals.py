"""Signals: figures that follow from the snapshot alone, without a forecast."""

from __future__ import annotations

import msgspec
from warmcast.jobs.v1 import jobs_pb2


class TermSignals(msgspec.Struct, rename="camel", frozen=True):
    """The signals of one term. `volatility`, `last_value` and `change4` are in points, `seasonality` is 0 to 1."""

    trend: str
    volatility: float
    seasonality: float
    last_value: float
    change4: float


class Signals(msgspec.Struct, rename="camel", frozen=True):
    """The signals of both terms."""

    term_a: TermSignals
    term_b: TermSignals


def term_signals(signals: jobs_pb2.TermSignals) -> TermSignals:
    """Converts the message of one term."""
    return TermSignals(signals.trend, signals.volatility, signals.seasonality, signals.last_value, signals.change4)
