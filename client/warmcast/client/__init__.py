"""Warmcast for internal callers: typed calls with deadlines, retries, and errors as exceptions.

The guide is docs/how-to/call-from-python.md.

This module blocks; `warmcast.client.aio` has the same for asyncio.
"""

from __future__ import annotations

from warmcast.client.blocking import Forecaster, Jobs, Operations
from warmcast.client.deadlines import Deadlines
from warmcast.client.requests import snapshot_key

from services.common import errors
from services.common.errors import WarmcastError
from services.common.runtime.deadline import within

__all__ = ["Deadlines", "Forecaster", "Jobs", "Operations", "WarmcastError", "errors", "snapshot_key", "within"]
