"""The whole product as real processes on free ports."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from devstack import product
from devstack.processes.supervisor import Supervisor
from devstack.product import Addresses, Service
from devstack.settings import inherited
from tests.e2e.calls import Caller
from tests.waiting import wait_until

SECRET = "a secret of the tests"


@dataclass
class Product:
    """Forecaster, jobs and gateway with one database and one Redis, started by the supervisor of `make run`."""

    addresses: Addresses
    environment: dict[str, str]
    services: dict[str, Service]
    supervisor: Supervisor
    secret: str = SECRET

    @property
    def base_url(self) -> str:
        """The gateway's URL, without a trailing slash."""
        return self.addresses.base_url

    @property
    def database_url(self) -> str:
        """The URL of this product's database."""
        return self.environment["DATABASE_URL"]

    @property
    def redis_url(self) -> str:
        """The URL of this product's Redis."""
        return self.environment["REDIS_URL"]

    def kill(self, name: str) -> None:
        """Sends SIGKILL to a service; `start` starts it again."""
        self.services[name].kill()

    def stop(self, name: str) -> None:
        """Sends SIGTERM to a service, and returns once it has ended."""
        self.services[name].stop()

    def start(self, name: str, *, wait: bool = True, **changes: str) -> None:
        """Starts a service with changed environment variables, and waits until it is ready unless `wait` is false."""
        service = self.services[name]
        service.environment.update(changes)
        service.launch()
        if wait:
            self.wait_until_ready(name)

    def restart(self, name: str, *, wait: bool = True, **changes: str) -> None:
        """Stops and starts a service."""
        self.stop(name)
        self.start(name, wait=wait, **changes)

    def wait_until_ready(self, *names: str, seconds: float = 60) -> None:
        """Waits until these services, or all, are ready."""
        for name in names or self.services:
            service = self.services[name]
            try:
                wait_until(service.ready, seconds, f"{name} is ready")
            except AssertionError as error:
                raise AssertionError(f"{error}\nit {service.exit_summary}") from None


StartProduct = Callable[..., Product]
Call = Callable[[Product], Caller]


@pytest.fixture
def call() -> Iterator[Call]:
    """Creates clients of products, which are closed after the test."""
    with contextlib.ExitStack() as ends:

        def client(product: Product) -> Caller:
            caller = Caller(product)
            ends.callback(caller.http.close)
            return caller

        yield client


@pytest.fixture
def start_product(database_url: str, redis_url: str) -> Iterator[StartProduct]:
    """Starts the product with changed environment variables, as in start_product(DISPATCHER_ENABLED="false")."""
    with contextlib.ExitStack() as ends:

        def start(**changes: str) -> Product:
            return ends.enter_context(running(database_url, redis_url, changes))

        yield start


@pytest.fixture
def running_product(start_product: StartProduct) -> Product:
    """The product with default settings."""
    return start_product()


@contextlib.contextmanager
def running(database_url: str, redis_url: str, changes: dict[str, str]) -> Iterator[Product]:
    """Starts the product with a migrated database and an empty Redis, and stops it after the context."""
    addresses = Addresses.on_free_ports()
    environment = {
        **machine(),
        "LOG_FORMAT": "console",
        "DEBUG_API_HEADERS": "true",
        "DRAIN_SECONDS": "3",
        # No cached answers: tests check the current state, and change times in the database.
        "WARM_ANSWER_SECONDS": "0",
        "WARMUP_SECRET": SECRET,
        **product.wiring(addresses, database_url=database_url, redis_url=redis_url),
        **changes,
    }
    services = product.services(addresses, environment)
    supervisor = Supervisor(print)
    try:
        supervisor.start(*services)
        yield Product(addresses, environment, {service.name: service for service in services}, supervisor)
    finally:
        supervisor.stop()
        for service in services:
            # pytest shows it only when the test fails.
            print(f"--- {service.name}\n{service.tail(80)}")


def machine() -> dict[str, str]:
    """The variables that programs need. A developer's WARMUP_SECRET or API_KEYS must not reach a test."""
    kept = ("PATH", "HOME", "TMPDIR", "LANG", "LC_", "LD_", "OPENBLAS_", "OMP_", "PYTHON")
    return {name: value for name, value in inherited().items() if name.startswith(kept)}
