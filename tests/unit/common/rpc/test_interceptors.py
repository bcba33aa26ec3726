"""The order of the interceptors."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from services.common.rpc.server.interceptors import (
    Call,
    Interceptor,
    InterceptorChain,
    WithAuth,
    WithConcurrency,
    WithDeadline,
    standard_interceptors,
    with_errors,
    with_metrics,
    with_request_id,
    with_trace,
)


def test_every_service_has_the_same_interceptors_in_the_same_order() -> None:
    guarded, unbounded = frozenset({"/a/B"}), frozenset({"/a/C"})
    chain = standard_interceptors(
        guarded=guarded, accepted_secrets=("s",), longest=3, unbounded=unbounded, max_concurrent_calls=40
    )
    # The ids first, so that every log line and count has them; errors inside metrics, so that their code is counted;
    # what may refuse a call inside errors, the cheapest first; the deadline last, since refusing takes no time.
    assert list(chain.interceptors) == [
        with_request_id,
        with_trace,
        with_metrics,
        with_errors,
        WithConcurrency(40),
        WithAuth(guarded, ("s",)),
        WithDeadline(3, unbounded),
    ]


async def test_interceptors_are_entered_in_order_and_left_in_reverse() -> None:
    passed: list[str] = []

    def interceptor(name: str) -> Interceptor:
        @asynccontextmanager
        async def around(call: Call) -> AsyncIterator[None]:
            passed.append(f"{name}>")
            try:
                yield
            finally:
                passed.append(f"<{name}")

        return around

    nobody: Any = None  # no interceptor here uses the call

    async def handle() -> None:
        async with InterceptorChain([interceptor("a"), interceptor("b"), interceptor("c")])._around(
            Call("/x/Y", (), nobody)
        ):
            passed.append("handler")
            raise KeyError

    with pytest.raises(KeyError):
        await handle()
    assert passed == ["a>", "b>", "c>", "handler", "<c", "<b", "<a"]
