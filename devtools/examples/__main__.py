"""Starts the product with its own stores, records example calls, and writes `examples.json`: `make examples`."""

from __future__ import annotations

import secrets
import socket
import sys
import tempfile
import time
from pathlib import Path

import psycopg
import redis

from devstack import product
from devstack.processes.child import DevstackError
from devstack.processes.supervisor import Supervisor
from devstack.product import Addresses, Service
from devstack.settings import inherited
from devstack.stores.ports import LOOPBACK
from devstack.stores.postgres import Postgres
from devstack.stores.valkey import Valkey
from devtools.examples import problems
from devtools.examples.calls import ExampleCalls
from devtools.examples.recorder import Recorder
from services.gateway.auth.api_keys import new_api_key
from services.gateway.auth.rate_limits import Rate
from services.gateway.openapi.examples import PATH

_TIMEOUT = 60.0  # seconds


def main() -> int:
    """Returns the exit status: 1 if an answer was unexpected."""
    supervisor = Supervisor(lambda line: print(line, file=sys.stderr))
    with tempfile.TemporaryDirectory(prefix="warmcast-examples-") as folder:
        try:
            record(Path(folder), supervisor, PATH)
        except DevstackError as error:
            print(f"examples: {error}", file=sys.stderr)
            return 1
        finally:
            supervisor.stop()
    print(f"wrote {PATH.name}; run `make docs` to update the pages")
    return 0


def record(folder: Path, supervisor: Supervisor, path: Path) -> None:
    """Records all examples into `path`. Raises DevstackError. The caller stops what `supervisor` started."""
    postgres, valkey = Postgres(folder / "postgres"), Valkey(folder / "valkey")
    supervisor.start(postgres, valkey)
    secret, addresses = secrets.token_hex(16), Addresses.on_free_ports()
    environment = {
        **inherited(),
        **product.wiring(addresses, database_url=postgres.url, redis_url=valkey.url),
        "WARMUP_SECRET": secret,
        "DISPATCHER_ENABLED": "false",
    }
    product.migrate(environment)
    services = product.services(addresses, environment)
    supervisor.start(*services)
    key, stored = new_api_key("partner", Rate(10, 1))
    recorder = Recorder(secret, key, stored.digest.hex())
    with ExampleCalls(recorder, addresses.base_url, secret, lambda: _flush(valkey)) as calls:
        calls.run(wait_for_demand=lambda: _wait_for_demand(postgres))
        problems.record_invalid_requests(recorder, calls)
        problems.record_idempotency(recorder, calls)
        strict = {"API_KEYS": stored.entry(), **problems.STRICT}
        problems.record_limits(recorder, _another_gateway(supervisor, environment, strict), secret)
        # Connections to it are made, and never answered.
        with socket.create_server((LOOPBACK, 0)) as silent:
            unanswered = {"JOBS_ADDR": f"{LOOPBACK}:{silent.getsockname()[1]}", **problems.WITHOUT_SECRET}
            problems.record_missing_secret(recorder, _another_gateway(supervisor, environment, unanswered))
        next(service for service in services if service.name == "jobs").stop()
        problems.record_unavailable(recorder, calls)
    recorder.write(path)


def _another_gateway(supervisor: Supervisor, environment: dict[str, str], changes: dict[str, str]) -> str:
    """Starts another gateway of the same services with those variables changed. Returns its URL."""
    addresses = Addresses.on_free_ports()
    changed = {**environment, **changes, "GATEWAY_PORT": str(addresses.gateway_port)}
    gateway: Service = product.services(addresses, changed)[-1]
    supervisor.start(gateway)
    return addresses.base_url


def _wait_for_demand(postgres: Postgres) -> None:
    """Returns once jobs has stored the demand for a comparison, which gateways report at intervals."""
    in_demand = "SELECT EXISTS (SELECT FROM comparisons WHERE last_requested_at IS NOT NULL)"
    until = time.monotonic() + _TIMEOUT
    with psycopg.connect(postgres.url, autocommit=True) as connection:
        while connection.execute(in_demand).fetchone() != (True,):
            if time.monotonic() > until:
                raise DevstackError(f"no demand was reported within {_TIMEOUT:.0f} s")
            time.sleep(0.1)


def _flush(valkey: Valkey) -> None:
    with redis.Redis.from_url(valkey.url) as client:
        client.flushall()


if __name__ == "__main__":
    sys.exit(main())
