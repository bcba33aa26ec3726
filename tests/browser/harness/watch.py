"""Collects what no page may cause: errors, requests to other sites, violations of the security policy."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from playwright.async_api import BrowserContext, ConsoleMessage, Request

_VIOLATIONS = """
document.addEventListener("securitypolicyviolation", (event) =>
  reportViolation(`${event.effectiveDirective} ${event.blockedURI} ${event.sample}`));
"""
_FAILED = re.compile(r"Failed to load resource: the server responded with a status of (\d+)")


@dataclass
class Watch:
    """What the browser reported, for all pages of one context."""

    origin: str
    faults: list[str] = field(default_factory=list)
    expected_statuses: set[int] = field(default_factory=set)  # of responses that a test provokes

    async def attach(self, context: BrowserContext) -> None:
        """Starts to collect."""
        await context.expose_binding("reportViolation", lambda _source, text: self._add("policy", text))
        await context.add_init_script(_VIOLATIONS)
        context.on("console", self._on_console)
        context.on("weberror", lambda error: self._add("error", str(error.error)))
        context.on("request", self._on_request)

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Ignores what is reported within the context."""
        before = list(self.faults)
        yield
        self.faults = before

    def check(self) -> None:
        """Fails the test if anything was collected."""
        assert not self.faults, "\n".join(self.faults)

    def _add(self, kind: str, text: str) -> None:
        self.faults.append(f"{kind}: {text}")

    def _on_console(self, message: ConsoleMessage) -> None:
        if message.type not in ("error", "warning"):
            return
        failed = _FAILED.match(message.text)
        if failed is None or int(failed[1]) not in self.expected_statuses:
            self._add(f"console {message.type}", message.text)

    def _on_request(self, request: Request) -> None:
        if not request.url.startswith((f"{self.origin}/", f"blob:{self.origin}/", "data:", "about:")):
            self._add("external request", request.url)
