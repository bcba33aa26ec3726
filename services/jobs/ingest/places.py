"""From the place that a header names to its ISO 3166 code."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from functools import cache
from importlib.resources import files

_WORLD = "*"
_MAX_LINE = 300
_REPORT = re.compile(r"(?P<place>[^;]{2,100}); [^;]*\d{4}[^;]*")
_PART = re.compile(r"(?P<part>[^()]+)\((?P<whole>[^()]+)\)")


def codes_of(place: str) -> frozenset[str]:
    """The codes that a place's name may mean: "" is worldwide, none is an unknown name, two an ambiguous one."""
    return _names().get(_bare(place), frozenset())


def place_of_report(lines: Iterable[str]) -> tuple[str, frozenset[str]]:
    """The place in a line such as `Tennessee (United States); 2004 - present`, and its codes.

    Reports of before 2016 name it above their header, and nowhere else. Empty where no line names a known place or a
    part of one.
    """
    for line in lines:
        report = _REPORT.fullmatch(line) if len(line) <= _MAX_LINE else None
        part = _PART.fullmatch(report["place"]) if report else None
        if report and codes_of(report["place"]):
            return report["place"], codes_of(report["place"])
        if report and part and codes_of(part["whole"]):
            within = tuple(f"{code}-" for code in codes_of(part["whole"]))
            return report["place"], frozenset(code for code in codes_of(part["part"]) if code.startswith(within))
    return "", frozenset()


def may_be_report(line: str) -> bool:
    """Whether a line is written like one that names the place of a report."""
    return len(line) <= _MAX_LINE and _REPORT.fullmatch(line) is not None


def may_be_place(text: str) -> bool:
    """Whether an unknown name is written like one of a place: it begins with a letter that is not a small one."""
    return text[:1].isalpha() and not text[:1].islower()


def is_spelled(name: str) -> bool:
    """Whether a known place is written so, accents included."""
    return _spelled(name) in _spellings()


@cache
def _names() -> dict[str, frozenset[str]]:
    names: dict[str, set[str]] = {}
    for code, spelling in _listed():
        names.setdefault(_bare(spelling), set()).add("" if code == _WORLD else code)
    return {name: frozenset(codes) for name, codes in names.items()}


@cache
def _spellings() -> frozenset[str]:
    return frozenset(_spelled(spelling) for _, spelling in _listed())


def _listed() -> Iterator[tuple[str, str]]:
    for line in files(__package__).joinpath("places.txt").read_text("utf-8").splitlines():
        if not line.startswith("#"):
            code, _, spellings = line.partition(":")
            yield from ((code, spelling) for spelling in spellings.split(";"))


def _spelled(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold().strip()


def _bare(name: str) -> str:
    folded = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", name).casefold())
    return "".join(c for c in folded if c.isalnum() or (unicodedata.category(c) == "Mc") or c in "&*")
