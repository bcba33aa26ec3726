"""The states of a comparison's page: what the fake services return for each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from services.common import errors
from services.common.errors import WarmcastError
from tests.browser.harness.sample import held, ready, series, warmed
from tests.integration.gateway.conftest import World
from tests.integration.gateway.data import FAILED, HASH, OLDER_HASH, QUEUED, READY, RUNNING, STALE, job, moment

Prepare: TypeAlias = Callable[[World], None]
_UNWARMABLE = "unwarmable: costco: value 3 is 120, allowed are 0 to 100"


def _running(**more: Any) -> Any:
    row = job(RUNNING)
    row.attempts = 2
    row.started_at.CopyFrom(moment("2026-01-01T10:00:00"))
    return warmed(row, **more)


def _failed(**more: Any) -> Any:
    return warmed(job(FAILED, last_error=_UNWARMABLE), cooling_down=True, cooldown_seconds=240, **more)


def _older(world: World) -> None:
    kept = ready()
    for field in ("insights_a_json", "insights_b_json", "together_json", "interpretations_json"):
        kept.ClearField(field)
    world.reply(GetForecasts=held(kept))


# By name: the state that the page shows, and the replies. The world is ready and fresh before.
STATES: dict[str, tuple[str, Prepare]] = {
    "ready": ("ready", lambda world: None),
    "cold": ("cold", lambda world: world.reply(GetWarmup=warmed(), GetForecasts=held(None))),
    "queued": (
        "queued",
        lambda world: world.reply(
            GetWarmup=warmed(job(QUEUED), queue_position=3, eta_seconds=4.2), GetForecasts=held(None)
        ),
    ),
    "queued without an estimate": (
        "queued",
        lambda world: world.reply(GetWarmup=warmed(job(QUEUED), queue_position=1), GetForecasts=held(None)),
    ),
    "running": ("running", lambda world: world.reply(GetWarmup=_running(), GetForecasts=held(None))),
    "refreshing": ("stale", lambda world: world.reply(GetWarmup=_running(), GetForecasts=held(ready(STALE)))),
    "previous snapshot": (
        "stale",
        lambda world: world.reply(
            GetWarmup=warmed(job(QUEUED), previous_data_hash=OLDER_HASH),
            GetForecasts=held(None, ready(data_hash=OLDER_HASH)),
        ),
    ),
    "previous snapshot, failed": (
        "stale",
        lambda world: world.reply(
            GetWarmup=_failed(previous_data_hash=OLDER_HASH), GetForecasts=held(None, ready(data_hash=OLDER_HASH))
        ),
    ),
    "failed": ("failed", lambda world: world.reply(GetWarmup=_failed(), GetForecasts=held(None))),
    "scaled apart": (
        "ready",
        lambda world: world.reply(
            GetComparison=series(scaled_apart=True), GetForecasts=held(ready(scaled_apart=True, data_hash=HASH))
        ),
    ),
    "without insights": ("ready", _older),
}
# Reads as a prefetch, which does not enqueue: only so a page stays cold.
HEADERS = {"cold": {"Purpose": "prefetch"}}


def outage(world: World) -> None:
    """Jobs is unavailable."""
    away = WarmcastError(errors.UNAVAILABLE, "jobs is unavailable", retry_after=7)
    world.reply(GetWarmup=away, GetComparison=away, GetTrustStats=away)


def unknown(world: World) -> None:
    """The comparison does not exist."""
    world.reply(GetWarmup=WarmcastError(errors.NOT_FOUND, "unknown comparison"))


def settled(world: World) -> None:
    """The forecasts are ready and fresh."""
    world.reply(GetWarmup=warmed(job(READY)), GetForecasts=held(ready()))
