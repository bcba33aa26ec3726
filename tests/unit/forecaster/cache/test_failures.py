"""What a Redis that goes away in the middle of a write looks like to the rest of the service."""

from __future__ import annotations

import pytest

from services.common import errors
from services.common.errors import WarmcastError
from services.forecaster.cache import store

# As uvloop says it, when the connection closed between the client's look at it and its write.
CLOSED = "unable to perform operation on <TCPTransport closed=True reading=False 0x55>; the handler is closed"


@pytest.mark.parametrize("failure", [RuntimeError(CLOSED), ConnectionResetError()])
async def test_a_connection_that_just_closed_means_that_redis_cannot_be_asked(failure: Exception) -> None:
    with pytest.raises(WarmcastError) as caught:
        async with store._translate_errors():
            raise failure
    assert caught.value.reason is errors.UNAVAILABLE


async def test_any_other_runtime_error_stays_a_bug() -> None:
    with pytest.raises(RuntimeError, match="dictionary changed size"):
        async with store._translate_errors():
            raise RuntimeError("dictionary changed size during iteration")
