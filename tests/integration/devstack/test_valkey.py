"""Valkey from a wheel: it starts, keeps what it was given, and comes back from every end."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from devstack.processes.child import DevstackError
from devstack.stores.valkey import Valkey


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Valkey]:
    server = Valkey(tmp_path / "store")
    server.start()
    yield server
    server.stop()


def test_it_requires_a_password_and_evicts_nothing(server: Valkey) -> None:
    with redis.Redis.from_url(server.url) as client:
        assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
    with (
        redis.Redis.from_url("redis://" + server.url.split("@")[1]) as stranger,
        pytest.raises(redis.AuthenticationError),
    ):
        stranger.ping()


def test_only_the_owner_can_read_password_and_configuration(server: Valkey) -> None:
    for name in ("password", "valkey.conf"):
        assert stat.S_IMODE((server.data_dir / name).stat().st_mode) == 0o600


@pytest.mark.parametrize("end", ["stop", "kill"])
def test_data_survive_a_restart(server: Valkey, end: str) -> None:
    url = server.url
    with redis.Redis.from_url(url) as client:
        client.set("kept", "42")
        assert client.waitaof(1, 0, 5000)[0] == 1  # on disk
    getattr(server, end)()
    assert not server.running
    server.start()
    assert server.url == url
    with redis.Redis.from_url(url) as client:
        assert client.get("kept") == b"42"


def test_the_error_contains_the_servers_log(tmp_path: Path) -> None:
    server = Valkey(tmp_path / "store", settings={"no-such-setting": "1"})
    with pytest.raises(DevstackError, match="no-such-setting"):
        server.start()
    assert not server.running
