"""Decodes the bytes of a file to text."""

from __future__ import annotations

import codecs
import re

from services.common.comparison import invalid
from services.common.errors import WarmcastError
from services.jobs.ingest.files.charsets import declared_codec, detect_codec
from services.jobs.ingest.limits import quoted, unreadable
from services.jobs.ingest.table import CHARSET_UNCERTAIN

_ARCHIVES = (b"PK\x03\x04", b"\x1f\x8b", b"\xd0\xcf\x11\xe0")  # ZIP and XLSX; gzip; XLS
_ESCAPES = re.compile(rb"\x1b[$(]")  # escape sequences of ISO-2022-JP and similar charsets
_REMEDY = "; send it in UTF-8, or declare its charset (text/csv; charset=…)"


def decode(content: bytes, source: str, charset: str = "") -> tuple[str, dict[str, int]]:
    """The text of a file, and what was cleaned.

    A declared `charset` is used. Without one, the text must be Unicode or in a charset that is detected with certainty;
    else the result holds CHARSET_UNCERTAIN and each non-ASCII byte as a surrogate. Raises WarmcastError if the file is
    empty, not text, or not in the declared charset.
    """
    if not content.strip():
        raise unreadable(f"{source} is empty")
    if content.startswith(_ARCHIVES):
        raise unreadable(f"{source} is a spreadsheet or an archive, not a CSV file; export it as CSV")
    text, cleaned = (_decode_declared(content, source, charset), {}) if charset else _decode_undeclared(content, source)
    text = text.removeprefix("\ufeff")
    if "\x00" in text:
        raise unreadable(f"{source} is not a text file; a CSV export is expected")
    return text, cleaned


def _decode_declared(content: bytes, source: str, charset: str) -> str:
    codec = _byte_order_mark(content) or declared_codec(charset)
    try:
        text = content.decode(codec)
    except UnicodeError:
        raise invalid(
            "charset", f"{source} is not in the declared charset {quoted(charset)}; declare the right one"
        ) from None
    # A single-byte charset decodes UTF-8 without an error, to two or three wrong characters for each.
    if not codec.startswith("utf") and len(text) == len(content) and not content.isascii() and _is_utf_8(content):
        raise invalid("charset", f"{source} is in UTF-8, but {quoted(charset)} was declared; declare charset=utf-8")
    return text


def _decode_undeclared(content: bytes, source: str) -> tuple[str, dict[str, int]]:
    encoding = _byte_order_mark(content) or _utf_16(content)
    if encoding:
        try:
            return content.decode(encoding), {}
        except UnicodeDecodeError:
            raise unreadable(f"{source} is in {encoding.upper()} but damaged") from None
    if _ESCAPES.search(content):
        raise uncertain_charset(source)
    if _is_utf_8(content):
        return content.decode("utf-8"), {}
    if b"\x00" in content:
        raise unreadable(f"{source} is not a text file; a CSV export is expected")
    lenient = content.decode("utf-8", "replace")
    damaged = lenient.count("\ufffd")
    if sum(not character.isascii() for character in lenient) > 2 * damaged:
        raise unreadable(f"{source} is in UTF-8 but damaged: {damaged} of its characters cannot be read")
    codec = detect_codec(content)
    if codec is None:
        return content.decode("ascii", "surrogateescape"), {CHARSET_UNCERTAIN: 1}
    return content.decode(codec), charset_note(codec)


def charset_note(codec: str) -> dict[str, int]:
    """The entry of `cleaned` for a detected codec; "ascii" means that non-ASCII text was ignored."""
    return {CHARSET_UNCERTAIN: 1} if codec == "ascii" else {f"text not in UTF-8 read as {_label(codec)}": 1}


def uncertain_charset(source: str) -> WarmcastError:
    """The error for text whose charset is uncertain."""
    return unreadable(f"{source} is not in UTF-8 and its charset is uncertain{_REMEDY}")


def _is_utf_8(content: bytes) -> bool:
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _byte_order_mark(content: bytes) -> str | None:
    if content.startswith(codecs.BOM_UTF8):
        return "utf-8"
    if content.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        return "utf-32"  # before UTF-16: its mark begins with that of UTF-16
    return "utf-16" if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else None


def _utf_16(content: bytes) -> str | None:
    # Without a byte order mark, every other byte of digits and commas is 0.
    start = content[:400]
    if start.count(0) * 4 < len(start):
        return None
    return "utf-16-le" if start[1::2].count(0) > start[::2].count(0) else "utf-16-be"


def _label(codec: str) -> str:
    return re.sub(r"^CP(125\d|874)$", r"Windows-\1", codec.upper())
