"""Decodes the header alone where the charset of the whole file is uncertain: only its terms are stored."""

from __future__ import annotations

from dataclasses import replace

from services.jobs.ingest.files.charsets import detect_codec
from services.jobs.ingest.files.decoding import charset_note, uncertain_charset
from services.jobs.ingest.files.sheet import Row, Sheet
from services.jobs.ingest.places import may_be_report_line


def decode_header(sheet: Sheet, source: str) -> tuple[Sheet, dict[str, int]]:
    """The sheet with its header decoded, and what was cleaned. The rows stay as they are.

    Raises WarmcastError if the charset of the header, or of a line above it that names a place, is uncertain too.
    """
    cells = [_bytes(cell) for cell in sheet.header.cells]
    header = b"\n".join(cells)
    codec = "ascii" if header.isascii() else detect_codec(header)
    if codec is None:
        raise uncertain_charset(source)
    decoded = replace(sheet, header=Row(sheet.header.line, [cell.decode(codec) for cell in cells]))
    if any(may_be_report_line(line) and not line.isascii() for line in sheet.above):
        raise uncertain_charset(source)
    return decoded, charset_note(codec)


def _bytes(text: str) -> bytes:
    return text.encode("ascii", "surrogateescape")
