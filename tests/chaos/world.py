"""The product as real processes over stores of its own, every link between them through a proxy."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from devstack import product
from devstack.ports import LOOPBACK, free_port
from devstack.postgres import Postgres
from devstack.product import Addresses, Service
from devstack.readiness import grpc_ready, http_ready
from devstack.supervisor import Supervisor
from devstack.valkey import Valkey
from tests.chaos import ledger
from tests.chaos.fence import FenceWatch
from tests.chaos.proxy import Proxy

SECRET = "chaos-secret"
LEASE = 3.0  # seconds; the product's default is 15, which would make each rescue five times as long
_QUICK = {
    "LEASE_SECONDS": str(LEASE),
    "BEAT_SECONDS": "0.5",
    "ATTEMPT_DEADLINE_SECONDS": "20",
    "BACKOFF_BASE_SECONDS": "0.2",
    "BACKOFF_CAP_SECONDS": "2",
    "OVERDUE_SECONDS": "10",
    "POLL_SECONDS": "1",
    "DRAIN_SECONDS": "3",
    "ENGINE_SETTING": "naive",  # the queue is what is tested
    "LOG_FORMAT": "console",
    "LOG_LEVEL": "warning",
}
_PASSED_ON = ("PATH", "HOME", "TMPDIR", "LANG", "LC_", "LD_", "PYTHON")
_READY_SECONDS = 60.0


@dataclass
class World:
    """Two jobs, a forecaster and a gateway, PostgreSQL and Valkey, and the links between them."""

    postgres: Postgres
    valkey: Valkey
    services: dict[str, Service]
    links: dict[str, Proxy]
    fence: FenceWatch
    jobs_addresses: tuple[str, str]
    gateway_url: str
    _launches: dict[str, int] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def launch(self, name: str) -> None:
        """Starts a service that is not running, under a name that no process before it had."""
        service = self.services[name]
        with self._lock:
            self._launches[name] = self._launches.get(name, 0) + 1
            if name.startswith("jobs"):
                link = self.links[f"{name} to postgres"]
                address, _, database = self.postgres.url.rpartition("@")
                url = f"{address}@{LOOPBACK}:{link.port}/{database.rpartition('/')[2]}"
                writer = f"{name}.{self._launches[name]}"
                service.environment["DATABASE_URL"] = f"{url}?options=-c%20chaos.writer%3D{writer}"
            service.launch()

    def heal(self) -> None:
        """Starts whatever is not running."""
        self.postgres.start()
        self.valkey.start()
        for name in self.services:
            self.launch(name) if not self.services[name].running else None

    def ready(self) -> bool:
        """Whether all services say that they are."""
        return all(service.ready() for service in self.services.values())


@contextlib.contextmanager
def running(folder: Path) -> Iterator[World]:
    """All of it, migrated and with the ledger's triggers in place; nothing is left of it afterwards."""
    with contextlib.ExitStack() as ends:
        # No machine fails here, only processes: what was handed to the kernel is kept.
        postgres = Postgres(folder / "postgres", settings={"fsync": "off", "max_connections": "100"})
        valkey = Valkey(folder / "valkey", settings={"maxmemory": "2gb"})
        for store in (postgres, valkey):
            store.start()
            ends.callback(store.stop)
        addresses = Addresses.on_free_ports()
        environment = _environment(addresses, postgres, valkey)
        product.migrate(environment)
        ledger.install(postgres.url)
        fence = FenceWatch(valkey)
        ends.callback(fence.close)
        links = _links(ends, addresses, postgres, valkey)
        second = f"{LOOPBACK}:{free_port()}"
        world = World(
            postgres=postgres,
            valkey=valkey,
            services=_services(addresses, second, environment, links),
            links=links,
            fence=fence,
            jobs_addresses=(addresses.jobs_addr, second),
            gateway_url=addresses.base_url,
        )
        supervisor = Supervisor(print)
        ends.callback(_end, world)
        for name in world.services:
            world.launch(name)
        supervisor.start(*world.services.values(), seconds=_READY_SECONDS)
        yield world


def _links(ends: contextlib.ExitStack, addresses: Addresses, postgres: Postgres, valkey: Valkey) -> dict[str, Proxy]:
    targets = {
        "jobs-1 to postgres": postgres.port,
        "jobs-2 to postgres": postgres.port,
        "jobs-1 to forecaster": int(addresses.forecaster_addr.rpartition(":")[2]),
        "jobs-2 to forecaster": int(addresses.forecaster_addr.rpartition(":")[2]),
        "forecaster to valkey": valkey.port,
    }
    links = {name: Proxy(name, port) for name, port in targets.items()}
    for link in links.values():
        ends.callback(link.close)
    return links


def _services(
    addresses: Addresses, second: str, environment: dict[str, str], links: dict[str, Proxy]
) -> dict[str, Service]:
    valkey_url = environment["REDIS_URL"].rpartition("@")[0]
    forecaster = environment | {"REDIS_URL": f"{valkey_url}@{LOOPBACK}:{links['forecaster to valkey'].port}/0"}
    services = {"forecaster": Service("forecaster", forecaster, partial(grpc_ready, addresses.forecaster_addr))}
    # The second one has next to no connections, and so lives with an exhausted pool.
    for name, listen, pool in (("jobs-1", addresses.jobs_addr, "10"), ("jobs-2", second, "2")):
        own = environment | {
            "JOBS_LISTEN": listen,
            "DATABASE_POOL_SIZE": pool,
            "FORECASTER_ADDR": f"{LOOPBACK}:{links[f'{name} to forecaster'].port}",
        }
        services[name] = Service("jobs", own, partial(grpc_ready, listen))
    both = environment | {"JOBS_ADDR": f"ipv4:{addresses.jobs_addr},{second}"}
    is_ready = partial(http_ready, addresses.reachable_host, addresses.gateway_port)
    services["gateway"] = Service("gateway", both, is_ready)
    return services


def _environment(addresses: Addresses, postgres: Postgres, valkey: Valkey) -> dict[str, str]:
    return {
        **{name: value for name, value in os.environ.items() if name.startswith(_PASSED_ON)},
        **_QUICK,
        "WARMUP_SECRET": SECRET,
        **product.wiring(addresses, database_url=postgres.url, redis_url=valkey.url),
    }


def _end(world: World) -> None:
    for name, service in reversed(world.services.items()):
        service.stop()
        # pytest shows it when the test fails, and only then.
        print(f"--- {name}\n{service.tail(40)}")
