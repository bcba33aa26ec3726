"""Files in the data folder that only their owner reads (mode 0600)."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path


def kept_secret(path: Path) -> str:
    """The secret in that file; a random one is created where there is none. Letters and digits only."""
    with suppress(FileExistsError):
        _create(path, secrets.token_hex(16))
    return path.read_text(encoding="ascii").strip()


@contextmanager
def published(path: Path, values: Mapping[str, str]) -> Iterator[None]:
    """Holds `values` as JSON in that file for as long as the context is open."""
    new = path.with_suffix(".new")
    new.unlink(missing_ok=True)
    _create(new, json.dumps(values, indent=2) + "\n")
    new.replace(path)  # at once, so that a reader never finds a part of it
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


def _create(path: Path, text: str) -> None:
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
