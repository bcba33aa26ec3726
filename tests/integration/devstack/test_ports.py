"""Free ports differ, and a port that somebody else has ends each gRPC service with a line that says so."""

from __future__ import annotations

import os
import socket
import subprocess
import sys

import pytest

from devstack.stores import ports
from devstack.stores.ports import LOOPBACK, free_port


@pytest.mark.parametrize("share", [(0, 1), (2, 3), (131, 132)])
def test_ports_that_are_not_in_use_yet_differ(monkeypatch: pytest.MonkeyPatch, share: tuple[int, int]) -> None:
    monkeypatch.setattr(ports, "share", share)
    first = [free_port() for _ in range(200)]
    assert len(set(first)) == 200
    assert {port % share[1] for port in first} == {(10_000 + share[0]) % share[1]}
    assert not set(first[100:]) & {free_port() for _ in range(100)}


@pytest.mark.parametrize("service", ["jobs", "forecaster"])
@pytest.mark.parametrize("taken", ["METRICS_PORT", "LISTEN"])
def test_a_taken_port_is_named_and_ends_the_service(service: str, taken: str) -> None:
    with socket.create_server(("" if taken == "METRICS_PORT" else LOOPBACK, 0)) as somebody_else:
        port = somebody_else.getsockname()[1]
        ports = {"METRICS_PORT": 0, "LISTEN": free_port()} | {taken: port}
        environment = os.environ | {
            "DATABASE_URL": f"postgresql://nobody@{LOOPBACK}:1/none",
            "REDIS_URL": f"redis://{LOOPBACK}:1/0",
            "METRICS_PORT": str(ports["METRICS_PORT"]),
            f"{service.upper()}_LISTEN": f"{LOOPBACK}:{ports['LISTEN']}",
            "WORKER_SLOTS": "1",
        }
        ended = subprocess.run(
            [sys.executable, "-m", "services.cli", service],
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert ended.returncode == 1
    assert "cannot listen on " in ended.stderr
    assert str(port) in ended.stderr
    assert f"is {'METRICS_PORT' if taken == 'METRICS_PORT' else 'the port'} taken?" in ended.stderr
    assert "Traceback" not in ended.stdout + ended.stderr
