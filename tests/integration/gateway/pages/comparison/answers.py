"""What the pages of a comparison say."""

from __future__ import annotations

import re
from typing import Any

from warmcast.jobs.v1 import jobs_pb2

from tests.integration.gateway.data import QUEUED, job

PATH = "/compare/amazon-vs-costco"


def state(html: str) -> str:
    found = re.search(r'data-state="([a-z]+)"', html)
    assert found
    return found[1]


def settled(html: str) -> bool:
    return "data-settled" in html


def enqueued(**more: Any) -> jobs_pb2.EnqueueWarmupResponse:
    return jobs_pb2.EnqueueWarmupResponse(job=job(QUEUED, version=8), enqueued=True, **more)
