"""A random secret that is made once and kept in a file that only its owner reads."""

from __future__ import annotations

import os
import secrets
from pathlib import Path


def kept_secret(path: Path) -> str:
    """The secret in that file, which is made (mode 0600) where it is not there. Letters and digits alone."""
    try:
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
            file.write(secrets.token_hex(16))
    except FileExistsError:
        pass
    return path.read_text(encoding="ascii").strip()
