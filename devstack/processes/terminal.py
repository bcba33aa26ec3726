"""The process that receives Ctrl-C."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def foreground_of_its_own() -> Iterator[None]:
    """Makes this process alone the foreground of its terminal, as a shell does for a job, and undoes it at the end.

    Otherwise a Ctrl-C also reaches the `make` that waits for us, which then reports an error about a clean end.
    Does nothing without a terminal, in the background, or where a shell has done it already.
    """
    try:
        terminal = os.open("/dev/tty", os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        yield
        return
    try:
        group = os.getpgrp()
        if group == os.getpid() or os.tcgetpgrp(terminal) != group:
            yield
            return
        # Ctrl-Z would stop us behind the back of a shell that only knows make; and SIGTTOU comes with the way back.
        signal.signal(signal.SIGTSTP, signal.SIG_IGN)
        signal.signal(signal.SIGTTOU, signal.SIG_IGN)
        os.setpgid(0, 0)
        os.tcsetpgrp(terminal, os.getpid())
        try:
            yield
        finally:
            os.tcsetpgrp(terminal, group)
    finally:
        os.close(terminal)
