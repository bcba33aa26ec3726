"""The filter of comparisons, as it stands in addresses and forms."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from warmcast.jobs.v1 import operations_pb2

from services.common.comparison import TIMEFRAMES, invalid, parse_geo, parse_timeframe
from services.common.freshness import FRESHNESS_FILTERS
from services.gateway.pages.operations.frame.lists import Field
from services.gateway.pages.operations.jobs.filter import WORLDWIDE
from services.gateway.pages.words import TIMEFRAMES as TIMEFRAME_WORDS

NAMES: Final = ("state", "q", "tf", "geo", "requested")
STATES: Final = (*FRESHNESS_FILTERS, "failed")


def coverage_filter(given: Mapping[str, str]) -> operations_pb2.CoverageFilter:
    """The message for the fields of a form. Raises WarmcastError for a field that cannot be read."""
    if given.get("state", "cold") not in STATES:
        raise invalid("state", f"state must be one of {', '.join(STATES)}")
    if given.get("requested", "true") not in ("true", "false"):
        raise invalid("requested", "requested must be true or false")
    message = operations_pb2.CoverageFilter(
        state=given.get("state", ""),
        query=given.get("q", ""),
        timeframe=parse_timeframe(given["tf"]).name if "tf" in given else "",
        requested=given.get("requested") == "true",
    )
    if "geo" in given:
        message.geo = "" if given["geo"].lower() == WORLDWIDE else parse_geo(given["geo"])
    return message


def fields(given: Mapping[str, str]) -> list[Field]:
    """The form."""
    value = given.get
    return [
        Field(
            "state",
            "Forecasts",
            value("state", ""),
            tuple((each, each.replace("-", " by ", 1).replace("-", " ")) for each in STATES),
        ),
        Field("q", "Term", value("q", ""), hint="tea"),
        Field("tf", "Timeframe", value("tf", ""), tuple((name, TIMEFRAME_WORDS[name]) for name in TIMEFRAMES)),
        Field("geo", "Geo", value("geo", ""), hint=f"US, or {WORLDWIDE}"),
        Field("requested", "Requested", value("requested", ""), (("true", "in the last 7 days"),)),
    ]
