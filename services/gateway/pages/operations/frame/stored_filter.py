"""Filters as jobs stores them with actions and bulk operations, and the lists that they lead back to."""

from __future__ import annotations

import json
from collections.abc import Mapping
from urllib.parse import urlencode

from services.gateway.pages.operations.jobs.filter import WORLDWIDE

_ADDRESS_NAMES = {"timeframe": "tf"}  # of a comparison's key


def read_stored(text: str) -> dict[str, str] | None:
    """The fields of a JSON object, as the pages' addresses have them; None if the text holds something else."""
    try:
        found = json.loads(text or "{}")
    except ValueError:
        return None
    if not isinstance(found, dict):
        return None
    fields: dict[str, object] = found
    return {_ADDRESS_NAMES.get(name, name): _value(name, value) for name, value in fields.items()}


def list_address(fields: Mapping[str, str], *, comparisons: bool) -> str:
    """The list of the jobs, or of the comparisons, that the filter names."""
    path = "/ops/comparisons" if comparisons else "/ops/jobs"
    return f"{path}?{urlencode(fields)}" if fields else path


def _value(name: str, value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return WORLDWIDE if (name, value) == ("geo", "") else str(value)
