"""A DNS server for a test, on the loopback interface."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import cast

import dns.message
import dns.rdataclass
import dns.rdatatype
import dns.rrset

from devstack.stores.ports import LOOPBACK


@dataclass
class Names(asyncio.DatagramProtocol):
    """Answers each A query with the current addresses, and other queries with none."""

    addresses: list[str]
    port: int = 0
    queries: int = 0  # A queries so far
    silent: bool = False  # answers nothing
    unanswered: int = 0  # queries without an answer
    _transport: asyncio.DatagramTransport | None = field(default=None, repr=False)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See asyncio.DatagramProtocol."""
        self._transport = cast("asyncio.DatagramTransport", transport)  # asyncio's class is not a subclass
        self.port = transport.get_extra_info("sockname")[1]

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """See asyncio.DatagramProtocol."""
        assert self._transport is not None
        query = dns.message.from_wire(data)
        [question] = query.question
        if self.silent:
            self.unanswered += 1
            return
        answer = dns.message.make_response(query, recursion_available=True)
        if question.rdtype == dns.rdatatype.A:
            self.queries += 1
            found = dns.rrset.from_text_list(question.name, 1, dns.rdataclass.IN, question.rdtype, self.addresses)
            answer.answer.append(found)
        self._transport.sendto(answer.to_wire(), addr)


@asynccontextmanager
async def serving_names(*addresses: str) -> AsyncIterator[Names]:
    """A DNS server on which every name has these addresses; the test may change them."""
    names = Names(list(addresses))
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(lambda: names, local_addr=(LOOPBACK, 0))
    try:
        yield names
    finally:
        transport.close()
