"""The access log: one line a request. It never holds a key, a secret or a query string."""

from __future__ import annotations

import logging

import structlog
from starlette.types import Scope

from services.common.telemetry import logs
from services.common.telemetry.log_writer import LogWriter

API_KEY_NAME = "warmcast.api_key"  # scope key for the name of the request's API key
_EVENT = "request"
_LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}


class AccessLog:
    """Writes the lines that structlog would write, without its processors (2.3 µs a line instead of 6.3).

    Where log lines do not go to LogWriter, as with the console format, structlog writes them.
    """

    def __init__(self) -> None:
        self._log = structlog.get_logger()
        lines = structlog.get_config()["logger_factory"]()
        self._lines = lines if isinstance(lines, LogWriter) else None
        self._enabled = {name for name, level in _LEVELS.items() if self._log.is_enabled_for(level)}
        self._constant = {"event": _EVENT, **structlog.contextvars.get_contextvars()}

    def write(self, level: str, fields: dict[str, object]) -> None:
        """Writes one line; takes ownership of `fields`."""
        if level not in self._enabled:
            return
        if self._lines is None:
            getattr(self._log, level)(_EVENT, **{name: _printable(value) for name, value in fields.items()})
            return
        fields |= self._constant
        fields["timestamp"] = logs.timestamp()
        fields["level"] = level
        getattr(self._lines, level)(logs.as_json(fields))


def _printable(value: object) -> object:
    """Escapes control characters, which a path may hold; the JSON format escapes them by itself."""
    return ascii(value)[1:-1] if isinstance(value, str) and not value.isprintable() else value


def client_fields(scope: Scope) -> dict[str, str]:
    """The client's address (behind trusted proxies: the forwarded one), and the name of its API key."""
    fields = {"client": scope["client"][0]} if scope.get("client") else {}
    if API_KEY_NAME in scope:
        fields["api_key"] = scope[API_KEY_NAME]
    return fields
