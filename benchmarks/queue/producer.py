"""One producer process: `python -m benchmarks.queue.producer SYSTEM URL FIRST LAST RATE FILE`.

Each job is one call of the system's own, committed before the next begins. The calls are due at RATE a second; one that
is late is made at once, so the schedule is the same for all, and a queue that slows the producer down gains nothing.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from pathlib import Path

import uvloop

from benchmarks.queue.systems import System, load


def main() -> None:
    """Writes when each call was made, by the clock that all processes share."""
    name, url, first, last, rate, file = sys.argv[1:]
    result = uvloop.run(_produce(load(name), url, range(int(first), int(last) + 1), float(rate)))
    Path(file).write_text(json.dumps(result), encoding="utf-8")


async def _produce(system: System, url: str, numbers: range, rate: float) -> dict[str, object]:
    sent: dict[int, int] = {}
    async with system.producer(url) as enqueue:
        began = time.monotonic()
        for count, number in enumerate(numbers):
            due = began + count / rate
            if (pause := due - time.monotonic()) > 0:
                await asyncio.sleep(pause)
            sent[number] = time.monotonic_ns()
            await enqueue(number)
        return {"sent": sent, "seconds": time.monotonic() - began}


if __name__ == "__main__":
    main()
