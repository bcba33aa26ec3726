"""`make run`: real stores, the three services and one sample comparison, in the foreground until Ctrl-C."""

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
from devstack.log_lines import readable
from devstack.private_files import kept_secret, published
from devstack.processes.child import DevstackError
from devstack.processes.supervisor import Supervisor
from devstack.processes.terminal import foreground_of_its_own
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
    """Returns the exit status: 0 after an orderly end, 1 when it could not start."""
    settings = load(StackSettings)
    supervisor = Supervisor(partial(say, "devstack"))
    with foreground_of_its_own():
        _handle_signals(supervisor)
        try:
            with _alone_in(settings.warmcast_data_dir):
                try:
                    _run(settings, supervisor)
                except Stop as stop:
                    say("devstack", f"{stop}: stopping (once more: at once)")
                finally:
                    supervisor.stop()
        except Stop:
            return 0  # before anything was started
        except DevstackError as error:
            print(f"warmcast: {error}", file=sys.stderr)
            return 1
    say("devstack", "stopped; the data are kept")
    return 0


def say(source: str, line: str) -> None:
    """Prints one line, with its source in front."""
    with _print_lock:
        try:
            print(f"{source:<10} | {line}", flush=True)
        except BrokenPipeError:
            # The output was closed; the services continue.
            sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115


def say_event(service: str, line: str) -> None:
    """A JSON log line of a service as text for people."""
    for text in readable(line):
        say(service, text)


def _run(settings: StackSettings, supervisor: Supervisor) -> None:
    data_dir = settings.warmcast_data_dir
    addresses = _addresses(settings)
    stores: list[Postgres | Valkey] = []
    if not settings.database_url:
        stores.append(Postgres(data_dir / "postgres", say=say))
    if not settings.redis_url:
        stores.append(Valkey(data_dir / "valkey", say=say))
    say("devstack", f"starting {' and '.join(store.name for store in stores) or 'no store'} in {data_dir}")
    supervisor.start(*stores)
    urls = {store.name: store.url for store in stores}
    secret = settings.accepted_secrets()[0] if settings.warmup_secret else kept_secret(data_dir / "warmup-secret")
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
    product.migrate(environment, say)
    say("devstack", "starting forecaster, jobs and gateway")
    # The services write JSON, which costs the gateway least; it becomes text here, unless a format was set.
    supervisor.start(*product.services(addresses, environment, say if "LOG_FORMAT" in environment else say_event))
    sample.load_sample(addresses.reachable_host, addresses.gateway_port, secret)
    with published(data_dir / CLIENT_FILE, _for_clients(addresses, secret)):
        _announce(addresses, secret, data_dir)
        while True:
            supervisor.tend()
            time.sleep(0.2)


def _addresses(settings: StackSettings) -> Addresses:
    port = settings.gateway_port or free_port()
    if not is_free(settings.gateway_host, port):
        raise DevstackError(
            f"port {port} of {settings.gateway_host} is taken; stop what listens there, "
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


def _for_clients(addresses: Addresses, secret: str) -> dict[str, str]:
    """What `warmcast` in this checkout reads in place of environment variables, and the gateway's address."""
    return {
        "gateway_url": addresses.base_url,
        "jobs_addr": addresses.jobs_addr,
        "forecaster_addr": addresses.forecaster_addr,
        "warmup_secret": secret,
    }


def _announce(addresses: Addresses, secret: str, data_dir: Path) -> None:
    url = addresses.base_url
    # Another data folder than the default has to be named to `warmcast` too.
    folder = "" if data_dir == DATA_DIR else f"WARMCAST_DATA_DIR={shlex.quote(str(data_dir.absolute()))} "
    warmcast = folder + shlex.quote(str(Path(sys.executable).parent / "warmcast"))
    lines = f"""
Warmcast answers at {url} (API: {url}/docs)

  the warmup secret     {secret}
  a premium answer      curl -s '{url}/api/comparison/premium?slug={sample.SLUG}&tf={sample.TIMEFRAME}'
                        (the first one says queued; a few seconds later it is ready)
  your own data         {warmcast} import multiTimeline.csv
  the queue             {warmcast} status

The sample: {" and ".join(sample.TERMS)} ({sample.SOURCE}). Ctrl-C stops everything.
"""
    with _print_lock:
        print(lines, flush=True)


@contextmanager
def _alone_in(data_dir: Path) -> Iterator[None]:
    """Holds the data folder against a second `make run`; the lock ends with the process, however it ends."""
    try:
        data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = (data_dir / "lock").open("a+", encoding="ascii")
    except OSError as error:
        raise DevstackError(f"the data folder {data_dir} cannot be used: {error}") from None
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            lock.seek(0)
            holder = lock.read(20).strip() or "unknown"
            raise DevstackError(
                f"{data_dir} is in use by another `make run` (process {holder}); "
                "stop that one, or choose another folder with WARMCAST_DATA_DIR"
            ) from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield


def _handle_signals(supervisor: Supervisor) -> None:
    """The first signal raises Stop; another one, not of the same moment, ends everything by force."""
    first: list[float] = []

    def handle(number: int, frame: FrameType | None) -> None:
        if not first:
            first.append(time.monotonic())
            raise Stop(signal.Signals(number).name)
        # `make` hands on a SIGTERM that its whole group got already: one stop, two signals.
        if time.monotonic() - first[0] > 0.5:
            supervisor.kill()
            os._exit(130)

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, handle)


if __name__ == "__main__":
    sys.exit(main())
