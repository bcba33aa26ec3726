"""The contract's JSON of insights: names in camel case, without the underscore that keeps them from being keywords."""

from __future__ import annotations

import dataclasses

from services.forecaster.engine.types import JsonObject


def as_json(value: object) -> object:
    """The JSON of a dataclass, a tuple of them, a number, a text or None."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = dataclasses.fields(value)
        return {_camel(field.name): as_json(getattr(value, field.name)) for field in fields}
    if isinstance(value, tuple | list):
        return [as_json(each) for each in value]
    if isinstance(value, dict):
        return {name: as_json(each) for name, each in value.items()}
    return value


def as_json_object(value: object) -> JsonObject:
    """The JSON object of a dataclass."""
    fields = as_json(value)
    if not isinstance(fields, dict):
        raise TypeError(f"{type(value).__name__} is not a dataclass")
    return fields


def _camel(name: str) -> str:
    first, *rest = name.rstrip("_").split("_")
    return first + "".join(word.capitalize() for word in rest)
