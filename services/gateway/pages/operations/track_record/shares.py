"""Shares as text."""

from __future__ import annotations

from dataclasses import dataclass

from warmcast.jobs.v1 import operations_pb2

from services.gateway.pages.charts.operations.calibration import Share


@dataclass(frozen=True)
class Figure:
    """A share of what was scored."""

    share: str
    reach: str  # its 95 % interval
    count: int  # of what it is a share


def figure(accuracy: operations_pb2.Accuracy, name: str) -> Figure | None:
    """A share of the message; None where nothing was scored."""
    share: operations_pb2.Share = getattr(accuracy, name)
    return figure_of(share) if share.count else None


def figure_of(share: operations_pb2.Share) -> Figure:
    """The share with its interval and its count."""
    return Figure(percent(share.came), f"{100 * share.low:.0f} to {100 * share.high:.0f} %", share.count)


def charted(share: operations_pb2.Share) -> Share | None:
    """A share for a chart; None where nothing was scored."""
    return Share(100 * share.came, 100 * share.low, 100 * share.high) if share.count else None


def percents(accuracy: operations_pb2.Accuracy, name: str) -> float | None:
    """A share of the message in percent; None where nothing was scored."""
    share: operations_pb2.Share = getattr(accuracy, name)
    return 100 * share.came if share.count else None


def percent(share: float) -> str:
    """A share of 0 to 1; `>99 %` and `<1 %` where rounding would claim all or none."""
    if 0.99 < share < 1:
        return ">99 %"
    return "<1 %" if 0 < share < 0.01 else f"{100 * share:.0f} %"
