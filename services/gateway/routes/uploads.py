"""Files as requests bring them: bytes, with a name and a charset where they are declared. Jobs reads them."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator
from email.message import Message

from python_multipart.multipart import parse_options_header
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request
from warmcast.jobs.v1 import jobs_pb2

from services.common import errors
from services.common.comparison import invalid
from services.common.errors import WarmcastError

MOST_FILES = 2
_MOST_FIELDS = 20


def from_body(request: Request, content: bytes) -> jobs_pb2.TrendsFile:
    """The body as one file; its name is that of a Content-Disposition."""
    return jobs_pb2.TrendsFile(
        name=_declared_name(request.headers.get("content-disposition", "")) or "the request's body",
        content=content,
        charset=charset(request.headers.get("content-type", "")),
    )


async def from_multipart(request: Request, content: bytes) -> list[jobs_pb2.TrendsFile]:
    """One or two uploaded files."""

    async def stream() -> AsyncGenerator[bytes, None]:
        yield content

    parser = MultiPartParser(request.headers, stream(), max_files=MOST_FILES, max_fields=_MOST_FIELDS)
    try:
        form = await parser.parse()
    except (MultiPartException, UnicodeError) as error:
        detail = error.message if isinstance(error, MultiPartException) else "a name in it is not readable"
        raise WarmcastError(errors.UNREADABLE_INPUT, f"the form could not be read: {detail}") from None
    try:
        files = []
        for name, part in form.multi_items():
            if not isinstance(part, UploadFile):
                shown = re.sub(r"[^\w.-]", "?", name[:40])
                raise invalid(shown, f"the form's field {shown} is not a file; parameters go into the query string")
            files.append(
                jobs_pb2.TrendsFile(
                    name=_file_name(part.filename) or "file",
                    content=await part.read(),
                    charset=charset(part.headers.get("content-type", "")),
                )
            )
        if not files:
            raise invalid("file", f"the form holds no file; one or two CSV exports are expected, at most {MOST_FILES}")
        return files
    finally:
        await form.close()


def charset(content_type: str) -> str:
    """The charset that a content type declares, in lower case; empty if none. Jobs says whether there is such a one."""
    _, options = parse_options_header(content_type)
    return options.get(b"charset", b"").decode("latin-1").strip().lower()[:60]


def _declared_name(disposition: str) -> str:
    if not disposition:
        return ""
    header = Message()
    header["Content-Disposition"] = disposition
    return _file_name(header.get_filename())


def _file_name(name: str | None) -> str:
    last = (name or "").replace("\\", "/").rpartition("/")[2]
    return "".join(character for character in last if character.isprintable())[:200]
