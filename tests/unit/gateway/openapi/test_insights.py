"""The body types of insights describe exactly the JSON that the forecaster writes."""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from typing import Any

import msgspec
import pytest
from jsonschema import Draft202012Validator, ValidationError  # type: ignore[import-untyped] # it ships no types

from services.forecaster.insights.as_json import as_json, as_json_object
from services.forecaster.insights.types import (
    ChangePoint,
    Correlation,
    Decomposition,
    Interpretation,
    LeadChange,
    LeadLag,
    PairInsights,
    Peak,
    Season,
    SeasonExtreme,
    TermInsights,
    Together,
    YearOverYear,
)
from services.gateway.openapi.document import document
from services.gateway.premium.answer import render
from tests.unit.gateway.premium.samples import READY, answer, forecasts

SCHEMAS: dict[str, Any] = json.loads(json.dumps(document()))["components"]["schemas"]

TERM = TermInsights(
    decomposition=Decomposition("robust-stl", 52, (40.1, None), (1.5, -1.5), "01-07", 0.7, 0.4),
    season=Season(
        SeasonExtreme("late November", "11-23", "12-01", 9.5), SeasonExtreme("early June", "06-01", "06-08", -4.0)
    ),
    peaks=(
        Peak("2024-11-24", "2024-11-17", "2024-12-01", 100.0, 31.5, "event", True, 8.2),
        Peak("2023-11-26", "2023-11-19", "2023-12-03", 71.0, 9.5, "seasonal", True, None),
    ),
    change_points=(ChangePoint("2022-03-06", 20.0, 45.0, False), ChangePoint("2024-01-07", 45.0, 60.0, True)),
    year_over_year=YearOverYear(61.0, -3.5),
)
FULL = PairInsights(
    term_a=TERM,
    term_b=TermInsights(None, None, (), (), None),
    together=Together(
        Correlation(0.42, 0.1, 0.66), LeadLag(-2, 0.5), (LeadChange("2023-05-07", "termB"),), shared_season=None
    ),
    interpretations=tuple(
        Interpretation(f"rule-{term}", term, "amazon rises by 3.5 points.", {"change": 3.5, "dates": ["2024-01-07"]})
        for term in ("termA", "termB", None)
    ),
)


def strict(name: str) -> Draft202012Validator:
    """A validator that also refuses members that the schema does not name."""
    schemas = copy.deepcopy(SCHEMAS)
    for schema in schemas.values():
        if "properties" in schema:
            schema["additionalProperties"] = False
    return Draft202012Validator(
        {"$ref": f"#/components/schemas/{name}", "components": {"schemas": schemas}},
        format_checker=Draft202012Validator.FORMAT_CHECKER,
    )


def insights_pack(found: PairInsights) -> Any:
    """`insightsPack` as premium renders it for these insights; forecasts and signals are left out."""
    served = replace(
        forecasts(),
        insights_a=msgspec.json.encode(as_json_object(found.term_a)),
        insights_b=msgspec.json.encode(as_json_object(found.term_b)),
        together=msgspec.json.encode(as_json(found.together)),
        interpretations=msgspec.json.encode(as_json(found.interpretations)),
    )
    pack = json.loads(render(answer(READY, served=served), debug=False))["insightsPack"]
    return {name: pack[name] for name in ("insights", "interpretations")}


@pytest.mark.parametrize("together", [FULL.together, Together(None, None, (), True), None])
def test_full_insights_conform_to_the_document(together: Together | None) -> None:
    pack = insights_pack(replace(FULL, together=together))
    strict("InsightsPack").validate(pack)
    assert pack["insights"]["termA"]["season"]["peak"]["from"] == "11-23"
    assert (pack["insights"]["together"] is None) == (together is None)


@pytest.mark.parametrize("name", ["decomposition", "peaks", "changePoints"])
def test_a_member_that_the_document_does_not_name_is_refused(name: str) -> None:
    pack = insights_pack(FULL)
    member = pack["insights"]["termA"][name]
    (member[0] if isinstance(member, list) else member)["unknown"] = 1
    with pytest.raises(ValidationError, match="unknown"):
        strict("InsightsPack").validate(pack)


def test_the_sample_has_every_member_of_every_insight() -> None:
    kinds = (TERM.decomposition, TERM.season, TERM.peaks[0], TERM.change_points[0], TERM.year_over_year, TERM)
    kinds += (FULL.together, FULL.interpretations[0])  # type: ignore[assignment] # of other types
    for each in kinds:
        assert as_json_object(each).keys() == SCHEMAS[type(each).__name__]["properties"].keys()


@pytest.mark.parametrize(
    "name",
    [
        "TermInsights",
        "Decomposition",
        "Season",
        "SeasonExtreme",
        "Peak",
        "ChangePoint",
        "YearOverYear",
        "Together",
        "Correlation",
        "LeadLag",
        "LeadChange",
        "Interpretation",
        "MarginPoint",
    ],
)
def test_every_member_is_described(name: str) -> None:
    assert [member for member, schema in SCHEMAS[name]["properties"].items() if not schema.get("description")] == []
