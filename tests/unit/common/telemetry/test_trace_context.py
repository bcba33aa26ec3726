"""W3C Trace Context: what is taken up, what is not, and what is sent on."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from services.common.rpc import metadata
from services.common.telemetry import trace_context
from services.common.telemetry.trace_context import Traceparent, child_of, new_traceparent, parse_traceparent

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
SPAN = "00f067aa0ba902b7"


@pytest.fixture
def in_trace() -> Iterator[Traceparent]:
    trace = new_traceparent()
    token = trace_context.traceparent.set(trace)
    yield trace
    trace_context.traceparent.reset(token)


@pytest.mark.parametrize(
    ("header", "flags"),
    [
        (f"00-{TRACE}-{SPAN}-00", 0),
        (f"00-{TRACE}-{SPAN}-01", 1),
        (f"00-{TRACE}-{SPAN}-ff", 3),  # flags that are not known are not passed on
        (f"01-{TRACE}-{SPAN}-01", 1),  # a later version is read as far as it is known
        (f"cc-{TRACE}-{SPAN}-01-what-the-future-will-be-like", 1),
    ],
)
def test_a_valid_header_is_taken_up(header: str, flags: int) -> None:
    assert parse_traceparent(header) == Traceparent(TRACE, SPAN, flags)


@pytest.mark.parametrize(
    "header",
    [
        "",
        "00",
        f"ff-{TRACE}-{SPAN}-01",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE.upper()}-{SPAN}-01",
        f"00-{TRACE[:-1]}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}-1",
        f"00-{TRACE}-{SPAN}-01-",
        f"00-{TRACE}-{SPAN}-01-more",
        f"01-{TRACE}-{SPAN}-01more",
        f" 00-{TRACE}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}-01\n",
        f"00-{TRACE}-{SPAN}-0g",
        f"00_{TRACE}_{SPAN}_01",
    ],
)
def test_an_invalid_header_begins_a_new_trace(header: str) -> None:
    assert parse_traceparent(header) is None
    begun = child_of(header)
    assert begun.trace_id != TRACE
    assert parse_traceparent(str(begun)) == begun


def test_a_child_stays_in_its_trace_under_a_span_of_its_own() -> None:
    child = child_of(f"00-{TRACE}-{SPAN}-01")
    assert (child.trace_id, child.flags) == (TRACE, 1)
    assert child.span_id != SPAN
    assert parse_traceparent(str(child)) == child


def test_no_two_traces_are_the_same() -> None:
    assert len({new_traceparent().trace_id for _ in range(1000)}) == 1000
    assert len({child_of(f"00-{TRACE}-{SPAN}-00").span_id for _ in range(1000)}) == 1000


def test_a_call_is_sent_with_the_span_that_it_is_made_in(in_trace: Traceparent) -> None:
    assert dict(metadata.outgoing())["traceparent"] == str(in_trace)


def test_a_call_that_belongs_to_no_trace_is_sent_without_one() -> None:
    assert "traceparent" not in dict(metadata.outgoing())
