"""URL templates of settings, such as `https://logs.example/?q={debugId}&from={from}`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

PLACEHOLDERS = ("jobId", "slug", "debugId", "traceId", "from", "to")
_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
_VISIBLE = re.compile(r"[\x21-\x7e]+")


@dataclass(frozen=True)
class UrlTemplate:
    """A template that is known to be valid."""

    text: str

    @classmethod
    def parse(cls, text: str) -> UrlTemplate:
        """Raises ValueError, which says what is wrong."""
        if not _VISIBLE.fullmatch(text):
            raise ValueError("must be visible ASCII characters without spaces; percent-encode others")
        for name in _PLACEHOLDER.findall(text):
            if name not in PLACEHOLDERS:
                known = ", ".join(f"{{{each}}}" for each in PLACEHOLDERS)
                raise ValueError(f"{{{name}}} is not a placeholder; use {known}")
        if re.search(r"[{}]", _PLACEHOLDER.sub("", text)):
            raise ValueError("has a brace without its pair; write %7B and %7D for braces of the URL")
        try:
            url = urlsplit(text)
        except ValueError:
            raise ValueError("is not a URL") from None
        if url.scheme not in ("http", "https") or not url.hostname:
            raise ValueError("must begin with http:// or https:// and a host")
        if "{" in url.netloc:
            raise ValueError("must have no placeholder in its host")
        return cls(text)

    def fill(self, values: Mapping[str, str]) -> str | None:
        """The URL with percent-encoded values; None if a value that it needs is missing or empty."""
        if not all(values.get(name) for name in _PLACEHOLDER.findall(self.text)):
            return None
        return _PLACEHOLDER.sub(lambda found: quote(values[found[1]], safe=""), self.text)
