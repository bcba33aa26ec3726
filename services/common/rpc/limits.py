"""The limits that every server and every channel keep."""

from __future__ import annotations

MAX_MESSAGE_BYTES = 8 * 1024 * 1024
LONGEST_CALL_SECONDS = 7_200  # that any setting allows a run or its caller
