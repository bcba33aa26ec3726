"""All paths of the document."""

from __future__ import annotations

from services.gateway.openapi.paths.comparisons import comparison_paths
from services.gateway.openapi.paths.jobs import job_paths
from services.gateway.openapi.paths.operations import Operation
from services.gateway.openapi.paths.operators import operator_paths
from services.gateway.openapi.paths.service import service_paths


def paths() -> dict[str, dict[str, Operation]]:
    """Path → method → operation."""
    return comparison_paths() | job_paths() | operator_paths() | service_paths()
