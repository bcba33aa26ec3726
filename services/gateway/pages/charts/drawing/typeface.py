"""Estimates the width of text without a font, and shortens text to a width."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from functools import lru_cache

ELLIPSIS = "…"
BOLD = 1.08  # width of bold text against regular
# Widths in em between those of Noto Sans and DejaVu Sans, the wider one of the common system fonts.
_GROUPS = ((" !'(),-./:;IJ[]`ijl|·’", 0.34), ('frt"{}?', 0.44), ("mMwW%@—…ЖШЩЮжшщю", 0.95))
_WIDTHS = {character: width for characters, width in _GROUPS for character in characters}
_LOWER, _UPPER, _FULL, _EMOJI, _OTHER = 0.61, 0.71, 1.03, 1.35, 0.66
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
    category = unicodedata.category(base)
    if category in ("Mn", "Me", "Cf", "Cc"):
        return 0.0
    if category in ("Ll", "Nd"):
        return _LOWER
    return _UPPER if category == "Lu" else _OTHER
