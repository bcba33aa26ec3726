"""One worker process: `python -m benchmarks.queue.worker SYSTEM URL JOBS CONCURRENCY FILE`.

It runs until JOBS jobs have started and none is unfinished, then writes the start times and the last end to FILE.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from pathlib import Path

import psycopg
import uvloop

from benchmarks.queue.systems import System, load

_POLL = 0.005  # seconds between polls of the table, once every job has started
_LIMIT = 600.0  # seconds


def main() -> None:
    """Prints `up` when the first job has started; writes its file and exits when all have ended."""
    name, url, jobs, concurrency, file = sys.argv[1:]
    result = uvloop.run(asyncio.wait_for(_work(load(name), url, int(jobs), int(concurrency)), _LIMIT))
    Path(file).write_text(json.dumps(result), encoding="utf-8")
    # Shutdown is not measured.
    os._exit(0)


async def _work(system: System, url: str, jobs: int, concurrency: int) -> dict[str, object]:
    starts: dict[int, int] = {}
    all_started = asyncio.Event()
    loop = asyncio.get_running_loop()
    again = 0

    def started(number: int) -> None:
        nonlocal again
        if number in starts:
            again += 1
            return
        starts[number] = time.monotonic_ns()
        if len(starts) == 1:
            print("up", flush=True)
        if len(starts) == jobs:
            loop.call_soon_threadsafe(all_started.set)  # awa calls its handlers from any thread

    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        work = asyncio.create_task(system.work(url, concurrency, started))
        waiting = asyncio.create_task(all_started.wait())
        await asyncio.wait([work, waiting], return_when=asyncio.FIRST_COMPLETED)
        if work.done():
            work.result()
            raise RuntimeError("the worker ended before its jobs had")
        while True:
            row = await (await connection.execute(system.unfinished)).fetchone()
            if row == (0,):
                break
            await asyncio.sleep(_POLL)
        return {"starts": starts, "done": time.monotonic_ns(), "again": again}


if __name__ == "__main__":
    main()
