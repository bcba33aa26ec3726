"""The table of routes, and what stands in front of it."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.types import ASGIApp

from services.common.runtime.background import Background
from services.gateway.auth.api_key_guard import KeyGuard
from services.gateway.auth.middleware import Callers
from services.gateway.auth.warmup_secret import Guard, Handler
from services.gateway.http import middleware
from services.gateway.http.cors import Cors
from services.gateway.http.router import Routes
from services.gateway.openapi.document import document_json
from services.gateway.openapi.page import page_html, page_policy
from services.gateway.premium.cache import WarmAnswers
from services.gateway.premium.change_feed import LiveStatus
from services.gateway.premium.demand import Demand
from services.gateway.premium.rendered import Render
from services.gateway.premium.service import PremiumAnswers
from services.gateway.premium.stale_cache import AnswerMemory
from services.gateway.routes import events
from services.gateway.routes.comparisons import ComparisonRoutes
from services.gateway.routes.events import EventRoutes
from services.gateway.routes.jobs import JobRoutes
from services.gateway.routes.premium import PremiumRoutes
from services.gateway.routes.request_bodies import BodyBounds
from services.gateway.routes.service import Readiness, ServiceRoutes
from services.gateway.routes.trust import TrustRoutes
from services.gateway.routes.warmups import WarmupRoutes
from services.gateway.settings import GatewaySettings, split
from services.gateway.upstream.clients import Forecaster, Jobs, WarmupWatch
from services.gateway.upstream.idempotency import repeatable


@dataclass(frozen=True)
class Parts:
    """What the routes stand on."""

    settings: GatewaySettings
    jobs: Jobs
    demand: Demand
    readiness: Readiness
    answers: WarmAnswers
    live: LiveStatus
    background: Background


def assemble(settings: GatewaySettings, jobs: Jobs, forecaster: Forecaster, watch: WarmupWatch) -> Parts:
    """The parts in front of those two services."""
    asking = PremiumAnswers(jobs, forecaster, AnswerMemory(settings.memory_answers))
    answers = WarmAnswers(
        asking.ask,
        Render(debug=settings.debug_api_headers, private=settings.debug_api_headers or bool(settings.keys())),
        seconds=settings.warm_answer_seconds,
        limit=settings.warm_answers,
    )
    live = LiveStatus(watch, answers, most=settings.event_streams)
    return Parts(settings, jobs, Demand(jobs), Readiness(), answers, live, Background())


def create_app(parts: Parts) -> ASGIApp:
    """The whole gateway as one ASGI application."""
    table = routing_table(parts)
    middleware.count_requests_from_zero(table)
    app: ASGIApp = Routes(table)
    for wrap in reversed(chain(parts.settings)):
        app = wrap(app)
    return app


def routing_table(parts: Parts) -> dict[str, dict[str, Handler]]:
    """Path → method → handler."""
    settings, jobs, answers = parts.settings, parts.jobs, parts.answers
    guard = Guard(settings.accepted_secrets())
    keyed = KeyGuard(configured=bool(settings.keys()))
    premium = PremiumRoutes(answers, parts.demand)
    live = EventRoutes(answers, parts.live, parts.demand, settings.event_heartbeat_seconds)
    bounds = BodyBounds(settings.max_body_bytes, settings.body_timeout_seconds)
    comparisons = ComparisonRoutes(jobs, answers, bounds)
    warmups = WarmupRoutes(jobs, answers, bounds)
    queue = JobRoutes(jobs)
    public_metrics = not settings.metrics_port
    service = ServiceRoutes(
        parts.readiness,
        parts.background.stalled,
        document_json(metrics=public_metrics),
        page_html(metrics=public_metrics),
        page_policy(),
    )
    table: dict[str, dict[str, Handler]] = {
        "/api/comparison/premium": {"GET": keyed(premium.premium)},
        events.PATH: {"GET": keyed(live.events)},
        "/api/comparison/warmup": {"POST": guard(repeatable(warmups.trigger))},
        "/api/comparisons": {"GET": comparisons.index, "POST": guard(repeatable(comparisons.create))},
        "/api/comparisons/{slug}": {"GET": comparisons.show, "PUT": guard(comparisons.replace)},
        "/api/forecast/trust-stats": {"GET": TrustRoutes(jobs).stats},
        "/api/jobs": {"GET": guard(queue.index)},
        "/api/jobs/run-warmup": {"POST": guard(repeatable(warmups.run))},
        "/api/jobs/sweep": {"POST": guard(repeatable(warmups.sweep))},
        "/api/jobs/{id}": {"GET": guard(queue.show)},
        "/api/jobs/{id}/requeue": {"POST": guard(repeatable(queue.requeue))},
        "/api/jobs/{id}/cancel": {"POST": guard(repeatable(queue.cancel))},
        "/healthz": {"GET": service.alive},
        "/readyz": {"GET": service.ready},
        "/metrics": {"GET": service.metrics},
        "/openapi.json": {"GET": service.document},
        "/docs": {"GET": service.docs},
        "/": {"GET": service.home},
    }
    if not public_metrics:
        del table["/metrics"]
    return table


def chain(settings: GatewaySettings) -> list[middleware.Link]:
    """What every request passes, outermost first. What is not configured is not there."""
    return [
        middleware.RequestIdentity,
        middleware.Problems,
        middleware.Observation,
        *_cors(settings),
        *_callers(settings),
        lambda app: middleware.Limit(app, settings.max_in_flight),
        middleware.Problems,
    ]


def _cors(settings: GatewaySettings) -> list[middleware.Link]:
    origins = split(settings.cors_origins)
    return [lambda app: Cors(app, origins)] if origins else []


def _callers(settings: GatewaySettings) -> list[middleware.Link]:
    keys, anonymous = settings.keys(), settings.rate_of_anonymous()
    if not keys and anonymous is None:
        return []

    def link(app: ASGIApp) -> Callers:
        return Callers(
            app,
            keys=keys,
            anonymous=anonymous,
            most_addresses=settings.rate_limit_addresses,
            secrets=settings.accepted_secrets(),
        )

    return [link]
