"""Renders templates. Every value is escaped, and an undefined one is an error."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from services.gateway.pages import text
from services.gateway.pages.assets import Assets

_TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True)
class Reader:
    """The logged-in reader of a page, as the page's header shows it."""

    name: str
    role: str  # in words
    form_token: str
    may_write: bool
    operates: bool  # and may open the console


@dataclass(frozen=True)
class Content:
    """A page without its frame: the same for every reader."""

    title: str
    main: Markup
    description: str = ""  # for search engines and link previews
    path: str = ""  # of this page with its query, as links to it are shared
    script: str = ""  # its ES module
    style: str = ""  # its style sheet, beside that of the site
    query: str = ""  # the text in the search field
    refresh_seconds: int = 0  # without scripts, the browser loads the page again after so many seconds


class Templates:
    """The templates of one folder, compiled at their first use."""

    def __init__(self, assets: Assets, folder: Path = _TEMPLATES, *, pages_enabled: bool = True) -> None:
        self.assets = assets
        self._environment = Environment(
            loader=FileSystemLoader(folder),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        self._environment.globals |= {"asset": assets.url, "pages_enabled": pages_enabled}
        self._environment.filters |= text.FILTERS

    def render(self, template: str, **values: object) -> Markup:
        """The HTML of a template."""
        return Markup(self._environment.get_template(template).render(values))  # noqa: S704 - the template escapes

    def page(self, content: Content, *, reader: Reader | None, login: bool) -> bytes:
        """A whole page, in UTF-8. `login`: whether it offers to log in."""
        return self.render("frame.html", content=content, reader=reader, login=login).encode()
