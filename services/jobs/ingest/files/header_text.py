"""A header whose file as a whole is in no certain charset: what is stored is in its terms alone."""

from __future__ import annotations

from dataclasses import replace

from services.jobs.ingest.files.charsets import detect
from services.jobs.ingest.files.decoding import read_as, undecided
from services.jobs.ingest.files.sheet import Row, Sheet
from services.jobs.ingest.places import may_be_report


def decode_header(sheet: Sheet, source: str) -> tuple[Sheet, dict[str, int]]:
    """The sheet with its header decoded by itself, and what was cleaned; the rest of it is left as it is.

    Raises WarmcastError where the header, or a line above it that names a place, is in no certain charset either.
    """
    cells = [_bytes(cell) for cell in sheet.header.cells]
    header = b"\n".join(cells)
    codec = "ascii" if header.isascii() else detect(header)
    if codec is None:
        raise undecided(source)
    decoded = replace(sheet, header=Row(sheet.header.line, [cell.decode(codec) for cell in cells]))
    if any(may_be_report(line) and not line.isascii() for line in sheet.above):
        raise undecided(source)
    return decoded, read_as(codec)


def _bytes(text: str) -> bytes:
    return text.encode("ascii", "surrogateescape")
