"""Starts the product on stores of its own, takes the walk, and writes `examples.json`: `make examples`."""

from __future__ import annotations

import secrets
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
from devstack.stores.postgres import Postgres
from devstack.stores.valkey import Valkey
from devtools.examples import refusals
from devtools.examples.recorder import Recorder
from devtools.examples.walk import Walk
from services.gateway.auth.api_keys import new_api_key
from services.gateway.auth.rate_limits import Rate
from services.gateway.openapi.examples import PATH

_PATIENCE = 60.0  # seconds


def main() -> int:
    """Returns the exit status: 1 when an answer was not what it should be an example of."""
    supervisor = Supervisor(lambda line: print(line, file=sys.stderr))
    with tempfile.TemporaryDirectory(prefix="warmcast-examples-") as folder:
        try:
            make(Path(folder), supervisor, PATH)
        except DevstackError as error:
            print(f"examples: {error}", file=sys.stderr)
            return 1
        finally:
            supervisor.stop()
    print(f"wrote {PATH.name}; `make docs` takes it over")
    return 0


def make(folder: Path, supervisor: Supervisor, path: Path) -> None:
    """Starts everything in `folder` and writes the examples to `path`. Raises DevstackError; stops nothing."""
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
    key, kept = new_api_key("partner", Rate(10, 1))
    recorder = Recorder(secret, key, kept.digest.hex())
    with Walk(recorder, addresses.base_url, secret, lambda: _forget(valkey)) as walk:
        walk.take(until_demand_is_told=lambda: _demand_is_told(postgres))
        refusals.refuse_the_public(recorder, walk)
        refusals.refuse_repeats(recorder, walk)
        strict = {"API_KEYS": kept.entry(), **refusals.STRICT}
        refusals.refuse_by_limits(recorder, _another_gateway(supervisor, environment, strict), secret)
        silent = _another_gateway(supervisor, environment, refusals.WITHOUT_SECRET)
        refusals.refuse_without_secret(recorder, silent)
        next(service for service in services if service.name == "jobs").stop()
        refusals.refuse_without_jobs(recorder, walk)
    recorder.write(path)


def _another_gateway(supervisor: Supervisor, environment: dict[str, str], changes: dict[str, str]) -> str:
    """The address of a gateway of its own with those variables changed, in front of the same services."""
    addresses = Addresses.on_free_ports()
    changed = {**environment, **changes, "GATEWAY_PORT": str(addresses.gateway_port)}
    gateway: Service = product.services(addresses, changed)[-1]
    supervisor.start(gateway)
    return addresses.base_url


def _demand_is_told(postgres: Postgres) -> None:
    """Returns once jobs has received the demand for a comparison, which gateways report at intervals."""
    asked_for = "SELECT EXISTS (SELECT FROM comparisons WHERE last_asked_at IS NOT NULL)"
    until = time.monotonic() + _PATIENCE
    with psycopg.connect(postgres.url, autocommit=True) as connection:
        while connection.execute(asked_for).fetchone() != (True,):
            if time.monotonic() > until:
                raise DevstackError(f"no demand was reported within {_PATIENCE:.0f} s")
            time.sleep(0.1)


def _forget(valkey: Valkey) -> None:
    with redis.Redis.from_url(valkey.url) as client:
        client.flushall()


if __name__ == "__main__":
    sys.exit(main())
