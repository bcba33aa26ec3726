"""The three services as processes, wired to each other and to their stores."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from devstack.processes.child import Child, DevstackError
from devstack.readiness import grpc_alive, grpc_ready, http_alive, http_ready
from devstack.settings import CHECKOUT
from devstack.stores.ports import LOOPBACK, free_port

WARMCAST = (sys.executable, "-m", "services.cli")
_MIGRATE_SECONDS = 120.0
_DATABASE_SECONDS = "30"  # for a PostgreSQL of the caller's own that is still starting
Say = Callable[[str, str], None]  # (source, line)


@dataclass(frozen=True)
class Addresses:
    """Where each service listens, and where its clients find it."""

    gateway_host: str
    gateway_port: int
    jobs_listen: str
    jobs_addr: str
    forecaster_listen: str
    forecaster_addr: str

    @classmethod
    def on_free_ports(cls) -> Addresses:
        """All on 127.0.0.1, none on a port that is taken now."""
        jobs, forecaster = (f"{LOOPBACK}:{free_port()}" for _ in range(2))
        return cls(LOOPBACK, free_port(), jobs, jobs, forecaster, forecaster)

    @property
    def base_url(self) -> str:
        """Of the gateway, as a client on this machine sees it."""
        return f"http://{self.reachable_host}:{self.gateway_port}"

    @property
    def reachable_host(self) -> str:
        """The gateway's host to connect to, also where it listens on every address."""
        return LOOPBACK if self.gateway_host in ("", "0.0.0.0", "::") else self.gateway_host  # noqa: S104


def wiring(addresses: Addresses, *, database_url: str, redis_url: str) -> dict[str, str]:
    """The environment variables that join the services."""
    return {
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "JOBS_LISTEN": addresses.jobs_listen,
        "JOBS_ADDR": addresses.jobs_addr,
        "FORECASTER_LISTEN": addresses.forecaster_listen,
        "FORECASTER_ADDR": addresses.forecaster_addr,
        "GATEWAY_HOST": addresses.gateway_host,
        "GATEWAY_PORT": str(addresses.gateway_port),
        # One port cannot serve the metrics of three processes; the gateway's are at /metrics.
        "METRICS_PORT": "0",
        # There is one of each: no other to hand calls over to.
        "LAME_DUCK_SECONDS": "0",
        "PYTHONUNBUFFERED": "1",
    }


def services(addresses: Addresses, environment: Mapping[str, str], say: Say | None = None) -> list[Service]:
    """Forecaster, jobs and gateway, each after the services that it needs. `environment` is their whole environment."""
    forecaster, jobs = reachable(addresses.forecaster_listen), reachable(addresses.jobs_listen)
    gateway = (addresses.reachable_host, addresses.gateway_port)
    checks = {
        "forecaster": (partial(grpc_ready, forecaster), partial(grpc_alive, forecaster)),
        "jobs": (partial(grpc_ready, jobs), partial(grpc_alive, jobs)),
        "gateway": (partial(http_ready, *gateway), partial(http_alive, *gateway)),
    }
    return [
        Service(name, environment, is_ready, say, is_alive=is_alive) for name, (is_ready, is_alive) in checks.items()
    ]


class Service:
    """One of the three as a supervised process."""

    def __init__(
        self,
        name: str,
        environment: Mapping[str, str],
        is_ready: Callable[[], bool],
        say: Say | None = None,
        *,
        is_alive: Callable[[], bool] = lambda: True,
    ) -> None:
        self.name = name
        self.environment = dict(environment)
        self._is_ready = is_ready
        self._is_alive = is_alive
        self._child = Child(name, say=partial(say, name) if say else None)

    @property
    def pid(self) -> int:
        """0 when it was never started."""
        return self._child.pid

    @property
    def running(self) -> bool:
        """Whether the process is there."""
        return self._child.running

    @property
    def ended(self) -> str:
        """How it ended, with its last lines, for a message."""
        return self._child.ended

    def launch(self) -> None:
        """Starts the process and returns at once."""
        if not self.running:
            self._child.spawn([*WARMCAST, self.name], environment=self.environment, cwd=CHECKOUT)

    def ready(self) -> bool:
        """Whether it says so itself."""
        return self.running and self._is_ready()

    def alive(self) -> bool:
        """Whether its liveness check answers so, in bounded time."""
        return self._is_alive()

    def stop(self) -> None:
        """Lets it drain; by force when it takes longer than it said it would."""
        self._child.stop((signal.SIGTERM, float(self.environment.get("DRAIN_SECONDS", "20")) + 5))

    def kill(self) -> None:
        """SIGKILL to this process alone; what it started has to notice by itself."""
        self._child.kill()

    def kill_group(self) -> None:
        """SIGKILL to it and all that it started."""
        self._child.kill_group()

    def send(self, number: signal.Signals) -> None:
        """A signal, such as SIGSTOP."""
        self._child.send(number)

    def tail(self, lines: int = 20) -> str:
        """The last lines that it wrote."""
        return self._child.tail(lines)


def migrate(environment: Mapping[str, str], say: Say | None = None) -> None:
    """Runs `warmcast migrate` to its end. Raises DevstackError with what it said."""
    child = Child("migrate", say=partial(say, "migrate") if say else None)
    try:
        child.spawn([*WARMCAST, "migrate", "--wait", _DATABASE_SECONDS], environment=environment, cwd=CHECKOUT)
        if not child.wait(_MIGRATE_SECONDS):
            raise DevstackError(f"the migration did not end within {_MIGRATE_SECONDS:.0f} s:\n{child.tail()}")
    finally:
        child.kill_group()
    if child.exit_code != 0:
        raise DevstackError(f"the migration {child.ended}")


def reachable(listen: str) -> str:
    """Where a client on this machine finds what listens on `listen`, host:port."""
    host, _, port = listen.rpartition(":")
    return f"{LOOPBACK}:{port}" if host in ("", "0.0.0.0", "[::]") else listen  # noqa: S104
