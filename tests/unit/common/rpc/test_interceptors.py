"""The one order of the chain, and that links are passed in it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from services.common.rpc.server.interceptors import (
    Around,
    Call,
    Chain,
    WithAuth,
    WithConcurrency,
    WithDeadline,
    standard_chain,
    with_errors,
    with_metrics,
    with_request_id,
    with_trace,
)


def test_every_service_has_the_same_links_in_the_same_order() -> None:
    guarded, unbounded = frozenset({"/a/B"}), frozenset({"/a/C"})
    chain = standard_chain(
        guarded=guarded, accepted_secrets=("s",), longest=3, unbounded=unbounded, max_concurrent_calls=40
    )
    # Identity first, so that every line and every count has it; errors inside metrics, so that their code is counted;
    # what may refuse a call inside errors, the cheapest first; the deadline last, since refusing takes no time.
    assert list(chain.links) == [
        with_request_id,
        with_trace,
        with_metrics,
        with_errors,
        WithConcurrency(40),
        WithAuth(guarded, ("s",)),
        WithDeadline(3, unbounded),
    ]


async def test_links_are_entered_in_order_and_left_in_reverse() -> None:
    passed: list[str] = []

    def link(name: str) -> Around:
        @asynccontextmanager
        async def around(call: Call) -> AsyncIterator[None]:
            passed.append(f"{name}>")
            try:
                yield
            finally:
                passed.append(f"<{name}")

        return around

    nobody: Any = None  # no link here looks at the call

    async def handle() -> None:
        async with Chain([link("a"), link("b"), link("c")])._around(Call("/x/Y", (), nobody)):
            passed.append("handler")
            raise KeyError

    with pytest.raises(KeyError):
        await handle()
    assert passed == ["a>", "b>", "c>", "handler", "<c", "<b", "<a"]
