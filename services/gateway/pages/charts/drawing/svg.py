"""Builds SVG elements. Every text and every attribute is escaped; nothing needs an inline style or a script."""

from __future__ import annotations

import re
from html import escape

_ELEMENTS = frozenset(("svg", "g", "path", "rect", "circle", "text", "tspan", "title", "desc", "defs", "clipPath"))
# Attributes that would run a script, load a resource or be refused by `style-src 'self'`.
_FORBIDDEN_ATTRIBUTE = re.compile(r"style|on.*|.*href|src", re.IGNORECASE)
_ID = re.compile(r"[a-z][a-z0-9-]*")
# Characters that XML 1.0 does not allow, which the browser's XMLSerializer would copy into a saved file.
_NOT_XML = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class Markup(str):
    """Text that is already SVG. Template engines insert it unescaped because it has `__html__`."""

    __slots__ = ()

    def __html__(self) -> str:
        return str(self)


def element(name: str, *children: str | None, **attributes: str | float | None) -> Markup:
    """`<name attributes>children</name>`; a child that is not Markup is escaped, None is omitted.

    In attribute names a trailing underscore is dropped and `_` becomes `-`: `class_`, `text_anchor`. Numbers are
    written with at most one decimal. Raises ValueError for elements and attributes that no chart needs.
    """
    if name not in _ELEMENTS:
        raise ValueError(f"<{name}> is not an element of the charts; add it to _ELEMENTS if it is safe")
    opening = name + "".join(
        f' {_attribute_name(key)}="{_value(value)}"' for key, value in attributes.items() if value is not None
    )
    content = "".join(child if isinstance(child, Markup) else text(child) for child in children if child is not None)
    return Markup(f"<{opening}>{content}</{name}>" if content else f"<{opening}/>")


def join(*parts: Markup | None) -> Markup:
    """The parts one after the other, without None."""
    return Markup("".join(part for part in parts if part is not None))


def text(value: str) -> Markup:
    """The escaped text, for content and for quoted attributes; characters outside XML 1.0 become U+FFFD."""
    return Markup(escape(_NOT_XML.sub("\ufffd", value)))


def number(value: float) -> str:
    """At most one decimal, without a trailing `.0`."""
    rounded = f"{value:.1f}"
    rounded = rounded.removesuffix(".0")
    return "0" if rounded == "-0" else rounded


def image(
    *children: Markup | None,
    id_: str,
    kind: str,
    width: float,
    height: float,
    title: str,
    desc: str,
    **attributes: str | float | None,
) -> Markup:
    """The outer `<svg role="img">` of a chart, named by its title and described by its desc.

    `id_` must be unique on the page: the ids of title and desc, and those of clip paths, begin with it.
    """
    if not _ID.fullmatch(id_):
        raise ValueError(f"{id_!r:.40} is not an id of a chart; use lower-case letters, digits and hyphens")
    return element(
        "svg",
        element("title", title, id=f"{id_}-title"),
        element("desc", desc, id=f"{id_}-desc"),
        *children,
        id=id_,
        class_=f"chart {kind}",
        viewBox=f"0 0 {number(width)} {number(height)}",
        role="img",
        aria_labelledby=f"{id_}-title {id_}-desc",
        **attributes,
    )


def _attribute_name(key: str) -> str:
    name = key.removesuffix("_").replace("_", "-")
    if _FORBIDDEN_ATTRIBUTE.fullmatch(name):
        raise ValueError(f"the attribute {name} is not allowed in a chart; use a class")
    return name


def _value(value: str | float) -> str:
    return text(value) if isinstance(value, str) else number(value)
