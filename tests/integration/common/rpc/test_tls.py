"""TLS between services, and the port for probes beside it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import grpc
import pytest
import trustme
from grpc_health.v1 import health_pb2, health_pb2_grpc
from pydantic import ValidationError

from devstack.stores.ports import LOOPBACK, free_port
from services.cli.settings import ClientSettings
from services.common.rpc.client.channel import open_channel
from services.common.rpc.server.interceptors import standard_interceptors
from services.common.rpc.server.server import READINESS, Server
from services.common.rpc.services import FORECASTER
from services.common.rpc.tls import Tls

SERVING = health_pb2.HealthCheckResponse.SERVING


def certified(authority: trustme.CA, name: str = LOOPBACK, believed: trustme.CA | None = None) -> Tls:
    """A certificate of that authority for that name; its holder trusts the same authority or `believes`."""
    issued = authority.issue_cert(name)
    chain = b"".join(part.bytes() for part in issued.cert_chain_pems)
    return Tls(chain, issued.private_key_pem.bytes(), (believed or authority).cert_pem.bytes())


@asynccontextmanager
async def serving(tls: Tls | None, health: str | None = None) -> AsyncIterator[str]:
    server = Server(
        standard_interceptors(guarded=frozenset(), accepted_secrets=(), longest=5), services=[FORECASTER.name]
    )
    port = await server.start(f"{LOOPBACK}:0", tls=tls, health=health)
    try:
        yield f"{LOOPBACK}:{port}"
    finally:
        await server.stop(0)


async def status(address: str, tls: Tls | None, service: str = "") -> int:
    """The status of the health service there. Raises the error of gRPC if the call fails."""
    async with open_channel(address, tls=tls) as channel:
        request = health_pb2.HealthCheckRequest(service=service)
        response = await health_pb2_grpc.HealthStub(channel).Check(request, timeout=5)
        return int(response.status)


async def test_client_and_server_need_certificates_of_the_same_authority() -> None:
    ours = trustme.CA()
    async with serving(certified(ours)) as address:
        assert await status(address, certified(ours)) == SERVING


@pytest.mark.parametrize(
    "caller",
    [
        pytest.param(lambda _ours: None, id="speaks plainly"),
        pytest.param(lambda ours: certified(trustme.CA(), believed=ours), id="certificate of another authority"),
        pytest.param(lambda _ours: certified(trustme.CA()), id="believes another authority"),
    ],
)
async def test_a_client_without_a_trusted_certificate_is_refused(caller: Callable[[trustme.CA], Tls | None]) -> None:
    ours = trustme.CA()
    async with serving(certified(ours)) as address:
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await status(address, caller(ours))
        assert refused.value.code() is grpc.StatusCode.UNAVAILABLE


async def test_a_server_certificate_with_another_name_is_refused() -> None:
    ours = trustme.CA()
    async with serving(certified(ours, "somebody.else")) as address:
        with pytest.raises(grpc.aio.AioRpcError):
            await status(address, certified(ours))


async def test_the_port_for_probes_serves_only_health_without_tls() -> None:
    door = f"{LOOPBACK}:{free_port()}"
    async with serving(certified(trustme.CA()), health=door):
        assert await status(door, None) == SERVING
        assert await status(door, None, READINESS) == health_pb2.HealthCheckResponse.NOT_SERVING
        async with open_channel(door) as channel:
            reflect: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(
                "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"
            )
            with pytest.raises(grpc.aio.AioRpcError) as refused:
                await reflect(b"", timeout=5)
        assert refused.value.code() is grpc.StatusCode.UNIMPLEMENTED


def test_a_missing_tls_file_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TLS_CERT_FILE", "a.pem")
    monkeypatch.setenv("TLS_CA_FILE", "ca.pem")
    with pytest.raises(ValidationError, match="TLS needs all three files: set TLS_KEY_FILE too"):
        ClientSettings()


@pytest.mark.parametrize("content", [None, b"no certificate"], ids=["missing", "not PEM"])
def test_an_invalid_tls_file_is_named(
    content: bytes | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = tmp_path / "tls.crt"
    if content is not None:
        bad.write_bytes(content)
    for name in ("TLS_CERT_FILE", "TLS_KEY_FILE", "TLS_CA_FILE"):
        monkeypatch.setenv(name, str(bad))
    with pytest.raises(SystemExit) as ended:
        ClientSettings().tls()
    assert ended.value.code == 2
    assert f"configuration: TLS_CERT_FILE: {bad}: " in capsys.readouterr().err
