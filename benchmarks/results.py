"""Writes the sections of RESULTS.md; text between the sections is kept."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

RESULTS = Path(__file__).resolve().parent / "RESULTS.md"


def write_section(name: str, title: str, how: str, lines: Sequence[str]) -> None:
    """Replaces the section of that name, or appends it; `how` follows the date and the machine."""
    begin, end = f"<!-- {name}: written by make bench-{name} -->", f"<!-- {name}: end -->"
    machine = f"{datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} cores, Python {platform.python_version()}"
    section = "\n".join([begin, f"## {title}: `make bench-{name}`", "", f"{machine}{how}", "", *lines, end])
    text = RESULTS.read_text(encoding="utf-8") if RESULTS.exists() else "# What was measured\n"
    pattern = re.compile(re.escape(begin) + ".*?" + re.escape(end), re.DOTALL)
    text = pattern.sub(lambda _: section, text) if pattern.search(text) else f"{text.rstrip()}\n\n{section}\n"
    RESULTS.write_text(text, encoding="utf-8")
