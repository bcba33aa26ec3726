"""Limits of every server and channel."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

KIB, MIB = 1024, 1024 * 1024
MAX_MESSAGE_BYTES = 8 * MIB  # of any method; gRPC refuses a longer one by its length prefix
LONGEST_CALL_SECONDS = 7_200  # the maximum of every setting for runs and their callers
MAX_CONCURRENT_CALLS = 2_000  # the gateway's MAX_IN_FLIGHT: a single gateway cannot exceed it


@dataclass(frozen=True)
class RequestLimit:
    """The size of a method's request, and how many are received and handled at once; None: no limit.

    Further calls wait before they are received.
    """

    max_bytes: int
    at_once: int | None = None


SMALL = RequestLimit(256 * KIB)
# A comparison's key takes up to 1.7 KiB (400 letters of four bytes), that of its forecasts 3.6 KiB. What may be large
# has `at_once`, so that the product of both bounds the memory; runs are bounded by the pool's queue.
REQUEST_LIMITS: Mapping[str, RequestLimit] = {
    "/warmcast.jobs.v1.JobsService/IngestSnapshot": RequestLimit(MAX_MESSAGE_BYTES, at_once=4),
    "/warmcast.jobs.v1.JobsService/PreviewSnapshot": RequestLimit(MAX_MESSAGE_BYTES, at_once=2),
    "/warmcast.jobs.v1.JobsService/IngestPreviewed": RequestLimit(MAX_MESSAGE_BYTES, at_once=2),
    "/warmcast.jobs.v1.JobsService/BatchGetWarmups": RequestLimit(256 * KIB, at_once=64),  # 100 keys
    "/warmcast.jobs.v1.JobsService/ReportDemand": RequestLimit(2 * MIB, at_once=8),  # 1,000 keys
    "/warmcast.forecaster.v1.ForecasterService/GenerateForecasts": RequestLimit(512 * KIB),  # 5,000 points
    "/warmcast.forecaster.v1.ForecasterService/GetForecasts": RequestLimit(512 * KIB, at_once=32),  # 100 keys
    "/warmcast.forecaster.v1.ForecasterService/CheckForecasts": RequestLimit(2 * MIB, at_once=8),  # 500 keys
}


def request_limit(method: str) -> RequestLimit:
    """The limit of a method by its full name, /package.Service/Method."""
    return REQUEST_LIMITS.get(method, SMALL)
