"""Functions that the pool's tests run in workers; spawned processes import this module by name."""

from __future__ import annotations

import hashlib
import os
import signal
import sys
import time
from pathlib import Path

from services.forecaster.workers import worker


def start_light(parent: int, *, background: bool) -> None:
    """worker.start without the engine, so that a worker starts in a fraction of a second."""
    worker.end_with_parent(parent)
    worker.lower_priority(background=background)


def start_warm(parent: int, *, background: bool) -> None:
    """worker.start without low priority, so that deadlines do not depend on what else the machine does."""
    del background
    from services.forecaster.workers.warm_up import warm_up  # noqa: PLC0415 - in workers alone

    worker.end_with_parent(parent)
    warm_up()


def fail_to_start(parent: int, *, background: bool) -> None:
    """A worker that cannot start."""
    raise ImportError("the engine is broken")


def pid() -> int:
    return os.getpid()


def double(number: int) -> int:
    return 2 * number


def crash() -> None:
    raise ValueError("a bug")


def spin(seconds: float, mark: str) -> int:
    """Computes without a pause; says so in the file `mark`."""
    Path(mark).write_text(str(os.getpid()))
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        pass
    return os.getpid()


def compute_in_c(mark: str) -> None:
    """Computes for minutes in one call of C, which no handler of a signal interrupts; says so in the file `mark`."""
    Path(mark).write_text(str(os.getpid()))
    hashlib.pbkdf2_hmac("sha256", b"", b"", 2**31 - 1)


def modules() -> set[str]:
    return set(sys.modules)


def environment(name: str) -> str | None:
    return os.environ.get(name)


def priority() -> tuple[int, int]:
    """The scheduling policy and the niceness."""
    return os.sched_getscheduler(0), os.nice(0)


def starve(mark: str) -> int:
    """Gets nowhere in the background; writes its process's id into the file `mark` there."""
    if os.sched_getscheduler(0) == os.SCHED_IDLE:
        spin(60, mark)
    return os.getpid()


def crash_on(*_: object) -> None:
    """As `crash`, with any arguments."""
    crash()


def die(*_: object) -> None:
    """Ends as if killed for lack of memory."""
    os.kill(os.getpid(), signal.SIGKILL)


def hang(mark: str, *_: object) -> None:
    """As `spin`, for ten minutes and with any further arguments."""
    spin(600, mark)
