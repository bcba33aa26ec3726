"""Readiness depends only on a service's own store; liveness depends on no store."""

from __future__ import annotations

import grpc
import httpx
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from devstack.stores.postgres import Postgres
from devstack.stores.valkey import Valkey
from services.common.rpc.server.server import READINESS
from tests.e2e.conftest import Product
from tests.waiting import wait_until

ALL_READY = {"jobs": True, "forecaster": True, "gateway": True}


@pytest.mark.slow
def test_readiness_follows_only_the_service_s_own_store(
    running_product: Product, postgres: Postgres, valkey: Valkey
) -> None:
    assert _ready(running_product) == ALL_READY
    postgres.kill()
    try:
        wait_until(lambda: _ready(running_product) == ALL_READY | {"jobs": False}, 30, "jobs is not ready")
        assert _alive(running_product)
    finally:
        postgres.start()
    wait_until(lambda: _ready(running_product) == ALL_READY, 30, "jobs is ready again")
    valkey.kill()
    try:
        wait_until(lambda: _ready(running_product) == ALL_READY | {"forecaster": False}, 30, "it is not ready")
        assert _alive(running_product)
    finally:
        valkey.start()
    wait_until(lambda: _ready(running_product) == ALL_READY, 30, "the forecaster is ready again")


def _ready(product: Product) -> dict[str, bool]:
    gateway = httpx.get(f"{product.base_url}/readyz", timeout=5, trust_env=False).status_code == 200
    return {
        "jobs": _serves(product.addresses.jobs_addr, READINESS),
        "forecaster": _serves(product.addresses.forecaster_addr, READINESS),
        "gateway": gateway,
    }


def _alive(product: Product) -> bool:
    gateway = httpx.get(f"{product.base_url}/healthz", timeout=5, trust_env=False).status_code == 200
    addresses = (product.addresses.jobs_addr, product.addresses.forecaster_addr)
    return gateway and all(_serves(address, "") for address in addresses)


def _serves(address: str, name: str) -> bool:
    with grpc.insecure_channel(address) as channel:
        request = health_pb2.HealthCheckRequest(service=name)
        answer = health_pb2_grpc.HealthStub(channel).Check(request, timeout=5, wait_for_ready=True)
        return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)
