"""Files in the data folder with mode 0600."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path


def load_or_create_secret(path: Path) -> str:
    """Returns the secret in that file, and creates the file with a random one if it is missing. Hexadecimal digits."""
    with suppress(FileExistsError):
        _create(path, secrets.token_hex(16))
    return path.read_text(encoding="ascii").strip()


@contextmanager
def temporary_json_file(path: Path, values: Mapping[str, str]) -> Iterator[None]:
    """Writes `values` as JSON to that file, and removes the file when the context ends."""
    new = path.with_suffix(".new")
    new.unlink(missing_ok=True)
    _create(new, json.dumps(values, indent=2) + "\n")
    new.replace(path)  # atomic: a reader never sees a partial file
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


def _create(path: Path, text: str) -> None:
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
