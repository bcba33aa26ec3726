"""The table of the console's routes. The guard of each is here."""

from __future__ import annotations

from services.gateway.http.handler import Handler
from services.gateway.pages.operations.audit.routes import AuditPages
from services.gateway.pages.operations.bulk.routes import BulkPages
from services.gateway.pages.operations.coverage.routes import CoveragePages
from services.gateway.pages.operations.frame.clients import Clients
from services.gateway.pages.operations.frame.console import EVENTS, ROOT, Console
from services.gateway.pages.operations.frame.events import ChangeEvents
from services.gateway.pages.operations.job.links import LogLinks
from services.gateway.pages.operations.job.routes import JobPages
from services.gateway.pages.operations.jobs.routes import JobsPages
from services.gateway.pages.operations.jobs.selected import SelectedJobs
from services.gateway.pages.operations.overview.routes import OverviewPages
from services.gateway.pages.operations.runbook import RunbookPage
from services.gateway.pages.operations.track_record.routes import TrackRecordPages
from services.gateway.pages.site import Site
from services.gateway.premium.change_feed import ChangeFeed


def build_console(
    site: Site, clients: Clients, changes: ChangeFeed, links: LogLinks, *, heartbeat_seconds: float, secret: str
) -> dict[str, dict[str, Handler]]:
    """Path → method → handler. `secret` is one that jobs accepts for changes; empty where none is configured."""
    console = Console(site)
    page, part = console.page, console.part
    listing = JobsPages(console, clients.jobs)
    coverage = CoveragePages(console, clients.jobs, clients.operations)
    record = TrackRecordPages(console, clients.jobs, clients.operations)
    audit = AuditPages(console, clients.operations)
    first = OverviewPages(console, clients)
    selected = SelectedJobs(console, clients.jobs, secret)
    job = JobPages(console, clients, links, secret)
    bulk = BulkPages(console, clients.operations, secret)
    return {
        ROOT: {"GET": page(first.page)},
        f"{ROOT}/fragment": {"GET": part(first.fragment)},
        f"{ROOT}/runbook": {"GET": page(RunbookPage(console).page)},
        EVENTS: {"GET": part(ChangeEvents(changes, heartbeat_seconds).stream)},
        "/ops/jobs": {"GET": page(listing.page)},
        "/ops/jobs/fragment": {"GET": part(listing.fragment)},
        "/ops/jobs.csv": {"GET": part(listing.csv)},
        "/ops/jobs/selected": {"POST": part(selected.act)},
        "/ops/jobs/{id}": {"GET": page(job.page), "POST": part(job.act)},
        "/ops/jobs/{id}/fragment": {"GET": part(job.fragment)},
        "/ops/jobs/{id}/attempts.csv": {"GET": part(job.csv)},
        "/ops/bulk": {"POST": part(bulk.prepare)},
        "/ops/bulk/{id}": {"GET": page(bulk.page)},
        "/ops/bulk/{id}/fragment": {"GET": part(bulk.fragment)},
        "/ops/bulk/{id}/confirm": {"POST": part(bulk.confirm)},
        "/ops/bulk/{id}/abort": {"POST": part(bulk.abort)},
        "/ops/comparisons": {"GET": page(coverage.page)},
        "/ops/comparisons/fragment": {"GET": part(coverage.fragment)},
        "/ops/comparisons.csv": {"GET": part(coverage.csv)},
        "/ops/track-record": {"GET": page(record.page)},
        "/ops/track-record/fragment": {"GET": part(record.fragment)},
        "/ops/track-record.csv": {"GET": part(record.csv)},
        "/ops/track-record/confidence.csv": {"GET": part(record.confidence_csv)},
        "/ops/audit": {"GET": page(audit.page)},
        "/ops/audit/fragment": {"GET": part(audit.fragment)},
        "/ops/audit.csv": {"GET": part(audit.csv)},
    }
