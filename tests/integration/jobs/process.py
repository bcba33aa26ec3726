"""The jobs service as a process, without the other services."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from devstack import product
from devstack.product import Addresses, Service
from devstack.readiness import grpc_alive, grpc_ready
from tests.integration.jobs.service import SECRET

_KEPT = ("PATH", "HOME", "TMPDIR", "LANG", "LC_", "LD_", "PYTHON")
DRAIN_SECONDS = 2


@contextmanager
def jobs_process(database_url: str, **changes: str) -> Iterator[Service]:
    """Started, perhaps not ready yet. Its forecaster does not exist."""
    addresses = Addresses.on_free_ports()
    environment = {
        **{name: value for name, value in os.environ.items() if name.startswith(_KEPT)},
        **product.wiring(addresses, database_url=database_url, redis_url="redis://127.0.0.1:1/0"),
        "LOG_FORMAT": "console",
        "DRAIN_SECONDS": str(DRAIN_SECONDS),
        "DATABASE_POOL_SIZE": "3",
        "POLL_SECONDS": "0.5",
        "WARMUP_SECRET": SECRET,
        **changes,
    }
    address = addresses.jobs_addr
    service = Service("jobs", environment, partial(grpc_ready, address), is_alive=partial(grpc_alive, address))
    try:
        service.launch()
        yield service
    finally:
        service.send(signal.SIGCONT)
        service.stop()
        print(service.tail(60))  # pytest shows it when the test fails
