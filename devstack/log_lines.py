"""Formats the services' JSON log lines as readable text."""

from __future__ import annotations

import msgspec

# The line's prefix names the service. Trace ids serve a collector; request_id identifies the same lines.
_HIDDEN = frozenset({"timestamp", "level", "event", "service", "trace_id", "span_id", "exception"})
_TIME = slice(11, 19)  # HH:MM:SS of an ISO 8601 timestamp


def format_log_line(line: str) -> list[str]:
    """Formats a JSON log line as `HH:MM:SS level event name=value …`, followed by the lines of its traceback.

    Returns any other line unchanged. Control characters are escaped, since a request's path may contain them.
    """
    try:
        event = msgspec.json.decode(line)
    except msgspec.DecodeError:
        return [line]
    if not isinstance(event, dict) or "event" not in event:
        return [line]
    time, level = str(event.get("timestamp", ""))[_TIME], event.get("level", "")
    values = "".join(f" {name}={_text(value)}" for name, value in event.items() if name not in _HIDDEN)
    return [f"{time} {level:<7} {_text(event['event'])}{values}", *str(event.get("exception", "")).splitlines()]


def _text(value: object) -> str:
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return text if text.isprintable() else ascii(text)[1:-1]
