"""Text that people enter, as it may be stored and shown."""

from __future__ import annotations

import unicodedata

_CONTROL = frozenset({"Cc", "Zl", "Zp"})  # control characters, and the separators of lines and paragraphs


def has_control_characters(text: str) -> bool:
    """Whether the text has characters that a single line cannot show, such as a line break."""
    return any(unicodedata.category(character) in _CONTROL for character in text)
