"""The product as real processes with its own stores; every link between them goes through a proxy."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from devstack import product
from devstack.processes.supervisor import Supervisor
from devstack.product import Addresses, Service
from devstack.readiness import grpc_ready, http_ready
from devstack.stores.ports import LOOPBACK, free_port
from devstack.stores.postgres import Postgres
from devstack.stores.valkey import Valkey
from tests.chaos import ledger
from tests.chaos.fence import FenceWatch
from tests.chaos.proxy import Proxy

SECRET = "a secret of the chaos"
LEASE = 3.0  # seconds; the default of 15 would make each rescue five times as long
_SHORT_INTERVALS = {
    "LEASE_SECONDS": str(LEASE),
    "BEAT_SECONDS": "0.5",
    "ATTEMPT_DEADLINE_SECONDS": "20",
    "BACKOFF_BASE_SECONDS": "0.2",
    "BACKOFF_CAP_SECONDS": "2",
    "OVERDUE_SECONDS": "10",
    "POLL_SECONDS": "1",
    "DRAIN_SECONDS": "3",
    "ENGINE_SETTING": "naive",  # only the queue is under test
    "LOG_FORMAT": "console",
    "LOG_LEVEL": "warning",
}
_CLOCK = Path(__file__).with_name("clock")
_INHERITED = ("PATH", "HOME", "TMPDIR", "LANG", "LC_", "LD_", "PYTHON")
_READY_SECONDS = 60.0


@dataclass
class World:
    """Two jobs, a forecaster and a gateway, PostgreSQL and Valkey, and the links between them."""

    postgres: Postgres
    valkey: Valkey
    services: dict[str, Service]
    links: dict[str, Proxy]
    listens: dict[str, Proxy]  # one for the LISTEN connection of each jobs
    fence: FenceWatch
    jobs_addresses: tuple[str, str]
    gateway_url: str
    crashed: list[str] = field(default_factory=list)  # services that crashed unexpectedly
    _clocks: dict[str, float] = field(
        default_factory=dict
    )  # shift of each service's wall clock in seconds; none without an entry
    _launches: dict[str, int] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def launch(self, name: str) -> None:
        """Starts a service that is not running, with a new writer's name for the ledger."""
        service = self.services[name]
        with self._lock:
            self._launches[name] = self._launches.get(name, 0) + 1
            if name.startswith("jobs"):
                address, _, database = self.postgres.url.rpartition("@")
                options = f"options=-c%20chaos.writer%3D{name}.{self._launches[name]}"
                ways = {"DATABASE_URL": self.links[f"{name} to postgres"], "DATABASE_LISTEN_URL": self.listens[name]}
                for variable, link in ways.items():
                    url = f"{address}@{LOOPBACK}:{link.port}/{database.rpartition('/')[2]}"
                    service.environment[variable] = f"{url}?{options}"
            service.environment.update(shifted_clock(self._clocks.get(name, 0.0)))
            service.launch()

    def clock_shift(self, name: str) -> float:
        """The shift of that service's wall clock in seconds."""
        return self._clocks.get(name, 0.0)

    def shift_clock(self, name: str, seconds: float) -> None:
        """Restarts a service with its wall clock shifted by that many seconds; 0 corrects it."""
        self.services[name].stop()
        self._clocks[name] = seconds
        self.launch(name)

    def undo_faults(self) -> None:
        """Corrects all clocks, and starts services that ended unexpectedly: each fault restarts what it killed."""
        self.postgres.start()
        self.valkey.start()
        for name, seconds in list(self._clocks.items()):
            self.shift_clock(name, 0.0) if seconds else None
        for name, service in self.services.items():
            if not service.running:
                print(f"chaos | {name} {service.exit_summary}", flush=True)
                self.crashed.append(name)
                self.launch(name)

    def ready(self) -> bool:
        """Whether all services report ready."""
        return all(service.ready() for service in self.services.values())


@contextlib.contextmanager
def running(folder: Path) -> Iterator[World]:
    """Starts the whole product with the ledger's triggers, and stops it afterwards."""
    with contextlib.ExitStack() as ends:
        # Only processes fail, never the machine, so fsync is not needed.
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
        second = f"{LOOPBACK}:{free_port()}"
        links = _links(ends, addresses, second, postgres, valkey)
        listens = {name: Proxy(f"LISTEN of {name}", postgres.port) for name in ("jobs-1", "jobs-2")}
        for listen in listens.values():
            ends.callback(listen.close)
        world = World(
            postgres=postgres,
            valkey=valkey,
            services=_services(addresses, second, environment, links),
            links=links,
            listens=listens,
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


def shifted_clock(seconds: float) -> dict[str, str]:
    """The environment variables that shift a Python process's wall clock; 0 does not change it."""
    # Only a process with a shifted clock has the folder on its path.
    inherited = os.environ.get("PYTHONPATH", "")
    path = os.pathsep.join(filter(None, [str(_CLOCK) if seconds else "", inherited]))
    return {"PYTHONPATH": path, "CHAOS_CLOCK_OFFSET": str(seconds)}


def _links(
    ends: contextlib.ExitStack, addresses: Addresses, second: str, postgres: Postgres, valkey: Valkey
) -> dict[str, Proxy]:
    forecaster = _port(addresses.forecaster_addr)
    targets = {
        "gateway to jobs-1": _port(addresses.jobs_addr),
        "gateway to jobs-2": _port(second),
        "gateway to forecaster": forecaster,
        "jobs-1 to postgres": postgres.port,
        "jobs-2 to postgres": postgres.port,
        "jobs-1 to forecaster": forecaster,
        "jobs-2 to forecaster": forecaster,
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
    # The second replica has few connections, to test an exhausted pool.
    for name, listen, pool in (("jobs-1", addresses.jobs_addr, "10"), ("jobs-2", second, "2")):
        own = environment | {
            "JOBS_LISTEN": listen,
            "DATABASE_POOL_SIZE": pool,
            "FORECASTER_ADDR": f"{LOOPBACK}:{links[f'{name} to forecaster'].port}",
        }
        services[name] = Service("jobs", own, partial(grpc_ready, listen))
    both = environment | {
        "JOBS_ADDR": "ipv4:"
        + ",".join(f"{LOOPBACK}:{links[f'gateway to {name}'].port}" for name in ("jobs-1", "jobs-2")),
        "FORECASTER_ADDR": f"{LOOPBACK}:{links['gateway to forecaster'].port}",
    }
    is_ready = partial(http_ready, addresses.reachable_host, addresses.gateway_port)
    services["gateway"] = Service("gateway", both, is_ready)
    return services


def _port(address: str) -> int:
    return int(address.rpartition(":")[2])


def _environment(addresses: Addresses, postgres: Postgres, valkey: Valkey) -> dict[str, str]:
    return {
        **{name: value for name, value in os.environ.items() if name.startswith(_INHERITED)},
        **_SHORT_INTERVALS,
        "WARMUP_SECRET": SECRET,
        **product.wiring(addresses, database_url=postgres.url, redis_url=valkey.url),
    }


def _end(world: World) -> None:
    for name, service in reversed(world.services.items()):
        service.stop()
        # pytest shows it only when the test fails.
        print(f"--- {name}\n{service.tail(40)}")
