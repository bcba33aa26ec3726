"""The table of pages."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp

from services.gateway.auth.sessions import Sessions
from services.gateway.http.handler import Handler
from services.gateway.pages.assets import Assets
from services.gateway.pages.comparison.bodies import Bodies
from services.gateway.pages.comparison.facts import FactsSource
from services.gateway.pages.comparison.routes import ComparisonPages
from services.gateway.pages.errors import ErrorPages
from services.gateway.pages.importing.routes import ImportPages
from services.gateway.pages.listing.routes import ListingPages
from services.gateway.pages.login import LoginRoutes
from services.gateway.pages.operations.frame.clients import Clients
from services.gateway.pages.operations.job.links import LogLinks
from services.gateway.pages.operations.routes import build_console
from services.gateway.pages.rendering import Templates
from services.gateway.pages.site import Site
from services.gateway.routes.events import EventRoutes
from services.gateway.routes.requests.request_bodies import BodyBounds
from services.gateway.settings import GatewaySettings

# Paths whose errors are pages for every client, with everything below them.
PAGE_PATHS = ("/", "/compare", "/import", "/login", "/logout", "/ops")
_ROBOTS = b"User-agent: *\nDisallow: /compare\nDisallow: /import\nDisallow: /login\nDisallow: /ops\n"


@dataclass(frozen=True)
class Pages:
    """All pages: their routes, and the middleware that makes pages of their errors."""

    table: dict[str, dict[str, Handler]]  # path → method → handler
    wrap_errors: Callable[[ASGIApp], ASGIApp]


def build_site(settings: GatewaySettings, bounds: BodyBounds) -> Site:
    """Reads templates and assets."""
    keys = settings.keys()
    templates = Templates(Assets(), pages_enabled=settings.pages_enabled)
    sessions = Sessions(settings.accepted_secrets(), keys, settings.read_secrets())
    return Site(templates, sessions, bounds, settings.public_origin, keys_configured=bool(keys))


def build_pages(settings: GatewaySettings, site: Site, clients: Clients, streams: EventRoutes) -> Pages:
    """The pages that PAGES_ENABLED=false disables."""
    jobs = clients.jobs
    secrets, keys = settings.accepted_secrets(), settings.keys()
    secret = secrets[0] if secrets else ""
    login = LoginRoutes(site, secrets, keys, settings.read_secrets())
    comparison = ComparisonPages(
        site,
        FactsSource(jobs, streams.answers),
        Bodies(site.templates),
        streams,
        jobs,
        secret=secret,
    )
    importing = ImportPages(site, jobs, streams.answers, secret)
    table: dict[str, dict[str, Handler]] = {
        "/": {"GET": ListingPages(site, jobs).index},
        "/compare/{slug}": {"GET": comparison.page},
        "/compare/{slug}/fragment": {"GET": comparison.fragment},
        "/compare/{slug}/events": {"GET": comparison.events},
        "/compare/{slug}/data.csv": {"GET": comparison.data},
        "/compare/{slug}/data.json": {"GET": comparison.json},
        "/compare/{slug}/retry": {"POST": comparison.retry},
        "/import": {"GET": importing.form, "POST": importing.preview},
        "/import/confirm": {"POST": importing.confirm},
        "/import/sample": {"POST": importing.open_sample},
        "/import/sample.csv": {"GET": importing.sample},
        "/login": {"GET": login.form, "POST": login.log_in},
        "/logout": {"POST": login.log_out},
        "/robots.txt": {"GET": _robots},
    }
    heartbeat = settings.event_heartbeat_seconds
    links = LogLinks(settings.log_url(), settings.trace_url())
    table |= build_console(site, clients, streams.changes, links, heartbeat_seconds=heartbeat, secret=secret)
    return Pages(table, lambda app: ErrorPages(app, site.templates, PAGE_PATHS))


async def _robots(_request: Request) -> Response:
    """Crawlers must not open comparisons, because that computes forecasts."""
    return Response(_ROBOTS, headers={"cache-control": "max-age=86400"}, media_type="text/plain")
