"""Changes to rendered manifests that policies must refuse."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.unit.deploy.manifests import Manifest

Change = Callable[[list[Manifest]], None]


def put(value: object, kind: str, name: str, *path: str | int) -> Change:
    """Sets the value at the path."""

    def change(manifests: list[Manifest]) -> None:
        inner, last = _inside(manifests, kind, name, path)
        inner[last] = value

    return change


def drop(kind: str, name: str, *path: str | int) -> Change:
    """Removes the value at the path; without a path, the whole object."""

    def change(manifests: list[Manifest]) -> None:
        if path:
            inner, last = _inside(manifests, kind, name, path)
            del inner[last]
        else:
            manifests.remove(_object(manifests, kind, name))

    return change


def add(value: object, kind: str, name: str, *path: str | int) -> Change:
    """Appends to the list at the path."""

    def change(manifests: list[Manifest]) -> None:
        inner, last = _inside(manifests, kind, name, path)
        inner[last].append(value)

    return change


def _object(manifests: list[Manifest], kind: str, name: str) -> Manifest:
    """The object whose name is, or starts with, `name`: a ConfigMap's name ends with its hash."""
    found = [each for each in manifests if each["kind"] == kind and each["metadata"]["name"].startswith(name)]
    return min(found, key=lambda each: len(each["metadata"]["name"]))


def _inside(manifests: list[Manifest], kind: str, name: str, path: tuple[str | int, ...]) -> tuple[Any, str | int]:
    inner: Any = _object(manifests, kind, name)
    for step in path[:-1]:
        inner = inner[step]
    return inner, path[-1]
