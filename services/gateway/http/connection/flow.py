"""When the gateway reads from a connection, and when an answer has to wait for its reader."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT, FlowControl


class Flow(FlowControl):
    """Reads nothing more while bytes that were received wait to be parsed."""

    def __init__(self, transport: asyncio.Transport, parse_held: Callable[[], object]) -> None:
        """`parse_held` is called when uvicorn would read on."""
        super().__init__(transport)
        self.holding = False
        self._parse_held = parse_held

    def resume_reading(self) -> None:
        """See FlowControl."""
        if self.holding:
            self._parse_held()
        else:
            super().resume_reading()

    async def drain(self) -> None:
        """Waits while more than HIGH_WATER_LIMIT is unsent; an answer of one piece is written at once.

        So a slow reader holds its bytes, and not one of the requests in flight.
        """
        if self._transport.get_write_buffer_size() > HIGH_WATER_LIMIT:
            await super().drain()
