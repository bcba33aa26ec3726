"""Flow control: when to read from a connection, and when a response waits for a slow reader."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT, FlowControl


class Flow(FlowControl):
    """Stops reading while received bytes wait to be parsed."""

    def __init__(self, transport: asyncio.Transport, parse_held: Callable[[], object]) -> None:
        """`parse_held` is called when uvicorn would resume reading."""
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
        """Waits while more than HIGH_WATER_LIMIT bytes are unsent.

        A response of one piece is written at once, so a slow reader does not count as a request in flight.
        """
        if self._transport.get_write_buffer_size() > HIGH_WATER_LIMIT:
            await super().drain()
