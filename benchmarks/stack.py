"""Starts the processes of a measurement: the product with its own stores, further gateways, and references."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import httpx

from devstack import product
from devstack.product import Addresses
from devstack.readiness import http_ready
from devstack.stores.ports import free_port
from devstack.stores.postgres import Postgres
from devstack.stores.valkey import Valkey

SECRET = "x" * 32
_READY_SECONDS = 60.0


class Stack:
    """PostgreSQL, Valkey, the services and further processes; all end with the context."""

    def __init__(self, **environment: str) -> None:
        """`environment` adds to that of the services."""
        self._extra = environment
        self._cleanup = ExitStack()
        self.addresses = Addresses.on_free_ports()
        self.environment: dict[str, str] = {}
        self.folder = Path()
        self.pids: dict[str, int] = {}  # of the services and stores

    def __enter__(self) -> Stack:
        with ExitStack() as cleanup:
            self.folder = Path(cleanup.enter_context(tempfile.TemporaryDirectory()))
            postgres, valkey = Postgres(self.folder / "postgres"), Valkey(self.folder / "valkey")
            for store in (postgres, valkey):
                store.start()
                cleanup.callback(store.stop)
                self.pids[store.name] = store.pid
            self.environment = {
                **{key: value for key, value in os.environ.items() if key in ("PATH", "HOME", "PYTHONPATH", "TMPDIR")},
                **product.wiring(self.addresses, database_url=postgres.url, redis_url=valkey.url),
                "WARMUP_SECRET": SECRET,
                "PYTHONUNBUFFERED": "",
                **self._extra,
            }
            product.migrate(self.environment)
            self._cleanup = cleanup.pop_all()
            for service in product.services(self.addresses, {**self.environment, "LOG_LEVEL": "warning"}):
                if service.name != "gateway":
                    self._cleanup.callback(service.kill_group)
                    service.launch()
                    wait_until(service.ready, service.name)
                    self.pids[service.name] = service.pid
        return self

    def __exit__(self, *_raised: object) -> None:
        self._cleanup.close()

    def gateway(self, **changes: str) -> tuple[str, int]:
        """Starts a gateway as in `make run`, with its access log in a file; returns its base URL and process id."""
        port = free_port()
        with (self.folder / f"gateway-{port}.log").open("wb") as log:
            environment = {**self.environment, "GATEWAY_PORT": str(port), **changes}
            process = self.start("-m", "services.gateway", environment=environment, out=log.fileno())
        wait_until(lambda: http_ready("127.0.0.1", port), "the gateway")
        return f"http://127.0.0.1:{port}", process.pid

    def start(
        self,
        *arguments: str,
        environment: dict[str, str] | None = None,
        out: int | None = None,
        errors: int | None = None,
    ) -> subprocess.Popen[bytes]:
        """Starts Python with the arguments; its output goes to the files `out` and `errors`, if given."""
        process = subprocess.Popen(
            [sys.executable, *arguments], env=environment or self.environment, stdout=out, stderr=errors
        )
        self._cleanup.callback(process.wait)
        self._cleanup.callback(process.kill)
        return process

    def client(self, base_url: str) -> httpx.Client:
        """An HTTP client that sends the warmup secret."""
        headers = {"X-Warmup-Secret": SECRET}
        return self._cleanup.enter_context(
            httpx.Client(base_url=base_url, headers=headers, timeout=30, trust_env=False)
        )


def wait_until(
    condition: Callable[[], bool], what: str, *, seconds: float = _READY_SECONDS, pause: float = 0.02
) -> None:
    """Polls every `pause` seconds until the condition holds. Raises TimeoutError after `seconds`."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(what)
        time.sleep(pause)
