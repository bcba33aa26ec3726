"""The whole product with mutual TLS between services, as components/tls configures it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
import trustme

from devstack import product
from devstack.processes.supervisor import Supervisor
from devstack.product import Addresses, Service
from devstack.readiness import grpc_ready, http_ready
from devstack.stores.ports import LOOPBACK, free_port
from tests.e2e.conftest import SECRET, Call, Product, machine
from tests.e2e.test_cli import warmcast

StartSecured = Callable[..., Product]


@pytest.fixture
def start_secured(database_url: str, redis_url: str, tmp_path: Path) -> Iterator[StartSecured]:
    """Starts the product with mutual TLS; probes use HEALTH_LISTEN, as in the manifests."""
    with ExitStack() as ends:

        def start(**changes: str) -> Product:
            addresses = Addresses.on_free_ports()
            environment = {
                **machine(),
                "LOG_FORMAT": "console",
                "DRAIN_SECONDS": "3",
                "WARM_ANSWER_SECONDS": "0",
                "WARMUP_SECRET": SECRET,
                **product.wiring(addresses, database_url=database_url, redis_url=redis_url),
                **certified(trustme.CA(), tmp_path),
                **changes,
            }
            services = [_service(name, environment) for name in ("forecaster", "jobs")]
            gateway = partial(http_ready, LOOPBACK, addresses.gateway_port)
            services.append(Service("gateway", environment, gateway, print))
            supervisor = Supervisor(print)
            ends.callback(supervisor.stop)
            supervisor.start(*services)
            return Product(addresses, environment, {each.name: each for each in services}, supervisor)

        yield start


def test_a_cold_comparison_becomes_ready_over_tls(start_secured: StartSecured, call: Call) -> None:
    caller = call(start_secured())
    caller.ingest()
    assert caller.premium()["warmupStatus"] == "queued"
    assert caller.until("ready")["forecastAvailable"] is True


def test_the_command_line_works_over_tls(start_secured: StartSecured, call: Call) -> None:
    secured = start_secured(DISPATCHER_ENABLED="false")
    caller = call(secured)
    caller.ingest()
    caller.premium()
    run = warmcast(secured, "run-warmup")
    assert run.returncode == 0, run.stderr
    assert "ready" in run.stdout
    assert "queued            0" in warmcast(secured, "status").stdout
    assert caller.premium()["warmupStatus"] == "ready"


@pytest.mark.slow
def test_clients_without_a_certificate_of_the_authority_are_refused(
    start_secured: StartSecured, tmp_path: Path
) -> None:
    secured = start_secured()
    assert warmcast(secured, "status").returncode == 0
    plain = {name: value for name, value in secured.environment.items() if not name.startswith("TLS_")}
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    for stranger in (plain, secured.environment | certified(trustme.CA(), elsewhere)):
        refused = warmcast(replace(secured, environment=stranger), "status")
        assert refused.returncode == 4, refused.stdout
        assert "queued" not in refused.stdout
    for address in (secured.addresses.jobs_addr, secured.addresses.forecaster_addr):
        assert not grpc_ready(address), "it must refuse clients without TLS"


def certified(authority: trustme.CA, folder: Path) -> dict[str, str]:
    """Creates one certificate for all services, as cert-manager does. Returns the variables that name its files."""
    issued = authority.issue_cert(LOOPBACK)
    files = {"TLS_CERT_FILE": folder / "tls.crt", "TLS_KEY_FILE": folder / "tls.key", "TLS_CA_FILE": folder / "ca.crt"}
    files["TLS_CERT_FILE"].write_bytes(b"".join(part.bytes() for part in issued.cert_chain_pems))
    files["TLS_KEY_FILE"].write_bytes(issued.private_key_pem.bytes())
    files["TLS_CA_FILE"].write_bytes(authority.cert_pem.bytes())
    return {name: str(path) for name, path in files.items()}


def _service(name: str, environment: dict[str, str]) -> Service:
    health = f"{LOOPBACK}:{free_port()}"
    return Service(name, {**environment, "HEALTH_LISTEN": health}, partial(grpc_ready, health), print)
