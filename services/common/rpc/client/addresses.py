"""The current addresses of a gRPC target: a static list, or the records of a DNS name."""

from __future__ import annotations

import asyncio
import ipaddress
import re
import socket
from collections.abc import Callable, Coroutine
from dataclasses import dataclass

import dns.asyncresolver
import dns.exception
import dns.resolver

_DEFAULT_PORT = "443"  # gRPC's own
_DNS_PORT = 53
_DNS_SECONDS = 2.0
_HOST_PORT = re.compile(r"(?:\[(?P<v6>[^\]]+)\]|(?P<host>[^:\[\]]+))(?::(?P<port>\d+))?")


@dataclass(frozen=True, order=True)
class Address:
    """One address: a channel target, and the name for the server's certificate; empty: the target."""

    target: str
    authority: str = ""


Resolve = Callable[[], Coroutine[None, None, tuple[Address, ...]]]


def resolver(target: str) -> Resolve:
    """A function that looks up the addresses of a target as `open_channel` takes it; it raises OSError.

    A target of another kind than `host:port`, `dns:`, `ipv4:` and `ipv6:` is its own single address.
    """
    scheme, separator, rest = target.partition(":")
    if separator and scheme in ("ipv4", "ipv6"):
        return _fixed(*(Address(f"{scheme}:{each}") for each in rest.split(",") if each))
    server, name = _dns_name(target)
    found = _HOST_PORT.fullmatch(name)
    if found is None:
        return _fixed(Address(target))
    host, port = found["v6"] or found["host"], found["port"] or _DEFAULT_PORT
    if _is_ip(host):
        return _fixed(_address(host, port, name))
    if server:
        return lambda: _query_server(server, host, port, name)
    return lambda: _query_system(host, port, name)


def _dns_name(target: str) -> tuple[str, str]:
    """The DNS server that a target names, if any, and the name to resolve."""
    if not target.startswith("dns:"):
        return "", target
    rest = target.removeprefix("dns:")
    if not rest.startswith("//"):
        return "", rest.removeprefix("/")
    server, _, name = rest.removeprefix("//").partition("/")
    return server, name


def _fixed(*addresses: Address) -> Resolve:
    async def known() -> tuple[Address, ...]:
        return addresses

    return known


async def _query_system(host: str, port: str, name: str) -> tuple[Address, ...]:
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return _addresses({str(sockaddr[0]) for *_, sockaddr in found}, port, name)


async def _query_server(server: str, host: str, port: str, name: str) -> tuple[Address, ...]:
    found = _HOST_PORT.fullmatch(server)
    if found is None:
        raise OSError("the target names no DNS server")
    dns_resolver = dns.asyncresolver.Resolver(configure=False)
    dns_resolver.nameservers = [found["v6"] or found["host"]]
    dns_resolver.port = int(found["port"] or _DNS_PORT)
    dns_resolver.lifetime = _DNS_SECONDS
    hosts: set[str] = set()
    for kind in ("A", "AAAA"):
        try:
            hosts.update(record.to_text() for record in await dns_resolver.resolve(host, kind))
        except (dns.resolver.NoAnswer, dns.resolver.NXDOMAIN):
            continue
        except dns.exception.DNSException as error:
            raise OSError(type(error).__name__) from None
    return _addresses(hosts, port, name)


def _addresses(hosts: set[str], port: str, name: str) -> tuple[Address, ...]:
    return tuple(_address(host, port, name) for host in sorted(hosts))


def _address(host: str, port: str, name: str) -> Address:
    return Address(f"ipv6:[{host}]:{port}" if ":" in host else f"ipv4:{host}:{port}", authority=name)


def _is_ip(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
