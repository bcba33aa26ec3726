"""Ports on the loopback interface."""

from __future__ import annotations

import pytest

from devstack.stores import ports


def test_parallel_test_processes_use_different_ports(monkeypatch: pytest.MonkeyPatch) -> None:
    for index in range(3):
        monkeypatch.setattr(ports, "share", (index, 3))
        assert {(ports.free_port() - 10_000) % 3 for _ in range(50)} == {index}
