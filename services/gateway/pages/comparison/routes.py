"""The routes of one comparison's page."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import quote

from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from warmcast.jobs.v1 import jobs_pb2

from services.common import errors
from services.common.comparison import ComparisonKey
from services.common.errors import WarmcastError
from services.common.telemetry import trace_context
from services.gateway.http.representation import Representation
from services.gateway.pages.comparison.bodies import Bodies
from services.gateway.pages.comparison.download import as_csv
from services.gateway.pages.comparison.facts import Facts, FactsSource
from services.gateway.pages.links import Links
from services.gateway.pages.policy import HEADERS, transport_security
from services.gateway.pages.rendering import Content
from services.gateway.pages.site import Site, see_other
from services.gateway.pages.words import TIMEFRAMES, geo_name
from services.gateway.routes.events import EventRoutes
from services.gateway.routes.requests.parameters import comparison_key
from services.gateway.upstream.clients import Jobs

_MAX_OTHERS = 50
_MAX_MEMOISED = 500  # characters of slug and query; longer ones are parsed each time
_CRAWLER = re.compile(r"bot|crawl|spider|preview", re.IGNORECASE)


@dataclass(frozen=True)
class ComparisonPages:
    """The page, its live part, its events, its data, and the button that tries a failed forecast again."""

    site: Site
    facts: FactsSource
    bodies: Bodies
    streams: EventRoutes
    jobs: Jobs
    secret: str  # that jobs accepts; empty where none is configured

    async def page(self, request: Request) -> Response:
        """The whole page. Opening it enqueues a missing forecast, unless a crawler or a prefetch does."""
        self.site.check_reader(request)
        key = _key(request)
        if request.path_params["slug"] != key.slug:
            return _canonical(request, key)
        enqueues = _may_enqueue(request)
        try:
            facts = await self._facts(key, enqueues=enqueues)
        except WarmcastError as error:
            if error.reason is not errors.NOT_FOUND:
                raise
            return await self._missing(request, key)
        session = self.site.sessions.read(request)
        body = self.bodies.get(facts, may_write=session is not None and session.may_write)
        if session is not None:
            return self.site.respond(request, body.content)
        if body.anonymous is None:
            body.anonymous = self.site.anonymous(body.content)
        return body.anonymous.respond(request.scope["headers"], transport_security(request.scope))

    async def fragment(self, request: Request) -> Response:
        """The live part alone."""
        self.site.check_reader(request)
        facts = await self._facts(_key(request), enqueues=False)
        session = self.site.sessions.read(request)
        body = self.bodies.get(facts, may_write=session is not None and session.may_write)
        headers = {**HEADERS, "cache-control": "no-store"}
        return Representation(body.live.encode(), headers, "text/html").respond(request.scope["headers"])

    async def events(self, request: Request) -> Response:
        """The event stream of the premium answer, for readers with a login too.

        A script cannot send `Last-Event-ID` with a new stream, so `after` stands for it. A stream enqueues what is
        missing, so crawlers and prefetches get none.
        """
        self.site.check_reader(request)
        if request.method == "GET" and not _may_enqueue(request):
            return Response(status_code=204, headers=HEADERS)
        after = request.headers.get("last-event-id") or request.query_params.get("after", "")
        return await self.streams.stream(request, _key(request), after)

    async def data(self, request: Request) -> Response:
        """The series and the forecast as CSV."""
        self.site.check_reader(request)
        key = _key(request)
        facts = await self._facts(key, enqueues=False)
        name = f"{key.slug}-{key.timeframe}{f'-{key.geo}' if key.geo else ''}.csv"
        headers = {
            **self.site.caching(request),
            "content-disposition": f"attachment; filename=\"comparison.csv\"; filename*=UTF-8''{quote(name)}",
        }
        return Representation(as_csv(facts), headers, "text/csv").respond(request.scope["headers"])

    async def json(self, request: Request) -> Response:
        """The premium answer, for readers with a login too, which /api does not accept. It enqueues nothing."""
        self.site.check_reader(request)
        key, answers = _key(request), self.streams.answers
        rendered = answers.get(key) or await answers.fetch(key, may_enqueue=False)
        body = bytes(rendered.respond([]).body)
        return Representation(body, self.site.caching(request), "application/json").respond(request.scope["headers"])

    async def retry(self, request: Request) -> Response:
        """Starts a failed forecast again, for logins that may write."""
        await self.site.write_form(request)
        key = _key(request)
        operator = self.site.require_writer(request).name
        await self.jobs.trigger(key, force=False, secret=self.secret, operator=operator)
        self.streams.answers.invalidate(key)
        return see_other(Links.of(key).page)

    async def _facts(self, key: ComparisonKey, *, enqueues: bool) -> Facts:
        facts = await self.facts.get(key, may_enqueue=enqueues)
        if enqueues:
            self.streams.demand.count(key)
        return facts

    async def _missing(self, request: Request, key: ComparisonKey) -> Response:
        """404 that names what is known of the same terms."""
        found = await self.jobs.search_comparisons(limit=_MAX_OTHERS, slug=key.slug)
        main = self.site.templates.render(
            "comparison/missing.html",
            others=[_other(summary.comparison) for summary in found.comparisons],
            request_id=trace_context.request_id.get(),
        )
        return self.site.respond(request, Content("Unknown comparison", main), 404, {"cache-control": "no-store"})


def _key(request: Request) -> ComparisonKey:
    slug, query = request.path_params["slug"], request.scope["query_string"]
    memoised = len(slug) + len(query) <= _MAX_MEMOISED
    return _memoised_key(slug, query) if memoised else _parse_key(slug, query)


def _parse_key(slug: str, query: bytes) -> ComparisonKey:
    return comparison_key(QueryParams(query), slug)


# As in the premium route: a page that is kept is served many times.
_memoised_key = lru_cache(maxsize=4_096)(_parse_key)


def _other(row: jobs_pb2.Comparison) -> tuple[str, str]:
    """Address and name of a comparison of the same terms."""
    path = Links.of(ComparisonKey(row.slug, row.timeframe, row.geo)).page
    return path, f"{TIMEFRAMES[row.timeframe]} · {geo_name(row.geo)}"


def _canonical(request: Request, key: ComparisonKey) -> Response:
    query = request.scope["query_string"].decode("latin-1")
    target = f"/compare/{quote(key.slug)}" + (f"?{query}" if query else "")
    return RedirectResponse(target, 308, {**HEADERS, "cache-control": "max-age=86400"})


def _may_enqueue(request: Request) -> bool:
    headers = request.headers
    purpose = f"{headers.get('sec-purpose', '')} {headers.get('purpose', '')}".lower()
    return (
        request.method == "GET"
        and "prefetch" not in purpose
        and not _CRAWLER.search(headers.get("user-agent", "")[:500])
    )
