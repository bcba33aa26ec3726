"""The routes of the console that change something."""

from __future__ import annotations

import re

from services.gateway.app import event_routes
from services.gateway.pages.operations.frame.clients import Clients
from services.gateway.pages.routes import build_pages, build_site
from services.gateway.routes.requests.request_bodies import BodyBounds
from tests.integration.gateway.conftest import World


def unsafe_paths(world: World) -> list[str]:
    """Their paths, with 1 for each id."""
    parts = world.components
    clients = Clients(parts.jobs, parts.operations, parts.forecaster)
    site = build_site(parts.settings, BodyBounds(1_000, 1.0))
    table = build_pages(parts.settings, site, clients, event_routes(parts)).table
    paths = [path for path, methods in table.items() if path.startswith("/ops") and set(methods) - {"GET"}]
    return [re.sub(r"\{\w+\}", "1", path) for path in paths]
