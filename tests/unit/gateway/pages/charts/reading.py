"""Reads drawn charts: their elements, and the positions of their paths."""

from __future__ import annotations

import re
from collections.abc import Iterator
from xml.etree import ElementTree

from services.gateway.pages.charts.drawing.svg import Markup

Element = ElementTree.Element
_NUMBER = re.compile(r"-?\d*\.?\d+")
_COMMAND = re.compile(r"([MLlHhVvCz])([^MLlHhVvCz]*)")


def parse(chart: Markup) -> Element:
    """The root element. Raises ParseError for markup that is not well-formed."""
    return ElementTree.fromstring(chart)


def having(root: Element, *classes: str) -> list[Element]:
    """The elements that have all these classes, in document order."""
    return [each for each in root.iter() if set(classes) <= set(each.get("class", "").split())]


def the(root: Element, *classes: str) -> Element:
    """The only element with these classes."""
    [found] = having(root, *classes)
    return found


def words(element: Element) -> str:
    """All text of an element, without the titles and descriptions in it."""
    return "".join(
        [
            "" if element.tag in ("title", "desc") else element.text or "",
            *(words(child) + (child.tail or "") for child in element),
        ]
    )


def runs(path: Element) -> list[list[tuple[float, float]]]:
    """The positions of each subpath."""
    found: list[list[tuple[float, float]]] = []
    for command, numbers in _commands(path.attrib["d"]):
        if command == "M":
            found.append([(numbers[0], numbers[1])])
        elif command == "l":
            for dx, dy in zip(numbers[::2], numbers[1::2], strict=True):
                x, y = found[-1][-1]
                found[-1].append((round(x + dx, 1), round(y + dy, 1)))
        elif command == "h":
            x, y = found[-1][-1]
            found[-1].append((round(x + numbers[0], 1), y))
        elif command != "z":
            raise AssertionError(f"the command {command} is not expected in {path.attrib['d'][:60]}")
    return found


def one_run(path: Element) -> list[tuple[float, float]]:
    """The positions of a path without gaps."""
    [run] = runs(path)
    return run


def numbers_of(element: Element, name: str) -> list[float]:
    """The numbers of an attribute."""
    return [float(number) for number in element.attrib[name].split()]


def _commands(data: str) -> Iterator[tuple[str, list[float]]]:
    for command, rest in _COMMAND.findall(data):
        yield command, [float(number) for number in _NUMBER.findall(rest)]
