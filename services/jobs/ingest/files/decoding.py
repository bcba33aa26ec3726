"""From bytes to text, whatever a download or a spreadsheet made of it."""

from __future__ import annotations

import codecs
import re

from services.common.comparison import invalid
from services.common.errors import WarmcastError
from services.jobs.ingest.files.charsets import codec_of, detect
from services.jobs.ingest.limits import shown, unreadable
from services.jobs.ingest.table import UNDECIDED

_ARCHIVES = (b"PK\x03\x04", b"\x1f\x8b", b"\xd0\xcf\x11\xe0")  # ZIP, of which XLSX is one; gzip; XLS
_ESCAPES = re.compile(rb"\x1b[$(]")  # ISO-2022-JP and its like: ASCII with shifts in it
_HOW = "; send it in UTF-8, or declare its charset (text/csv; charset=…)"


def decode(content: bytes, source: str, charset: str = "") -> tuple[str, dict[str, int]]:
    """The text of a file and what was cleaned.

    A declared `charset` is used; without one the text is in Unicode, or in what is detected with as good as certainty.
    Where nothing is, UNDECIDED is among what was cleaned, and each byte beyond ASCII is kept as a surrogate.
    Raises WarmcastError when the file is empty, no text, or not in the charset that was declared.
    """
    if not content.strip():
        raise unreadable(f"{source} is empty")
    if content.startswith(_ARCHIVES):
        raise unreadable(f"{source} is a spreadsheet or an archive, not a CSV file; export it as CSV")
    text, cleaned = (_declared(content, source, charset), {}) if charset else _undeclared(content, source)
    text = text.removeprefix("\ufeff")
    if "\x00" in text:
        raise unreadable(f"{source} is not a text file; a CSV export is expected")
    return text, cleaned


def _declared(content: bytes, source: str, charset: str) -> str:
    codec = _byte_order_mark(content) or codec_of(charset)
    try:
        text = content.decode(codec)
    except UnicodeError:
        raise invalid(
            "charset", f"{source} is not in the charset that was declared, {shown(charset)}; declare its own"
        ) from None
    # A charset of one byte a character decodes everything, UTF-8 too, and makes two or three wrong letters of each.
    if not codec.startswith("utf") and len(text) == len(content) and not content.isascii() and _is_utf_8(content):
        raise invalid("charset", f"{source} is in UTF-8, while {shown(charset)} was declared; declare charset=utf-8")
    return text


def _undeclared(content: bytes, source: str) -> tuple[str, dict[str, int]]:
    encoding = _byte_order_mark(content) or _utf_16(content)
    if encoding:
        try:
            return content.decode(encoding), {}
        except UnicodeDecodeError:
            raise unreadable(f"{source} looks like {encoding.upper()} but is damaged") from None
    if _ESCAPES.search(content):
        raise undecided(source)
    if _is_utf_8(content):
        return content.decode("utf-8"), {}
    if b"\x00" in content:
        raise unreadable(f"{source} is not a text file; a CSV export is expected")
    lenient = content.decode("utf-8", "replace")
    damaged = lenient.count("\ufffd")
    if sum(not character.isascii() for character in lenient) > 2 * damaged:
        raise unreadable(f"{source} is in UTF-8 but damaged: {damaged} of its characters cannot be read")
    codec = detect(content)
    if codec is None:
        return content.decode("ascii", "surrogateescape"), {UNDECIDED: 1}
    return content.decode(codec), read_as(codec)


def read_as(codec: str) -> dict[str, int]:
    """What was cleaned where text was read as if in that charset; in ASCII, where what is beyond it was not read."""
    return {UNDECIDED: 1} if codec == "ascii" else {f"text not in UTF-8 read as {_label(codec)}": 1}


def undecided(source: str) -> WarmcastError:
    """The error for text whose charset is not certain."""
    return unreadable(f"{source} is not in UTF-8, and which charset it is in cannot be told for certain{_HOW}")


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
        return "utf-32"  # before UTF-16, whose mark its own begins with
    return "utf-16" if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else None


def _utf_16(content: bytes) -> str | None:
    # Without a mark: digits and commas leave every other byte empty.
    start = content[:400]
    if start.count(0) * 4 < len(start):
        return None
    return "utf-16-le" if start[1::2].count(0) > start[::2].count(0) else "utf-16-be"


def _label(codec: str) -> str:
    return re.sub(r"^CP(125\d|874)$", r"Windows-\1", codec.upper())
