"""Estimates the width of text without a font, and shortens text to a width."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from functools import lru_cache

ELLIPSIS = "…"
BOLD = 1.1  # width of bold text against regular
# Widths in em between those of Noto Sans and DejaVu Sans, the wider one of the common system fonts.
_GROUPS = (
    ("IJijl", 0.3),
    (" !'(),-./:;[]`|\\·’", 0.36),
    ("frt", 0.41),
    ('FLcksz?"*_', 0.54),
    ("DGHNOQU&{}", 0.74),
    ("#+<=>^~−→", 0.84),
    ("mMwW%@—…ЖШЩЮжшщю\ufffd", 0.98),
)
_WIDTHS = {character: width for characters, width in _GROUPS for character in characters}
_FULL, _EMOJI, _OTHER = 1.03, 1.35, 0.66
# By Unicode category; marks and invisible characters take no room, controls are drawn as U+FFFD or a box.
_CATEGORIES = {"Ll": 0.61, "Nd": 0.61, "Lu": 0.7, "Mn": 0.0, "Me": 0.0, "Cf": 0.0, "Cc": 1.03, "Cs": 1.03, "Cn": 1.03}
_JOINER = "\u200d"
# Embeddings, overrides and isolates: a term with one would reorder its own letters or the words around it.
_DIRECTION_CONTROLS = str.maketrans("", "", "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


@lru_cache(maxsize=1024)
def text_width(text: str, size: float, *, bold: bool = False) -> float:
    """An estimate of the text's width in pixels for a font of `size` pixels, above that of most fonts."""
    width = sum(_cluster_width(cluster) for cluster in _clusters(text))
    return width * size * (BOLD if bold else 1.0)


@lru_cache(maxsize=1024)
def shorten(text: str, width: float, size: float, *, bold: bool = False) -> str:
    """The text, or as much of it as fits into `width` pixels with an ellipsis; never cuts inside an emoji or accent."""
    text = " ".join(text.translate(_DIRECTION_CONTROLS).split())
    if text_width(text, size, bold=bold) <= width:
        return text
    room = width / size / (BOLD if bold else 1.0) - _cluster_width(ELLIPSIS)
    kept = ""
    for cluster in _clusters(text):
        room -= _cluster_width(cluster)
        if room < 0:
            break
        kept += cluster
    return kept.rstrip() + ELLIPSIS


def isolated(text: str) -> str:
    """The text for use inside a sentence, so that its direction does not reorder the words around it."""
    return text if text.isascii() else f"\u2068{text.translate(_DIRECTION_CONTROLS)}\u2069"


def _clusters(text: str) -> Iterator[str]:
    """What is seen as one character: a base with its accents, variation selectors and joined emoji; a flag."""
    cluster = ""
    for character in text:
        if cluster and not _continues(cluster, character):
            yield cluster
            cluster = ""
        cluster += character
    if cluster:
        yield cluster


def _continues(cluster: str, character: str) -> bool:
    if character == _JOINER or unicodedata.category(character) in ("Mn", "Me", "Mc"):
        return True
    if cluster[-1] == _JOINER and ord(cluster[0]) > 0x2000:
        return True
    if 0x1F3FB <= ord(character) <= 0x1F3FF:  # skin tones
        return True
    return len(cluster) == 1 and _is_flag_half(cluster) and _is_flag_half(character)


def _is_flag_half(character: str) -> bool:
    return 0x1F1E6 <= ord(character) <= 0x1F1FF


@lru_cache(maxsize=4096)
def _cluster_width(cluster: str) -> float:
    base = unicodedata.normalize("NFD", cluster)[0]
    if base in _WIDTHS:
        return _WIDTHS[base]
    if ord(base) >= 0x1F000 or "\ufe0f" in cluster:
        return _EMOJI
    if unicodedata.east_asian_width(base) in "WF":
        return _FULL
    return _CATEGORIES.get(unicodedata.category(base), _OTHER)
