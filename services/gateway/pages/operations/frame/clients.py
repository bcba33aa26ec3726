"""Which clients the pages call."""

from __future__ import annotations

from dataclasses import dataclass

from services.gateway.upstream.clients import Forecaster, Jobs
from services.gateway.upstream.operations import Operations


@dataclass(frozen=True)
class Clients:
    """The clients of jobs, of its service for operators, and of the forecaster."""

    jobs: Jobs
    operations: Operations
    forecaster: Forecaster
