"""Translates the name of a place to its ISO 3166 code."""

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
    """The codes of a place's name; "" is worldwide. Empty for an unknown name, several for an ambiguous one."""
    return _names().get(_normalised(place), frozenset())


def report_place(lines: Iterable[str]) -> tuple[str, frozenset[str]]:
    """The place in a line such as `Tennessee (United States); 2004 - present`, and its codes.

    Reports from before 2016 have the place only above their header. Empty if no line names a known place or a part
    of one.
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


def may_be_report_line(line: str) -> bool:
    """Whether a line has the form of one that names the place of a report."""
    return len(line) <= _MAX_LINE and _REPORT.fullmatch(line) is not None


def may_be_place(text: str) -> bool:
    """Whether an unknown name may be that of a place: it begins with a letter that is not lower case."""
    return text[:1].isalpha() and not text[:1].islower()


def is_place_name(name: str) -> bool:
    """Whether this is the name of a known place, accents included."""
    return _folded(name) in _spellings()


@cache
def _names() -> dict[str, frozenset[str]]:
    names: dict[str, set[str]] = {}
    for code, spelling in _listed():
        names.setdefault(_normalised(spelling), set()).add("" if code == _WORLD else code)
    return {name: frozenset(codes) for name, codes in names.items()}


@cache
def _spellings() -> frozenset[str]:
    return frozenset(_folded(spelling) for _, spelling in _listed())


def _listed() -> Iterator[tuple[str, str]]:
    for line in files(__package__).joinpath("places.txt").read_text("utf-8").splitlines():
        if not line.startswith("#"):
            code, _, spellings = line.partition(":")
            yield from ((code, spelling) for spelling in spellings.split(";"))


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold().strip()


def _normalised(name: str) -> str:
    folded = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", name).casefold())
    return "".join(c for c in folded if c.isalnum() or (unicodedata.category(c) == "Mc") or c in "&*")
