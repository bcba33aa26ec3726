"""Writes the console's runbook from docs/how-to/handle-alerts.md: `python -m devtools.runbook`."""

from __future__ import annotations

from collections.abc import Sequence

from markdown_it import MarkdownIt
from markdown_it.token import Token

from devstack.settings import CHECKOUT

SOURCE = CHECKOUT / "docs" / "how-to" / "handle-alerts.md"
PAGE = CHECKOUT / "services" / "gateway" / "pages" / "templates" / "operations" / "runbook.html"
_HEAD = "{# Written by `make docs` from docs/how-to/handle-alerts.md. #}\n{% raw %}\n"
_FOOT = "{% endraw %}\n"


def page() -> str:
    """The sections of the alerts as HTML. Each heading has its anchor; the page's title stands above them."""
    text = SOURCE.read_text(encoding="utf-8")
    markdown = MarkdownIt("commonmark", {"html": False})
    tokens = markdown.parse(text[text.index("### ") :])
    _adapt(tokens)
    html: str = markdown.renderer.render(tokens, markdown.options, {})
    return _HEAD + html + _FOOT


def _adapt(tokens: Sequence[Token]) -> None:
    """Headings of the second level with anchors; links within the page or to other sites only."""
    for token, content in zip(tokens, [*tokens[1:], None], strict=True):
        if token.type in ("heading_open", "heading_close"):
            token.tag = "h2"
        if token.type == "heading_open" and content is not None:
            token.attrSet("id", content.content.lower())
        _name_other_pages(token.children or [])


def _name_other_pages(children: Sequence[Token]) -> None:
    """Links to other files become their text, because the console does not serve the documentation."""
    open_is_link = True
    for child in children:
        if child.type == "link_open":
            target = str(child.attrGet("href"))
            open_is_link = target.startswith(("#", "https://"))
            if target.startswith("https://"):
                child.attrSet("rel", "noreferrer")
        if child.type in ("link_open", "link_close") and not open_is_link:
            child.tag = "em"
            child.attrs = {}


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
