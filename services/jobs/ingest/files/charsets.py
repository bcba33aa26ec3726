"""Which charset the bytes of a file are in, where the file is not in Unicode."""

from __future__ import annotations

import codecs
import re
import unicodedata
from collections.abc import Sequence
from itertools import islice

from services.common.comparison import invalid
from services.jobs.ingest.limits import shown
from services.jobs.ingest.places import is_spelled

# What a browser reads under these names: each holds all of the older charset, and more.
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
# Names that Python lacks, beside those that begin with x-.
_LABELS = {"windows-31j": "cp932", "iso-8859-8-i": "iso8859-8"}
# Python's own ways to write text in ASCII, which are no charsets of files.
_NO_CHARSETS = {"unicode_escape", "raw_unicode_escape", "idna", "punycode", "undefined", "utf-7", "mbcs", "oem"}
# What spreadsheets and older systems save, the most usual first.
_CANDIDATES = (
    "cp1252", "cp1251", "cp1250", "cp932", "gb18030", "big5hkscs", "cp949", "cp1254", "cp1253", "cp1255", "cp1256",
    "cp874", "cp1257", "cp1258", "koi8-r", "koi8-u", "euc-jp", "iso8859-2", "iso8859-5", "iso8859-7", "iso8859-15",
    "mac-roman", "cp866", "cp850", "cp852",
)  # fmt: skip
# Measured on names in 32 languages and 23 charsets; see docs/decisions/charset-detection.md.
_LEAST_CONFIDENCE = 0.06
_LEAST_RATIO = 2.5  # to the next reading
_LEAST_BYTES = 8  # beyond ASCII
_SAMPLE = 8 * 1024  # bytes; the terms and more
_BEYOND_ASCII = re.compile(rb"[^,;\t\r\n():\"]*[\x80-\xff][^,;\t\r\n():\"]*")
_WORD = re.compile(r"[^\W\d_](?:[^\x00-\x7f]|[^\W\d_])*|[^\x00-\x7f]+")
# Stand in words and around them: quotation marks, apostrophes, dashes, joiners.
_IN_WORDS = dict.fromkeys(map(ord, "‘’“”–—…«»¿¡ºª·€™®©\xa0、。「」・ー＝～！？（）：，／׳״\u200c\u200d"))


def codec_of(charset: str) -> str:
    """The codec of a declared charset. Raises WarmcastError(INVALID_ARGUMENT) for one that does not exist."""
    label = charset.strip().lower().removeprefix("x-")
    try:
        codec = codecs.lookup(_LABELS.get(label, label)).name
        "".encode(codec)  # some codecs are not of text
    except (LookupError, ValueError):
        codec = "undefined"
    if codec.replace("-", "_") in {name.replace("-", "_") for name in _NO_CHARSETS}:
        raise invalid("charset", f"unknown charset {shown(charset)}; declare another, or send the file in UTF-8")
    return _SUPERSETS.get(codec.replace("_", "-"), _SUPERSETS.get(codec, codec))


def detect(content: bytes) -> str | None:
    """The codec of text that is not in Unicode; None unless it is as good as certain.

    Certain is what all charsets that make words of the bytes read alike, what alone spells a place's name as it is, and
    what the detector holds for far likelier than every other reading, if it is not in Latin letters: of those its
    guesses are too often wrong.
    """
    words = (match[0] for match in _BEYOND_ASCII.finditer(content))
    sample = b"\n".join(islice(words, _SAMPLE // 2))[:_SAMPLE]
    readings = _readings(content, sample)
    with_place = [text for text in readings if any(map(is_spelled, text.split("\n")))]
    if len(readings) == 1 or len(with_place) == 1:
        return readings[with_place[0]] if with_place else next(iter(readings.values()))
    ranked = _ranked(sample, readings)
    if not ranked or sum(byte > 0x7F for byte in sample) < _LEAST_BYTES:
        return None
    (likeliest, confidence), others = ranked[0], ranked[1:]
    if _script(likeliest) == "LATIN" or confidence < _LEAST_CONFIDENCE:
        return None
    if others and confidence < _LEAST_RATIO * others[0][1]:
        return None
    return readings[likeliest]


def _readings(content: bytes, sample: bytes) -> dict[str, str]:
    """Each way to read the sample as words, with the first codec that reads it so and all of the content too."""
    readings: dict[str, str] = {}
    for codec in _CANDIDATES:
        try:
            content.decode(codec)
            text = sample.decode(codec, "ignore")  # a cut character at its end
        except UnicodeDecodeError:
            continue
        if _is_words(text):
            readings.setdefault(text, codec)
    return readings


def _ranked(sample: bytes, readings: dict[str, str]) -> list[tuple[str, float]]:
    """The readings by the detector's confidence."""
    import chardet  # noqa: PLC0415 - 40 MB and 0.15 s, for the few files that need it

    found = chardet.detect_all(sample, ignore_threshold=True, include_encodings=_CANDIDATES, compat_names=False)
    confidence: dict[str, float] = {}
    for each in found:
        text = sample.decode(each["encoding"] or "ascii", "ignore")
        if text in readings:
            confidence[text] = max(each["confidence"], confidence.get(text, 0.0))
    return sorted(confidence.items(), key=lambda item: -item[1])


def _is_words(text: str) -> bool:
    return all(_is_word(word) for word in map(_bare, _WORD.findall(text)) if not word.isascii())


def _bare(word: str) -> str:
    return word.translate(_IN_WORDS)


def _is_word(word: str) -> bool:
    """Whether it has letters of one script alone, and capitals only where a word has them."""
    if any(unicodedata.category(c)[0] not in "LM" for c in word) or len(_scripts(word)) > 1:
        return False
    return word in (word.lower(), word.upper(), word[0].upper() + word[1:].lower())


def _script(text: str) -> str:
    scripts = _scripts("".join(c for c in text if not c.isascii() and c.isalpha()))
    return scripts.pop() if len(scripts) == 1 else ""


def _scripts(letters: Sequence[str]) -> set[str]:
    # A letter's name begins with that of its script; Japanese mixes three.
    names = {unicodedata.name(letter, "?").split()[0].partition("-")[0] for letter in letters}
    return {"CJK" if name in ("HIRAGANA", "KATAKANA") else name for name in names} - {"COMBINING"}
