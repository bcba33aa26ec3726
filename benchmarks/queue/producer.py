"""One producer process: `python -m benchmarks.queue.producer SYSTEM URL FIRST LAST RATE FILE`.

Each job is one call of the system's API, committed before the next one starts. Calls are due at RATE a second; a late
one is made at once, so the schedule is the same for all systems and a slow producer is no advantage.
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
    """Writes the time of each call, by the monotonic clock that all processes share."""
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
