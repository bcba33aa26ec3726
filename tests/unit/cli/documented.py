"""The commands that our pages and the comments of our manifests name."""

from __future__ import annotations

import re

from tests.paths import CHECKOUT
from tests.unit.deploy.manifests import K8S

PAGES = [
    CHECKOUT / "README.md",
    CHECKOUT / "CHANGELOG.md",
    CHECKOUT / "CONTRIBUTING.md",
    *sorted((CHECKOUT / "docs").rglob("*.md")),
]


def commands(program: str) -> list[str]:
    """Each command once: code spans of the pages, lines of their blocks and of the manifests' comments."""
    found = []
    for page in PAGES:
        found += _in_page(page.read_text(encoding="utf-8"))
    for manifest in sorted(K8S.rglob("*.yaml")):
        comments = "\n".join(re.findall(r"^ *#(.*)$", manifest.read_text(encoding="utf-8"), re.MULTILINE))
        found += [*_spans(comments), *_lines(comments)]
    return sorted({each for each in found if each.startswith(f"{program} ")})


def _in_page(page: str) -> list[str]:
    fenced = re.compile(r"^```\w*\n(.*?)^```", re.MULTILINE | re.DOTALL)
    return [*_spans(fenced.sub("", page)), *(line for block in fenced.findall(page) for line in _lines(block))]


def _spans(text: str) -> list[str]:
    return [" ".join(span.split()) for span in re.findall(r"`([^`]+)`", text)]


def _lines(block: str) -> list[str]:
    """Those that end in a backslash are joined with the next; without what a comment says."""
    return [" ".join(line.split("  #")[0].split()) for line in block.replace("\\\n", " ").splitlines()]
