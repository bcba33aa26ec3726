"""The ASGI application: the table of routes, and the middleware in front of it."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.types import ASGIApp

from services.common.runtime.background import Background
from services.gateway.auth.api_key_guard import ApiKeyGuard
from services.gateway.auth.middleware import CallerRateLimit
from services.gateway.auth.sessions import Sessions
from services.gateway.auth.warmup_secret import SecretGuard
from services.gateway.http import middleware
from services.gateway.http.cors import Cors
from services.gateway.http.handler import Handler, SecretHandler
from services.gateway.http.readiness import Readiness
from services.gateway.http.router import Routes
from services.gateway.openapi.document import document_json
from services.gateway.pages import assets
from services.gateway.pages.documentation.routes import DocumentationPage
from services.gateway.pages.operations.frame.clients import Clients
from services.gateway.pages.routes import Pages, build_pages, build_site
from services.gateway.pages.site import Site
from services.gateway.premium.cache import AnswerCache
from services.gateway.premium.change_feed import ChangeFeed
from services.gateway.premium.demand import Demand
from services.gateway.routes import events
from services.gateway.routes.comparisons import ComparisonRoutes
from services.gateway.routes.events import EventRoutes
from services.gateway.routes.jobs import JobRoutes
from services.gateway.routes.operators.bulk import BulkRoutes
from services.gateway.routes.operators.reading import ReadingRoutes
from services.gateway.routes.premium import PremiumRoutes
from services.gateway.routes.requests.request_bodies import BodyBounds
from services.gateway.routes.service import ServiceRoutes
from services.gateway.routes.trust import TrustRoutes
from services.gateway.routes.warmups import WarmupRoutes
from services.gateway.settings import GatewaySettings, split
from services.gateway.upstream.claimed_operator import with_operator
from services.gateway.upstream.clients import Forecaster, Jobs
from services.gateway.upstream.idempotency import idempotent
from services.gateway.upstream.operations import Operations


@dataclass(frozen=True)
class Components:
    """What the routes need; `bootstrap` builds it."""

    settings: GatewaySettings
    jobs: Jobs
    forecaster: Forecaster
    operations: Operations
    demand: Demand
    readiness: Readiness
    answers: AnswerCache
    changes: ChangeFeed
    background: Background


def create_app(components: Components) -> ASGIApp:
    """The whole gateway as one ASGI application."""
    settings = components.settings
    site = build_site(settings, _body_bounds(settings))
    pages = _pages(components, site) if settings.pages_enabled else None
    table = routing_table(components, site) | (pages.table if pages else {})
    table[f"{assets.PATH}{{name}}"] = {"GET": site.templates.assets.serve}
    middleware.count_requests_from_zero(table)
    app: ASGIApp = Routes(table)
    for wrap in reversed(middleware_stack(settings, site.sessions, pages)):
        app = wrap(app)
    return app


def _pages(components: Components, site: Site) -> Pages:
    clients = Clients(components.jobs, components.operations, components.forecaster)
    return build_pages(components.settings, site, clients, event_routes(components))


def routing_table(components: Components, site: Site) -> dict[str, dict[str, Handler]]:
    """Path → method → handler."""
    settings, jobs, answers = components.settings, components.jobs, components.answers
    guard = SecretGuard(settings.accepted_secrets(), settings.read_secrets())
    key_guard = ApiKeyGuard(configured=bool(settings.keys()))
    premium = PremiumRoutes(answers, components.demand)
    streams, bounds = event_routes(components), _body_bounds(settings)
    comparisons = ComparisonRoutes(jobs, answers, bounds)
    warmups = WarmupRoutes(jobs, answers, bounds)
    queue = JobRoutes(jobs, components.operations, bounds)
    bulk, reading = BulkRoutes(components.operations, bounds), ReadingRoutes(components.operations)
    public_metrics = not settings.metrics_port
    service = ServiceRoutes(
        components.readiness,
        components.background.stalled,
        document_json(metrics=public_metrics),
    )

    def command(handler: SecretHandler) -> Handler:
        return guard(with_operator(idempotent(handler)))

    table: dict[str, dict[str, Handler]] = {
        "/api/comparison/premium": {"GET": key_guard(premium.premium)},
        events.PATH: {"GET": key_guard(streams.events)},
        "/api/comparison/warmup": {"POST": command(warmups.trigger)},
        "/api/comparisons": {"GET": comparisons.index, "POST": command(comparisons.create)},
        "/api/comparisons/{slug}": {"GET": comparisons.show, "PUT": guard(with_operator(comparisons.replace))},
        "/api/forecast/trust-stats": {"GET": TrustRoutes(jobs).stats},
        "/api/jobs": {"GET": guard.read(queue.index)},
        "/api/jobs/run-warmup": {"POST": command(warmups.run)},
        "/api/jobs/sweep": {"POST": command(warmups.sweep)},
        "/api/jobs/cancel": {"POST": command(bulk.cancel)},
        "/api/jobs/requeue": {"POST": command(bulk.requeue)},
        "/api/jobs/stats": {"GET": guard.read(reading.statistics)},
        "/api/jobs/holders": {"GET": guard.read(reading.holders)},
        "/api/jobs/{id}": {"GET": guard.read(queue.show)},
        "/api/jobs/{id}/attempts": {"GET": guard.read(queue.attempts)},
        "/api/jobs/{id}/run": {"POST": command(queue.run)},
        "/api/jobs/{id}/requeue": {"POST": command(queue.requeue)},
        "/api/jobs/{id}/cancel": {"POST": command(queue.cancel)},
        "/api/operations/{id}": {"GET": guard.read(bulk.show)},
        "/api/operations/{id}/confirm": {"POST": command(bulk.confirm)},
        "/api/operations/{id}/abort": {"POST": command(bulk.abort)},
        "/api/coverage": {"GET": guard.read(reading.coverage)},
        "/api/coverage/summary": {"GET": guard.read(reading.coverage_summary)},
        "/api/coverage/warm": {"POST": command(bulk.warm)},
        "/api/track-record": {"GET": guard.read(reading.track_record)},
        "/api/schedules": {"GET": guard.read(reading.schedules)},
        "/api/audit": {"GET": guard.read(reading.audit)},
        "/healthz": {"GET": service.alive},
        "/readyz": {"GET": service.ready},
        "/metrics": {"GET": service.metrics},
        "/openapi.json": {"GET": service.document},
        "/docs": {"GET": DocumentationPage(site, metrics=public_metrics).page},
        "/": {"GET": service.home},
    }
    if not public_metrics:
        del table["/metrics"]
    return table


def event_routes(components: Components) -> EventRoutes:
    """The event streams, for the API and the pages."""
    return EventRoutes(
        components.answers,
        components.changes,
        components.demand,
        components.settings.event_heartbeat_seconds,
    )


def middleware_stack(
    settings: GatewaySettings, sessions: Sessions, pages: Pages | None = None
) -> list[middleware.Middleware]:
    """What every request passes, outermost first. CORS and rate limits are there only where they are configured."""
    return [
        middleware.RequestContext,
        *([pages.wrap_errors] if pages else []),
        middleware.ErrorResponses,
        middleware.RequestTelemetry,
        *_cors(settings),
        *_rate_limit(settings, sessions),
        lambda app: middleware.ConcurrencyLimit(app, settings.max_in_flight, exempt=_unlimited),
        middleware.ErrorResponses,
    ]


def _unlimited(path: str) -> bool:
    """Probes, and event streams, which have a limit of their own."""
    return path in middleware.PROBES or path.endswith("/events")


def _body_bounds(settings: GatewaySettings) -> BodyBounds:
    return BodyBounds(settings.max_body_bytes, settings.body_timeout_seconds)


def _cors(settings: GatewaySettings) -> list[middleware.Middleware]:
    origins = split(settings.cors_origins)
    return [lambda app: Cors(app, origins)] if origins else []


def _rate_limit(settings: GatewaySettings, sessions: Sessions) -> list[middleware.Middleware]:
    keys, anonymous = settings.keys(), settings.anonymous_rate_limit()
    if not keys and anonymous is None:
        return []

    def wrap(app: ASGIApp) -> CallerRateLimit:
        return CallerRateLimit(
            app,
            keys=keys,
            anonymous=anonymous,
            max_addresses=settings.rate_limit_addresses,
            secrets=(*settings.accepted_secrets(), *settings.read_secrets()),
            sessions=sessions,
        )

    return [wrap]
