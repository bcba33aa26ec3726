"""A channel on which every call has a deadline.

The service config's `timeout` does not work in Python (grpc/grpc#34547): calls with "1s" failed at once, and the server
did not receive it. An interceptor would cost a task a call.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import grpc

from services.common.rpc.limits import LONGEST_CALL_SECONDS
from services.common.runtime import deadline

# Any: methods of every service, with any message types.
Call = Callable[..., Any]


class BoundedChannel(grpc.aio.Channel):
    """Wraps a channel: calls end at their own timeout or at the deadline of the task, whichever is sooner.

    A call without a timeout gets LONGEST_CALL_SECONDS.
    """

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._channel = channel

    def unary_unary(self, *arguments: Any, **named: Any) -> Any:
        """See grpc.aio.Channel."""
        return _bounded(self._channel.unary_unary(*arguments, **named))

    def unary_stream(self, *arguments: Any, **named: Any) -> Any:
        """See grpc.aio.Channel."""
        return _bounded(self._channel.unary_stream(*arguments, **named))

    def stream_unary(self, *arguments: Any, **named: Any) -> Any:
        """See grpc.aio.Channel."""
        return _bounded(self._channel.stream_unary(*arguments, **named))

    def stream_stream(self, *arguments: Any, **named: Any) -> Any:
        """See grpc.aio.Channel."""
        return _bounded(self._channel.stream_stream(*arguments, **named))

    async def __aenter__(self) -> BoundedChannel:
        """See grpc.aio.Channel."""
        await self._channel.__aenter__()
        return self

    async def __aexit__(self, *raised: Any) -> bool | None:
        """See grpc.aio.Channel."""
        return await self._channel.__aexit__(*raised)

    async def close(self, grace: float | None = None) -> None:
        """See grpc.aio.Channel."""
        await self._channel.close(grace)

    def get_state(self, try_to_connect: bool = False) -> grpc.ChannelConnectivity:
        """See grpc.aio.Channel."""
        return self._channel.get_state(try_to_connect)

    async def wait_for_state_change(self, last_observed_state: grpc.ChannelConnectivity) -> None:
        """See grpc.aio.Channel."""
        await self._channel.wait_for_state_change(last_observed_state)

    async def channel_ready(self) -> None:
        """See grpc.aio.Channel."""
        await self._channel.channel_ready()


def _bounded(call: Call) -> Call:
    def bounded(request: Any = None, *, timeout: float | None = None, **named: Any) -> Any:
        longest = LONGEST_CALL_SECONDS if timeout is None else min(timeout, LONGEST_CALL_SECONDS)
        return call(request, timeout=deadline.bounded(longest), **named)

    return bounded
