"""Errors of a connection that closes during a write."""

from __future__ import annotations

import pytest

from services.common import errors
from services.common.errors import WarmcastError
from services.forecaster.cache import store

# As uvloop says it, when the connection closed between the client's look at it and its write.
CLOSED = "unable to perform operation on <TCPTransport closed=True reading=False 0x55>; the handler is closed"


@pytest.mark.parametrize("failure", [RuntimeError(CLOSED), ConnectionResetError()])
async def test_a_connection_that_just_closed_means_that_redis_is_unavailable(failure: Exception) -> None:
    with pytest.raises(WarmcastError) as caught:
        async with store._translate_errors():
            raise failure
    assert caught.value.reason is errors.UNAVAILABLE


async def test_any_other_runtime_error_is_raised() -> None:
    with pytest.raises(RuntimeError, match="dictionary changed size"):
        async with store._translate_errors():
            raise RuntimeError("dictionary changed size during iteration")
