"""Finds the charset of a file that is not in Unicode."""

from __future__ import annotations

import codecs
import re
import unicodedata
from collections.abc import Sequence
from itertools import islice

from services.common.comparison import invalid
from services.jobs.ingest.limits import quoted
from services.jobs.ingest.places import is_place_name

# As browsers do: each name maps to a superset of the charset it names.
_SUPERSETS = {
    "iso8859-1": "cp1252",
    "iso8859-9": "cp1254",
    "iso8859-11": "cp874",
    "tis-620": "cp874",
    "shift_jis": "cp932",
    "euc_kr": "cp949",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "big5": "big5hkscs",
}
# Names that Python does not know; the prefix x- is removed before.
_LABELS = {"windows-31j": "cp932", "iso-8859-8-i": "iso8859-8"}
# Codecs of Python that are not charsets of files.
_NOT_CHARSETS = {"unicode_escape", "raw_unicode_escape", "idna", "punycode", "undefined", "utf-7", "mbcs", "oem"}
# What spreadsheets and older systems write, the most common first.
_CANDIDATES = (
    "cp1252", "cp1251", "cp1250", "cp932", "gb18030", "big5hkscs", "cp949", "cp1254", "cp1253", "cp1255", "cp1256",
    "cp874", "cp1257", "cp1258", "koi8-r", "koi8-u", "euc-jp", "iso8859-2", "iso8859-5", "iso8859-7", "iso8859-15",
    "mac-roman", "cp866", "cp850", "cp852",
)  # fmt: skip
# Thresholds: docs/decisions/charset-detection.md.
_MIN_CONFIDENCE = 0.06
_MIN_RATIO = 2.5  # of the confidence of the best decoding to that of the second
_MIN_NON_ASCII_BYTES = 8
_SAMPLE = 8 * 1024  # bytes
_NON_ASCII = re.compile(rb"[^,;\t\r\n():\"]*[\x80-\xff][^,;\t\r\n():\"]*")
_WORD = re.compile(r"[^\W\d_](?:[^\x00-\x7f]|[^\W\d_])*|[^\x00-\x7f]+")
# Characters inside and around words that say nothing about the charset: quotation marks, apostrophes, dashes, joiners.
_IGNORED = dict.fromkeys(map(ord, "‘’“”–—…«»¿¡ºª·€™®©\xa0、。「」・ー＝～！？（）：，／׳״\u200c\u200d"))


def declared_codec(charset: str) -> str:
    """The codec of a declared charset. Raises WarmcastError(INVALID_ARGUMENT) if the charset is unknown."""
    label = charset.strip().lower().removeprefix("x-")
    try:
        codec = codecs.lookup(_LABELS.get(label, label)).name
        "".encode(codec)  # raises LookupError for codecs that are not of text
    except (LookupError, ValueError):
        codec = "undefined"
    if codec.replace("-", "_") in {name.replace("-", "_") for name in _NOT_CHARSETS}:
        raise invalid("charset", f"unknown charset {quoted(charset)}; declare another, or send the file in UTF-8")
    return _SUPERSETS.get(codec.replace("_", "-"), _SUPERSETS.get(codec, codec))


def detect_codec(content: bytes) -> str | None:
    """The codec of text that is not in Unicode, or None if it is uncertain.

    A codec is certain if one of these holds:

    - all codecs that decode the bytes to plausible words decode them to the same text;
    - it is the only one whose text contains the name of a known place;
    - the text is not in Latin letters and the detector's confidence is far above that of every other decoding. For
      Latin letters the detector is wrong too often.
    """
    words = (match[0] for match in _NON_ASCII.finditer(content))
    sample = b"\n".join(islice(words, _SAMPLE // 2))[:_SAMPLE]
    decodings = _decodings(content, sample)
    with_place_name = [text for text in decodings if any(map(is_place_name, text.split("\n")))]
    if len(decodings) == 1 or len(with_place_name) == 1:
        return decodings[with_place_name[0]] if with_place_name else next(iter(decodings.values()))
    ranked = _ranked(sample, decodings)
    if not ranked or sum(byte > 0x7F for byte in sample) < _MIN_NON_ASCII_BYTES:
        return None
    (best, confidence), others = ranked[0], ranked[1:]
    if _script(best) == "LATIN" or confidence < _MIN_CONFIDENCE:
        return None
    if others and confidence < _MIN_RATIO * others[0][1]:
        return None
    return decodings[best]


def _decodings(content: bytes, sample: bytes) -> dict[str, str]:
    """Each plausible text of the sample, with the first codec that gives it and decodes all of the content."""
    decodings: dict[str, str] = {}
    for codec in _CANDIDATES:
        try:
            content.decode(codec)
            text = sample.decode(codec, "ignore")  # the sample may end inside a character
        except UnicodeDecodeError:
            continue
        if _has_plausible_words(text):
            decodings.setdefault(text, codec)
    return decodings


def _ranked(sample: bytes, decodings: dict[str, str]) -> list[tuple[str, float]]:
    """The texts with the detector's confidence, highest first."""
    import chardet  # noqa: PLC0415 - large and slow to load; few files need it

    found = chardet.detect_all(sample, ignore_threshold=True, include_encodings=_CANDIDATES, compat_names=False)
    confidence: dict[str, float] = {}
    for each in found:
        text = sample.decode(each["encoding"] or "ascii", "ignore")
        if text in decodings:
            confidence[text] = max(each["confidence"], confidence.get(text, 0.0))
    return sorted(confidence.items(), key=lambda item: -item[1])


def _has_plausible_words(text: str) -> bool:
    return all(_is_plausible_word(word) for word in map(_strip_ignored, _WORD.findall(text)) if not word.isascii())


def _strip_ignored(word: str) -> str:
    return word.translate(_IGNORED)


def _is_plausible_word(word: str) -> bool:
    """Whether all letters are of one script, and capitals are at the start only or everywhere."""
    if any(unicodedata.category(c)[0] not in "LM" for c in word) or len(_scripts(word)) > 1:
        return False
    return word in (word.lower(), word.upper(), word[0].upper() + word[1:].lower())


def _script(text: str) -> str:
    scripts = _scripts("".join(c for c in text if not c.isascii() and c.isalpha()))
    return scripts.pop() if len(scripts) == 1 else ""


def _scripts(letters: Sequence[str]) -> set[str]:
    # The Unicode name of a letter begins with its script. Japanese mixes three scripts.
    names = {unicodedata.name(letter, "?").split()[0].partition("-")[0] for letter in letters}
    return {"CJK" if name in ("HIRAGANA", "KATAKANA") else name for name in names} - {"COMBINING"}
