"""The addresses to which a gRPC target resolves."""

from __future__ import annotations

import pytest

from services.common.rpc.client.addresses import Address, resolver
from tests.integration.common.rpc.names import serving_names


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("127.0.0.1:50052", [Address("ipv4:127.0.0.1:50052", "127.0.0.1:50052")]),
        ("[::1]:50052", [Address("ipv6:[::1]:50052", "[::1]:50052")]),
        ("dns:///10.0.0.7:50052", [Address("ipv4:10.0.0.7:50052", "10.0.0.7:50052")]),
        ("dns:10.0.0.7", [Address("ipv4:10.0.0.7:443", "10.0.0.7")]),
        ("ipv4:10.0.0.7:1,10.0.0.8:2", [Address("ipv4:10.0.0.7:1"), Address("ipv4:10.0.0.8:2")]),
        ("ipv6:[::1]:1,[::2]:2", [Address("ipv6:[::1]:1"), Address("ipv6:[::2]:2")]),
        ("unix:/run/forecaster.sock", [Address("unix:/run/forecaster.sock")]),
    ],
)
async def test_a_target_resolves_to_its_addresses(target: str, expected: list[Address]) -> None:
    assert list(await resolver(target)()) == expected


@pytest.mark.parametrize("target", ["localhost:50052", "dns:///localhost:50052"])
async def test_a_name_is_resolved_by_the_system(target: str) -> None:
    assert Address("ipv4:127.0.0.1:50052", "localhost:50052") in await resolver(target)()


async def test_a_name_is_resolved_by_the_dns_server_of_the_target() -> None:
    async with serving_names("10.0.0.7", "10.0.0.8") as names:
        look_up = resolver(f"dns://127.0.0.1:{names.port}/forecaster.test:50052")
        assert [each.target for each in await look_up()] == ["ipv4:10.0.0.7:50052", "ipv4:10.0.0.8:50052"]
        names.addresses = ["10.0.0.9"]
        assert list(await look_up()) == [Address("ipv4:10.0.0.9:50052", "forecaster.test:50052")]


async def test_a_name_that_does_not_resolve_is_an_error() -> None:
    with pytest.raises(OSError):  # noqa: PT011 - any
        await resolver("dns:///no-such-name.invalid:1")()
