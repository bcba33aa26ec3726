"""Compares our W3C trace context with that of opentelemetry-api, for docs/decisions/trace-context.md.

The library is no part of the product, so run it in an environment of its own:

    python -m venv /tmp/otel && /tmp/otel/bin/pip install opentelemetry-api
    /tmp/otel/bin/python -m benchmarks.trace_context
"""

from __future__ import annotations

import random
import statistics
import subprocess
import sys
import time
import timeit
from collections.abc import Callable
from importlib.metadata import version

from services.common.telemetry import trace_context

_CALLS, _ROUNDS, _PROCESSES = 20_000, 21, 21
_HEADER = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
_OURS = "services.common.telemetry.trace_context"
_THEIRS = "opentelemetry.trace.propagation.tracecontext"
_IMPORT = "import time; a = time.process_time(); import {}; print(time.process_time() - a)"


def main() -> None:
    """Prints the CPU of a request (parse, new span id, format) and of the import, for both."""
    ours, theirs = _per_request(_ours, _theirs())
    print(f"Python {sys.version.split()[0]}, opentelemetry-api {version('opentelemetry-api')}")
    print(f"a request, µs of CPU, median of {_ROUNDS} rounds: ours {ours:.1f}, opentelemetry {theirs:.1f}")
    print(f"import, ms of CPU, median of {_PROCESSES} processes: ours {_import(_OURS):.1f}, ", end="")
    print(f"opentelemetry {_import(_THEIRS):.1f}")


def _ours() -> str:
    return str(trace_context.child_of(_HEADER))


def _theirs() -> Callable[[], str]:
    # Imported late, because .venv does not hold it.
    from opentelemetry import trace  # type: ignore[import-not-found,unused-ignore]  # noqa: PLC0415
    from opentelemetry.trace.propagation import (  # type: ignore[import-not-found,unused-ignore]  # noqa: PLC0415
        tracecontext,
    )

    propagator = tracecontext.TraceContextTextMapPropagator()

    def request() -> str:
        parent = trace.get_current_span(propagator.extract({"traceparent": _HEADER})).get_span_context()
        child = trace.SpanContext(
            parent.trace_id, random.getrandbits(64), is_remote=False, trace_flags=parent.trace_flags
        )
        sent: dict[str, str] = {}
        propagator.inject(sent, trace.set_span_in_context(trace.NonRecordingSpan(child)))
        return sent["traceparent"]

    return request


def _per_request(*requests: Callable[[], str]) -> list[float]:
    """Microseconds of CPU of one call of each, in interleaved rounds."""
    rounds = [
        [timeit.timeit(request, number=_CALLS, timer=time.process_time) for request in requests] for _ in range(_ROUNDS)
    ]
    return [statistics.median(times) / _CALLS * 1e6 for times in zip(*rounds, strict=True)]


def _import(module: str) -> float:
    """Milliseconds of CPU of the import in a fresh process."""
    times = [
        float(subprocess.run([sys.executable, "-c", _IMPORT.format(module)], capture_output=True, check=True).stdout)
        for _ in range(_PROCESSES)
    ]
    return statistics.median(times) * 1e3


if __name__ == "__main__":
    main()
