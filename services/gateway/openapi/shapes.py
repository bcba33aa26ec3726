"""Short constructors of JSON schemas."""

from __future__ import annotations

Schema = dict[str, object]


def text(description: str = "", **more: object) -> Schema:
    """A string."""
    return {"type": "string", **({"description": description} if description else {}), **more}


def integer(description: str = "", **more: object) -> Schema:
    """An integer."""
    return {"type": "integer", **({"description": description} if description else {}), **more}


def array(schema: Schema, description: str = "", **more: object) -> Schema:
    """An array."""
    return {"type": "array", "items": schema, **({"description": description} if description else {}), **more}


def ref(name: str) -> Schema:
    """A reference to a schema of this document."""
    return {"$ref": f"#/components/schemas/{name}"}


def obj(properties: dict[str, Schema], optional: tuple[str, ...] = ()) -> Schema:
    """An object; all properties are required except the `optional` ones."""
    required = [name for name in properties if name not in optional]
    return {"type": "object", "properties": properties, "required": required}
