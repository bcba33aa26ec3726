"""Writes the README's diagram from docs/picture.toml: `python -m devtools.picture`."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from typing import Any

from devstack.settings import CHECKOUT

README = CHECKOUT / "README.md"
_DATA = CHECKOUT / "docs" / "picture.toml"
_BEGIN, _END = "```mermaid\n", "```\n"


@dataclass(frozen=True)
class Arrow:
    """A connection between two services; without a port, the other side opened it."""

    source: str
    target: str
    label: str
    port: int | None


def arrows() -> list[Arrow]:
    """All arrows, in the diagram's order."""
    return [Arrow(each["from"], each["to"], each["label"], each.get("port")) for each in _data()["arrows"]]


def mermaid() -> str:
    """The diagram in Mermaid's syntax. Only the first mention of a node has its shape."""
    lines, shapes = ["flowchart LR"], dict(_data()["nodes"])
    for arrow in arrows():
        source, target = (
            name + (shape if (shape := shapes.pop(name, name)) != name else "") for name in (arrow.source, arrow.target)
        )
        lines.append(f"    {source} {'-->' if arrow.port else '-.->'}|{arrow.label}| {target}")
    return "\n".join(lines) + "\n"


def redrawn(page: str) -> str:
    """The page with its diagram replaced."""
    before, _, rest = page.partition(_BEGIN)
    _, _, after = rest.partition(_END)
    return before + _BEGIN + mermaid() + _END + after


def _data() -> dict[str, Any]:
    return tomllib.loads(_DATA.read_text(encoding="utf-8"))


if __name__ == "__main__":
    README.write_text(redrawn(README.read_text(encoding="utf-8")), encoding="utf-8")
