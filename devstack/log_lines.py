"""The services' JSON log lines as text for people."""

from __future__ import annotations

import msgspec

# The line's prefix names the service; the ids of the trace are for a collector, and request_id finds the same lines.
_HIDDEN = frozenset({"timestamp", "level", "event", "service", "trace_id", "span_id", "exception"})
_TIME = slice(11, 19)  # HH:MM:SS of an ISO 8601 timestamp


def readable(line: str) -> list[str]:
    """A JSON log line as `HH:MM:SS level event name=value …`, with a line each for its traceback.

    A line that is no JSON object stays as it is. Control characters are escaped: a request's path may hold them.
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
