"""Changes to rendered manifests, for tests of what must not be so."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.unit.deploy.manifests import Manifest

Change = Callable[[list[Manifest]], None]


def put(value: object, kind: str, name: str, *path: str | int) -> Change:
    """Sets what is there, or not there yet, to `value`."""

    def change(manifests: list[Manifest]) -> None:
        inner, last = _inside(manifests, kind, name, path)
        inner[last] = value

    return change


def drop(kind: str, name: str, *path: str | int) -> Change:
    """Takes it away; a whole object without a path."""

    def change(manifests: list[Manifest]) -> None:
        if path:
            inner, last = _inside(manifests, kind, name, path)
            del inner[last]
        else:
            manifests.remove(_object(manifests, kind, name))

    return change


def add(value: object, kind: str, name: str, *path: str | int) -> Change:
    """Appends to a list."""

    def change(manifests: list[Manifest]) -> None:
        inner, last = _inside(manifests, kind, name, path)
        inner[last].append(value)

    return change


def _object(manifests: list[Manifest], kind: str, name: str) -> Manifest:
    """The one of that kind whose name is, or begins with, `name`: a ConfigMap's ends in its hash."""
    found = [each for each in manifests if each["kind"] == kind and each["metadata"]["name"].startswith(name)]
    return min(found, key=lambda each: len(each["metadata"]["name"]))


def _inside(manifests: list[Manifest], kind: str, name: str, path: tuple[str | int, ...]) -> tuple[Any, str | int]:
    inner: Any = _object(manifests, kind, name)
    for step in path[:-1]:
        inner = inner[step]
    return inner, path[-1]
