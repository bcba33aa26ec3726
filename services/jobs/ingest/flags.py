"""Parses true and false as programs write them, and as spreadsheets do in languages that translate TRUE()."""

from __future__ import annotations

from services.jobs.ingest.limits import quoted
from services.jobs.ingest.values import is_empty

_TRUE = frozenset((
    "true", "t", "yes", "y", "1", "1.0", "1,0",
    "adevărat", "cert", "doğru", "igaz", "pravda", "prawda", "sand", "sann", "sant", "tosi", "verdadeiro", "verdadero",
    "vero", "vrai", "waar", "wahr", "істина", "истина",
))  # fmt: skip
_FALSE = frozenset((
    "false", "f", "no", "n", "0", "0.0", "0,0",
    "epätosi", "fals", "falsch", "falsk", "falskt", "falso", "faux", "fałsz", "hamis", "nepravda", "onwaar", "usann",
    "yanlış", "ложь", "хибність",
))  # fmt: skip


def read_flag(text: str) -> bool:
    """Whether a cell is true; an empty one is false. Raises ValueError for other text."""
    word = text.strip().casefold()
    if word in _TRUE:
        return True
    if word in _FALSE or is_empty(word):
        return False
    raise ValueError(f"{quoted(text, 20)} is neither true nor false; write True or False")
