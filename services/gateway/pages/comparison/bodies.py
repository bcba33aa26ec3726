"""Rendered comparisons: kept while nothing that they show has changed."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from functools import cached_property

from cachetools import LRUCache
from markupsafe import Markup

from services.common.comparison import ComparisonKey
from services.gateway.http.representation import Representation
from services.gateway.pages.comparison import drawn
from services.gateway.pages.comparison.facts import Facts
from services.gateway.pages.comparison.view import View, build_view
from services.gateway.pages.rendering import Content, Templates

_REFRESH_SECONDS = 10  # of a page that awaits a forecast, without scripts
_MAX_BYTES = 32 * 1024 * 1024


class Body:
    """One comparison's page for all readers of the same rights. Its forms are rendered at their first use."""

    def __init__(self, facts: Facts, templates: Templates, *, may_write: bool, data_ended: bool) -> None:
        self.facts = facts
        self._data_ended = data_ended
        self._templates = templates
        self._may_write = may_write
        self.anonymous: Representation | None = None  # the whole page for readers without a login

    @cached_property
    def view(self) -> View:
        """The values that the page shows."""
        return build_view(self.facts, data_ended=self._data_ended)

    @cached_property
    def live(self) -> Markup:
        """The part that changes with the forecast."""
        return self._templates.render("comparison/live.html", view=self.view, may_write=self._may_write)

    @cached_property
    def content(self) -> Content:
        """The page without its frame."""
        main = self._templates.render("comparison/page.html", view=self.view, live=self.live)
        return Content(
            self.view.title,
            main,
            description=_description(self.view),
            path=self.view.links.page,
            script="page.js",
            style="comparison.css",
            refresh_seconds=0 if self.view.progress.settled else _REFRESH_SECONDS,
        )

    def __len__(self) -> int:
        """Its size in bytes, about, counted for a page, a fragment and their compressed forms."""
        return 3 * len(self.live) + 64 * 1024


class Bodies:
    """The pages that were shown last, by comparison and rights."""

    def __init__(
        self, templates: Templates, max_bytes: int = _MAX_BYTES, clock: Callable[[], float] = time.time
    ) -> None:
        self._templates = templates
        self._clock = clock
        self._kept: LRUCache[tuple[ComparisonKey, bool, bool], Body] = LRUCache(max_bytes, getsizeof=len)

    def get(self, facts: Facts, *, may_write: bool) -> Body:
        """The page of these facts: the one that is kept, unless they have changed."""
        data_ended = drawn.data_ended(facts, self._clock())
        kept = self._kept.get((facts.key, may_write, data_ended))
        if kept is not None and _same(kept.facts, facts):
            kept.facts = facts  # the next comparison finds the same objects
            return kept
        body = Body(facts, self._templates, may_write=may_write, data_ended=data_ended)
        _ = body.live  # its size decides how many are kept
        self._kept[facts.key, may_write, data_ended] = body
        return body


def _same(one: Facts, other: Facts) -> bool:
    if one.answer is other.answer and one.series is other.series and one.trust is other.trust:
        return True
    # When an answer was fetched, and which call enqueued, is not shown.
    answers = [replace(facts.answer, fetched_at=0.0, triggered=False) for facts in (one, other)]
    return one.series is other.series and one.trust == other.trust and answers[0] == answers[1]


def _description(view: View) -> str:
    """One sentence, for link previews."""
    if view.scaled_apart:
        return f"Search interest in {view.names[0].name} and {view.names[1].name}, with forecasts."
    now = (
        f"{view.now.leader.name} {'was ahead at the end of the data' if view.data_ended else 'is ahead now'}, "
        f"{view.now.ahead} to {view.now.behind}."
        if view.now.leader
        else f"Both {'were level at the end of the data' if view.data_ended else 'are level now'}, at {view.now.ahead}."
    )
    future = view.forecast.future if view.forecast else None
    if future is None:
        return now
    span = f"the {'following' if view.data_ended else 'next'} {future.horizon}"
    leader = "each term" if future.leader is None else future.leader.name
    return f"{now} Over {span} {leader} leads in {future.share} of 100 simulated futures."
