"""Which forecasts the track record is of, as it stands in addresses and the form."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from services.common.comparison import TIMEFRAMES, parse_timeframe
from services.gateway.pages.operations.frame.lists import Field
from services.gateway.pages.words import TIMEFRAMES as TIMEFRAME_WORDS

NAMES: Final = ("tf", "engine")


def selected(given: Mapping[str, str]) -> tuple[str, str]:
    """Timeframe and engine version; empty is all. Raises WarmcastError for an unknown timeframe."""
    return parse_timeframe(given["tf"]).name if "tf" in given else "", given.get("engine", "")


def fields(given: Mapping[str, str], engine_versions: Iterable[str]) -> list[Field]:
    """The form. `engine_versions` have scores."""
    version = given.get("engine", "")
    versions = dict.fromkeys((*engine_versions, *((version,) if version else ())))
    return [
        Field("tf", "Timeframe", given.get("tf", ""), tuple((name, TIMEFRAME_WORDS[name]) for name in TIMEFRAMES)),
        Field("engine", "Engine version", version, tuple((each, each) for each in versions)),
    ]
