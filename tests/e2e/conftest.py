"""The whole product as real processes on free ports, for one test or one module."""

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
    """Forecaster, jobs and gateway over one database and one Redis, started by the supervisor of `make run`."""

    addresses: Addresses
    environment: dict[str, str]
    services: dict[str, Service]
    supervisor: Supervisor
    secret: str = SECRET

    @property
    def base_url(self) -> str:
        """Of the gateway, without a slash at its end."""
        return self.addresses.base_url

    @property
    def database_url(self) -> str:
        """Of this product's own database."""
        return self.environment["DATABASE_URL"]

    @property
    def redis_url(self) -> str:
        """Of this product's own Redis."""
        return self.environment["REDIS_URL"]

    def kill(self, name: str) -> None:
        """SIGKILL to one service; it stays dead until `start`."""
        self.services[name].kill()

    def stop(self, name: str) -> None:
        """SIGTERM to one service; returns once it has drained."""
        self.services[name].stop()

    def start(self, name: str, *, wait: bool = True, **changes: str) -> None:
        """Starts one service, with those environment variables changed from now on; waits until it is ready."""
        service = self.services[name]
        service.environment.update(changes)
        service.launch()
        if wait:
            self.wait_until_ready(name)

    def restart(self, name: str, *, wait: bool = True, **changes: str) -> None:
        """Stops and starts one service."""
        self.stop(name)
        self.start(name, wait=wait, **changes)

    def wait_until_ready(self, *names: str, seconds: float = 60) -> None:
        """Waits until these services, or all, say that they are ready."""
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
    """Clients of products, closed with the test."""
    with contextlib.ExitStack() as ends:

        def client(product: Product) -> Caller:
            caller = Caller(product)
            ends.callback(caller.http.close)
            return caller

        yield client


@pytest.fixture
def start_product(database_url: str, redis_url: str) -> Iterator[StartProduct]:
    """Starts the product with environment variables of the test's choice: start_product(DISPATCHER_ENABLED="false")."""
    with contextlib.ExitStack() as ends:

        def start(**changes: str) -> Product:
            return ends.enter_context(running(database_url, redis_url, changes))

        yield start


@pytest.fixture
def running_product(start_product: StartProduct) -> Product:
    """The product as it is by default, with debug on."""
    return start_product()


@contextlib.contextmanager
def running(database_url: str, redis_url: str, changes: dict[str, str]) -> Iterator[Product]:
    """The product over a migrated database and an empty Redis; all of it has ended when the context has."""
    addresses = Addresses.on_free_ports()
    environment = {
        **machine(),
        "LOG_FORMAT": "console",
        "DEBUG_API_HEADERS": "true",
        "DRAIN_SECONDS": "3",
        # Tests look at what is so at this moment, and move times behind the product's back.
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
            # pytest shows it when the test fails, and only then.
            print(f"--- {service.name}\n{service.tail(80)}")


def machine() -> dict[str, str]:
    # What the machine needs to run anything; a developer's own WARMUP_SECRET or API_KEYS must not reach a test.
    kept = ("PATH", "HOME", "TMPDIR", "LANG", "LC_", "LD_", "OPENBLAS_", "OMP_", "PYTHON")
    return {name: value for name, value in inherited().items() if name.startswith(kept)}
