"""The table of the console's routes. The guard of each is here."""

from __future__ import annotations

from services.gateway.http.handler import Handler
from services.gateway.pages.operations.frame.clients import Clients
from services.gateway.pages.operations.frame.console import EVENTS, Console
from services.gateway.pages.operations.frame.events import ChangeEvents
from services.gateway.pages.operations.jobs.routes import JobsPages
from services.gateway.pages.site import Site
from services.gateway.premium.change_feed import ChangeFeed


def build_console(
    site: Site, clients: Clients, changes: ChangeFeed, *, heartbeat_seconds: float, secret: str
) -> dict[str, dict[str, Handler]]:
    """Path → method → handler. `secret` is one that jobs accepts for changes; empty where none is configured."""
    console = Console(site)
    page, part = console.page, console.part
    listing = JobsPages(console, clients.jobs)
    return {
        EVENTS: {"GET": part(ChangeEvents(changes, heartbeat_seconds).stream)},
        "/ops/jobs": {"GET": page(listing.page)},
        "/ops/jobs/fragment": {"GET": part(listing.fragment)},
        "/ops/jobs.csv": {"GET": part(listing.csv)},
    }
