"""From bytes to text, whatever a download or a spreadsheet made of it."""

from __future__ import annotations

import codecs

from services.jobs.ingest.limits import unreadable
from services.jobs.ingest.table import NOT_UTF8

_ARCHIVE = b"PK\x03\x04"


def decode(content: bytes, source: str) -> tuple[str, dict[str, int]]:
    """The text of a file and what was cleaned. Raises WarmcastError when it is empty or no text."""
    if not content.strip():
        raise unreadable(f"{source} is empty")
    if content.startswith(_ARCHIVE):
        raise unreadable(f"{source} is a spreadsheet or an archive, not a CSV file; export it as CSV")
    text, cleaned = _decode(content, source)
    text = text.removeprefix("\ufeff")
    if "\x00" in text:
        raise unreadable(f"{source} is not a text file; a CSV export is expected")
    return text, cleaned


def _decode(content: bytes, source: str) -> tuple[str, dict[str, int]]:
    encoding = _utf_16(content)
    if encoding:
        try:
            return content.decode(encoding), {}
        except UnicodeDecodeError:
            raise unreadable(f"{source} looks like UTF-16 but is damaged") from None
    try:
        return content.decode("utf-8"), {}
    except UnicodeDecodeError:
        pass
    try:
        return content.decode("cp1252"), {NOT_UTF8: 1}
    except UnicodeDecodeError:  # the five bytes that Windows-1252 leaves open
        return content.decode("latin-1"), {NOT_UTF8: 1}


def _utf_16(content: bytes) -> str | None:
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    # Without a mark: digits and commas leave every other byte empty.
    start = content[:400]
    if start.count(0) * 4 < len(start):
        return None
    return "utf-16-le" if start[1::2].count(0) > start[::2].count(0) else "utf-16-be"
