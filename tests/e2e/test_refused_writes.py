"""While Redis serves reads but refuses writes, jobs wait, warm answers are served, and the status names the cause."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

import pytest
import redis

from devstack.stores.ports import LOOPBACK, free_port
from tests.e2e.calls import export
from tests.e2e.conftest import Call, Product
from tests.e2e.test_cli import warmcast
from tests.waiting import wait_until


@contextlib.contextmanager
def _read_only(client: redis.Redis) -> Iterator[None]:
    client.replicaof(LOOPBACK, str(free_port()))
    try:
        yield
    finally:
        client.replicaof("NO", "ONE")


@contextlib.contextmanager
def _out_of_memory(client: redis.Redis) -> Iterator[None]:
    client.config_set("maxmemory", "1mb")
    try:
        yield
    finally:
        client.config_set("maxmemory", "256mb")


@pytest.mark.parametrize(
    ("refuse_writes", "message"),
    [
        pytest.param(_read_only, "read-only replica", id="READONLY"),
        pytest.param(_out_of_memory, "memory is full", id="OOM"),
    ],
)
@pytest.mark.slow
def test_no_attempt_is_spent_while_redis_refuses_writes(
    running_product: Product,
    call: Call,
    refuse_writes: Callable[[redis.Redis], AbstractContextManager[None]],
    message: str,
) -> None:
    caller = call(running_product)
    caller.ingest()
    caller.premium()
    caller.until("ready")
    with caller.redis() as client, refuse_writes(client):
        wait_until(lambda: message in warmcast(running_product, "status").stdout, 20, "the status names the cause")
        caller.ingest(export("tea", "coffee"))
        assert caller.premium("coffee-vs-tea")["warmupStatus"] == "queued"
        by_hand = warmcast(running_product, "run-warmup")
        assert by_hand.returncode != 0
        assert message in by_hand.stderr
        assert all(service.ready() for service in running_product.services.values()), "readiness depends only on reads"
        warm = caller.premium()
        assert (warm["warmupStatus"], warm["stale"]) == ("ready", False)
        (waiting,) = caller.rows("SELECT * FROM warmup_jobs WHERE slug = 'coffee-vs-tea'")
        assert (waiting["status"], waiting["attempts"]) == ("queued", 0)
    caller.until("ready", slug="coffee-vs-tea")
    (done,) = caller.rows("SELECT * FROM warmup_jobs WHERE slug = 'coffee-vs-tea'")
    assert done["attempts"] == 1
    assert caller.rows("SELECT last_value AS runs FROM warmup_lease_ids") == [{"runs": 2}], "nothing was claimed"
