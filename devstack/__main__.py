"""`make run`: starts PostgreSQL, Valkey, the three services and one sample comparison, until Ctrl-C."""

from __future__ import annotations

import fcntl
import os
import shlex
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import FrameType

from devstack import product, sample
from devstack.log_lines import format_log_line
from devstack.private_files import load_or_create_secret, temporary_json_file
from devstack.processes.child import DevstackError
from devstack.processes.supervisor import Supervisor
from devstack.processes.terminal import own_foreground_group
from devstack.product import Addresses
from devstack.settings import DATA_DIR, StackSettings, inherited
from devstack.stores.ports import LOOPBACK, free_port, is_free
from devstack.stores.postgres import Postgres
from devstack.stores.valkey import Valkey
from services.cli.settings import CLIENT_FILE
from services.common.settings import load

_print_lock = threading.Lock()


class Stop(Exception):
    """The first Ctrl-C or SIGTERM."""


def main() -> int:
    """Returns the exit status: 0 after an orderly stop, 1 after a failed start."""
    settings = load(StackSettings)
    supervisor = Supervisor(partial(print_line, "devstack"))
    with own_foreground_group():
        _handle_signals(supervisor)
        try:
            with _exclusive(settings.warmcast_data_dir):
                try:
                    _run(settings, supervisor)
                except Stop as stop:
                    print_line("devstack", f"{stop}: stopping (a second signal kills all processes)")
                finally:
                    supervisor.stop()
        except Stop:
            return 0  # no process was started yet
        except DevstackError as error:
            print(f"warmcast: {error}", file=sys.stderr)
            return 1
    print_line("devstack", "stopped; the data folder is kept")
    return 0


def print_line(source: str, line: str) -> None:
    """Prints one line, prefixed with its source."""
    with _print_lock:
        try:
            print(f"{source:<10} | {line}", flush=True)
        except BrokenPipeError:
            # stdout was closed, for example by `head`; the services continue.
            sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115


def print_event(service: str, line: str) -> None:
    """Prints a JSON log line of a service as readable text."""
    for text in format_log_line(line):
        print_line(service, text)


def _run(settings: StackSettings, supervisor: Supervisor) -> None:
    data_dir = settings.warmcast_data_dir
    addresses = _addresses(settings)
    stores: list[Postgres | Valkey] = []
    if not settings.database_url:
        stores.append(Postgres(data_dir / "postgres", on_line=print_line))
    if not settings.redis_url:
        stores.append(Valkey(data_dir / "valkey", on_line=print_line))
    print_line("devstack", f"starting {' and '.join(store.name for store in stores) or 'no store'} in {data_dir}")
    supervisor.start(*stores)
    urls = {store.name: store.url for store in stores}
    secret = (
        settings.accepted_secrets()[0] if settings.warmup_secret else load_or_create_secret(data_dir / "warmup-secret")
    )
    environment = {
        "DRAIN_SECONDS": "5",
        **inherited(),
        **product.wiring(
            addresses,
            database_url=settings.database_url.get_secret_value() if settings.database_url else urls["postgres"],
            redis_url=settings.redis_url.get_secret_value() if settings.redis_url else urls["valkey"],
        ),
        "WARMUP_SECRET": secret,
    }
    product.migrate(environment, print_line)
    print_line("devstack", "starting forecaster, jobs and gateway")
    # JSON is the cheapest log format for the gateway. It is formatted here, unless LOG_FORMAT is set.
    supervisor.start(
        *product.services(addresses, environment, print_line if "LOG_FORMAT" in environment else print_event)
    )
    sample.load_sample(addresses.reachable_host, addresses.gateway_port, secret)
    with temporary_json_file(data_dir / CLIENT_FILE, _client_settings(addresses, secret)):
        _announce(addresses, secret, data_dir)
        while True:
            supervisor.check()
            time.sleep(0.2)


def _addresses(settings: StackSettings) -> Addresses:
    port = settings.gateway_port or free_port()
    if not is_free(settings.gateway_host, port):
        raise DevstackError(
            f"port {port} of {settings.gateway_host} is in use; stop the process that listens there, "
            "or choose another with GATEWAY_PORT=8081 make run"
        )
    jobs = settings.jobs_listen or f"{LOOPBACK}:{free_port()}"
    forecaster = settings.forecaster_listen or f"{LOOPBACK}:{free_port()}"
    return Addresses(
        gateway_host=settings.gateway_host,
        gateway_port=port,
        jobs_listen=jobs,
        jobs_addr=settings.jobs_addr or product.reachable(jobs),
        forecaster_listen=forecaster,
        forecaster_addr=settings.forecaster_addr or product.reachable(forecaster),
    )


def _client_settings(addresses: Addresses, secret: str) -> dict[str, str]:
    """The settings that `warmcast` in this checkout reads if environment variables are unset, and the gateway's URL."""
    return {
        "gateway_url": addresses.base_url,
        "jobs_addr": addresses.jobs_addr,
        "forecaster_addr": addresses.forecaster_addr,
        "warmup_secret": secret,
    }


def _announce(addresses: Addresses, secret: str, data_dir: Path) -> None:
    url = addresses.base_url
    # `warmcast` needs the data folder too if it is not the default one.
    folder = "" if data_dir == DATA_DIR else f"WARMCAST_DATA_DIR={shlex.quote(str(data_dir.absolute()))} "
    warmcast = folder + shlex.quote(str(Path(sys.executable).parent / "warmcast"))
    lines = f"""
Warmcast is running at {url}

  the sample's page     {url}/compare/{sample.SLUG}?tf={sample.TIMEFRAME}
  import on a page      {url}/import
  the console           {url}/ops
  the warmup secret     {secret}
  the API               {url}/docs
  a premium answer      curl -s '{url}/api/comparison/premium?slug={sample.SLUG}&tf={sample.TIMEFRAME}'
                        (queued on the first call; ready a few seconds later)
  your own data         {warmcast} import multiTimeline.csv
  the queue             {warmcast} status

The sample: {" and ".join(sample.TERMS)} ({sample.SOURCE}). Ctrl-C stops everything.
"""
    with _print_lock:
        print(lines, flush=True)


@contextmanager
def _exclusive(data_dir: Path) -> Iterator[None]:
    """Locks the data folder against a second `make run`. The kernel releases the lock when this process exits."""
    try:
        data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = (data_dir / "lock").open("a+", encoding="ascii")
    except OSError as error:
        raise DevstackError(f"cannot use the data folder {data_dir}: {error}") from None
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            lock.seek(0)
            holder = lock.read(20).strip() or "unknown"
            raise DevstackError(
                f"{data_dir} is in use by another `make run` (process {holder}); "
                "stop it, or set WARMCAST_DATA_DIR to another folder"
            ) from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield


def _handle_signals(supervisor: Supervisor) -> None:
    """The first signal raises Stop. A second signal, more than 0.5 s later, kills all processes."""
    first: list[float] = []

    def handle(number: int, frame: FrameType | None) -> None:
        if not first:
            first.append(time.monotonic())
            raise Stop(signal.Signals(number).name)
        # A SIGTERM to the process group arrives twice, since `make` forwards it.
        if time.monotonic() - first[0] > 0.5:
            supervisor.kill()
            os._exit(130)

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, handle)


if __name__ == "__main__":
    sys.exit(main())
