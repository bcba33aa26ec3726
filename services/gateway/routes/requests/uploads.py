"""Uploaded files as bytes, with their declared name and charset. Jobs parses them."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from email.message import Message

from python_multipart.multipart import parse_options_header
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request
from warmcast.jobs.v1 import jobs_pb2

from services.common import errors
from services.common.comparison import invalid
from services.common.errors import WarmcastError

MAX_FILES = 2
_MAX_FIELDS = 20


def from_body(request: Request, content: bytes) -> jobs_pb2.TrendsFile:
    """The body as one file, named by its Content-Disposition."""
    return jobs_pb2.TrendsFile(
        name=_declared_name(request.headers.get("content-disposition", "")) or "the request's body",
        content=content,
        charset=charset(request.headers.get("content-type", "")),
    )


@dataclass(frozen=True)
class Form:
    """A multipart form."""

    fields: tuple[tuple[str, str], ...]
    files: tuple[jobs_pb2.TrendsFile, ...]


async def from_multipart(request: Request, content: bytes) -> tuple[jobs_pb2.TrendsFile, ...]:
    """One or two uploaded files, without other fields."""
    form = await read_form(request, content)
    if form.fields:
        shown = re.sub(r"[^\w.-]", "?", form.fields[0][0][:40])
        raise invalid(shown, f"the form's field {shown} is not a file; send parameters in the query string")
    check_files(form.files)
    return form.files


def check_files(files: Sequence[jobs_pb2.TrendsFile]) -> None:
    """Raises INVALID_ARGUMENT where there is no file."""
    if not files:
        raise invalid("file", f"the form has no file; send one or two CSV exports, at most {MAX_FILES}")


async def read_form(request: Request, content: bytes) -> Form:
    """Fields, and at most two files."""

    async def stream() -> AsyncGenerator[bytes, None]:
        yield content

    parser = MultiPartParser(request.headers, stream(), max_files=MAX_FILES, max_fields=_MAX_FIELDS)
    try:
        form = await parser.parse()
    except (MultiPartException, UnicodeError) as error:
        detail = error.message if isinstance(error, MultiPartException) else "one of its names is not valid text"
        raise WarmcastError(errors.UNREADABLE_INPUT, f"invalid multipart form: {detail}") from None
    try:
        fields, files = [], []
        for name, part in form.multi_items():
            if not isinstance(part, UploadFile):
                fields.append((name, part))
            elif part.filename or part.size:  # browsers send an empty part where no file was chosen
                files.append(await _file(part))
    finally:
        await form.close()
    return Form(tuple(fields), tuple(files))


def charset(content_type: str) -> str:
    """The charset of a content type, in lower case; empty where there is none. Jobs refuses unknown charsets."""
    _, options = parse_options_header(content_type)
    return options.get(b"charset", b"").decode("latin-1").strip().lower()[:60]


async def _file(part: UploadFile) -> jobs_pb2.TrendsFile:
    return jobs_pb2.TrendsFile(
        name=_file_name(part.filename) or "file",
        content=await part.read(),
        charset=charset(part.headers.get("content-type", "")),
    )


def _declared_name(disposition: str) -> str:
    if not disposition:
        return ""
    header = Message()
    header["Content-Disposition"] = disposition
    return _file_name(header.get_filename())


def _file_name(name: str | None) -> str:
    last = (name or "").replace("\\", "/").rpartition("/")[2]
    return "".join(character for character in last if character.isprintable())[:200]
