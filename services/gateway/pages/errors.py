"""A page's error is a page: middleware that writes problem+json as HTML for pages."""

from __future__ import annotations

from collections.abc import Awaitable
from http import HTTPStatus

import msgspec
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.gateway.http.problems import MEDIA_TYPE, Problem
from services.gateway.pages.policy import HEADERS, transport_security
from services.gateway.pages.rendering import Content, Templates

_DOCUMENTS = ("/openapi.json", "/healthz", "/readyz", "/metrics")
_IMPORT_FORMS = ("/import", "/import/confirm", "/import/sample")
_RETRY = "/retry"
_PROBLEM = MEDIA_TYPE.encode()
_decoder = msgspec.json.Decoder(Problem)


class ErrorPages:
    """Replaces the body of an error by a page, with the same status, headers and request id.

    Outside of /api, for paths of pages, and for unknown paths where the client accepts HTML.
    """

    def __init__(self, app: ASGIApp, templates: Templates, page_paths: tuple[str, ...]) -> None:
        self.app = app
        self._templates = templates
        self._page_paths = frozenset(page_paths)

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """See ASGI."""
        return self._serve(scope, receive, send) if self._wants_page(scope) else self.app(scope, receive, send)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        head: Message | None = None
        body = b""

        async def send_page(message: Message) -> None:
            nonlocal head, body
            if message["type"] == "http.response.start" and _is_problem(message):
                head = message
            elif head is None:
                await send(message)
            else:
                body += message.get("body", b"")
                if not message.get("more_body", False):
                    page = self._page(scope, head, body)
                    await send({**head, "headers": _page_headers(head, scope, page)})
                    await send({"type": "http.response.body", "body": page})

        await self.app(scope, receive, send_page)

    def _wants_page(self, scope: Scope) -> bool:
        path: str = scope["path"]
        if path.startswith("/api/") or path in _DOCUMENTS:
            return False
        first = path.removeprefix("/").partition("/")[0]
        if path in self._page_paths or (first and f"/{first}" in self._page_paths):
            return True
        return any(name == b"accept" and b"text/html" in value for name, value in scope["headers"])

    def _page(self, scope: Scope, head: Message, body: bytes) -> bytes:
        problem = _decoder.decode(body)
        main = self._templates.render(
            "error.html",
            status=problem.status,
            title=problem.title,
            detail=problem.detail,
            fields=[] if problem.errors is msgspec.UNSET else problem.errors,
            request_id=problem.request_id,
            path=_page_of(scope),
            retry_after=_retry_after(head),
            of_console=scope["path"].startswith("/ops/"),
        )
        title = f"{problem.status} {HTTPStatus(problem.status).phrase}"
        return self._templates.page(Content(title, main), reader=None, login=False)


def _page_of(scope: Scope) -> str:
    """The page that a client requested, or the one whose form it sent."""
    path: str = scope["path"]
    query = scope["query_string"].decode("latin-1")
    if scope["method"] not in ("GET", "HEAD"):
        if path in _IMPORT_FORMS:
            return "/import"
        if not (path.startswith("/compare/") and path.endswith(_RETRY)):
            return "/"
        path = path.removesuffix(_RETRY)
    return path + (f"?{query}" if query else "")


def _retry_after(head: Message) -> int:
    """Seconds; 0 where the response has no Retry-After."""
    return next((int(value) for name, value in head["headers"] if name == b"retry-after"), 0)


def _is_problem(message: Message) -> bool:
    return any(name == b"content-type" and value.startswith(_PROBLEM) for name, value in message["headers"])


def _page_headers(head: Message, scope: Scope, page: bytes) -> list[tuple[bytes, bytes]]:
    kept = [(name, value) for name, value in head["headers"] if name not in (b"content-type", b"content-length")]
    own = [(name.encode(), value.encode()) for name, value in HEADERS.items()]
    length = (b"content-length", str(len(page)).encode())
    return [*kept, *own, *transport_security(scope), (b"content-type", b"text/html; charset=utf-8"), length]
