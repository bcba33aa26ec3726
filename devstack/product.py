"""The three services as supervised processes, configured to reach each other and their stores."""

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
_CLOSE_SECONDS = 15.0  # for a drained service to close everything, also on a busy machine
_DATABASE_SECONDS = "30"  # for a PostgreSQL that is still starting
OnLine = Callable[[str, str], None]  # (source, line)


@dataclass(frozen=True)
class Addresses:
    """The address that each service listens on, and the address that its clients use."""

    gateway_host: str
    gateway_port: int
    jobs_listen: str
    jobs_addr: str
    forecaster_listen: str
    forecaster_addr: str

    @classmethod
    def on_free_ports(cls) -> Addresses:
        """All on 127.0.0.1, on ports that are free now."""
        jobs, forecaster = (f"{LOOPBACK}:{free_port()}" for _ in range(2))
        return cls(LOOPBACK, free_port(), jobs, jobs, forecaster, forecaster)

    @property
    def base_url(self) -> str:
        """The gateway's URL for clients on this machine."""
        return f"http://{self.reachable_host}:{self.gateway_port}"

    @property
    def reachable_host(self) -> str:
        """The host to connect to; 127.0.0.1 if the gateway listens on all addresses."""
        return LOOPBACK if self.gateway_host in ("", "0.0.0.0", "::") else self.gateway_host  # noqa: S104


def wiring(addresses: Addresses, *, database_url: str, redis_url: str) -> dict[str, str]:
    """The environment variables that connect the services to each other and to the stores."""
    return {
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "JOBS_LISTEN": addresses.jobs_listen,
        "JOBS_ADDR": addresses.jobs_addr,
        "FORECASTER_LISTEN": addresses.forecaster_listen,
        "FORECASTER_ADDR": addresses.forecaster_addr,
        "GATEWAY_HOST": addresses.gateway_host,
        "GATEWAY_PORT": str(addresses.gateway_port),
        # Three processes cannot share one metrics port; the gateway also serves /metrics.
        "METRICS_PORT": "0",
        # With one replica each there is no other one to take over calls.
        "LAME_DUCK_SECONDS": "0",
        "PYTHONUNBUFFERED": "1",
    }


def services(addresses: Addresses, environment: Mapping[str, str], on_line: OnLine | None = None) -> list[Service]:
    """Forecaster, jobs and gateway, in the order of their dependencies. `environment` is their whole environment."""
    forecaster, jobs = reachable(addresses.forecaster_listen), reachable(addresses.jobs_listen)
    gateway = (addresses.reachable_host, addresses.gateway_port)
    checks = {
        "forecaster": (partial(grpc_ready, forecaster), partial(grpc_alive, forecaster)),
        "jobs": (partial(grpc_ready, jobs), partial(grpc_alive, jobs)),
        "gateway": (partial(http_ready, *gateway), partial(http_alive, *gateway)),
    }
    return [
        Service(name, environment, is_ready, on_line, is_alive=is_alive)
        for name, (is_ready, is_alive) in checks.items()
    ]


class Service:
    """A service as a supervised process."""

    def __init__(
        self,
        name: str,
        environment: Mapping[str, str],
        is_ready: Callable[[], bool],
        on_line: OnLine | None = None,
        *,
        is_alive: Callable[[], bool] = lambda: True,
    ) -> None:
        self.name = name
        self.environment = dict(environment)
        self._is_ready = is_ready
        self._is_alive = is_alive
        self._child = Child(name, on_line=partial(on_line, name) if on_line else None)

    @property
    def pid(self) -> int:
        """The process id; 0 before the first start."""
        return self._child.pid

    @property
    def running(self) -> bool:
        """Whether the process is running."""
        return self._child.running

    @property
    def exit_summary(self) -> str:
        """How the process ended and its last lines, for an error message."""
        return self._child.exit_summary

    def launch(self) -> None:
        """Starts the process and returns at once."""
        if not self.running:
            self._child.spawn([*WARMCAST, self.name], environment=self.environment, cwd=CHECKOUT)

    def ready(self) -> bool:
        """Whether it runs and its readiness check passes."""
        return self.running and self._is_ready()

    def alive(self) -> bool:
        """Whether its liveness check passes."""
        return self._is_alive()

    def stop(self) -> None:
        """Sends SIGTERM and lets it drain; kills it 15 s after its DRAIN_SECONDS."""
        self._child.stop((signal.SIGTERM, float(self.environment.get("DRAIN_SECONDS", "20")) + _CLOSE_SECONDS))

    def kill(self) -> None:
        """Sends SIGKILL to this process alone; its children must notice that."""
        self._child.kill()

    def kill_group(self) -> None:
        """Sends SIGKILL to the process and its children."""
        self._child.kill_group()

    def send(self, number: signal.Signals) -> None:
        """Sends a signal, such as SIGSTOP."""
        self._child.send(number)

    def tail(self, lines: int = 20) -> str:
        """The last lines of its output."""
        return self._child.tail(lines)


def migrate(environment: Mapping[str, str], on_line: OnLine | None = None) -> None:
    """Runs `warmcast migrate`. Raises DevstackError with its output if it fails."""
    child = Child("migrate", on_line=partial(on_line, "migrate") if on_line else None)
    try:
        child.spawn([*WARMCAST, "migrate", "--wait", _DATABASE_SECONDS], environment=environment, cwd=CHECKOUT)
        if not child.wait(_MIGRATE_SECONDS):
            raise DevstackError(f"the migration did not end within {_MIGRATE_SECONDS:.0f} s:\n{child.tail()}")
    finally:
        child.kill_group()
    if child.exit_code != 0:
        raise DevstackError(f"the migration {child.exit_summary}")


def reachable(listen: str) -> str:
    """The host:port to connect to on this machine for a server that listens on `listen`."""
    host, _, port = listen.rpartition(":")
    return f"{LOOPBACK}:{port}" if host in ("", "0.0.0.0", "[::]") else listen  # noqa: S104
