"""Short constructors of JSON schemas."""

from __future__ import annotations

Schema = dict[str, object]


def text(description: str = "", **more: object) -> Schema:
    """A string."""
    return {"type": "string", **({"description": description} if description else {}), **more}


def number(description: str = "", **more: object) -> Schema:
    """A number."""
    return {"type": "number", **({"description": description} if description else {}), **more}


def integer(description: str = "", **more: object) -> Schema:
    """An integer."""
    return {"type": "integer", **({"description": description} if description else {}), **more}


def boolean(description: str = "") -> Schema:
    """A boolean."""
    return {"type": "boolean", **({"description": description} if description else {})}


def or_null(schema: Schema) -> Schema:
    """The schema, or null."""
    if "$ref" in schema:
        return {"oneOf": [schema, {"type": "null"}]}
    return {**schema, "type": [schema["type"], "null"]}


def array(schema: Schema, description: str = "", **more: object) -> Schema:
    """An array."""
    return {"type": "array", "items": schema, **({"description": description} if description else {}), **more}


def ref(name: str) -> Schema:
    """A reference to a schema of this document."""
    return {"$ref": f"#/components/schemas/{name}"}


def obj(properties: dict[str, Schema], optional: tuple[str, ...] = (), description: str = "") -> Schema:
    """An object; all properties are required except the `optional` ones."""
    required = [name for name in properties if name not in optional]
    about = {"description": description} if description else {}
    return {"type": "object", **about, "properties": properties, "required": required}
