"""The foreground process group of the terminal, which receives Ctrl-C."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def own_foreground_group() -> Iterator[None]:
    """Makes this process the only one in the terminal's foreground group, as a shell does for a job.

    Otherwise Ctrl-C also reaches the parent `make`, which then reports an error after an orderly stop.
    Does nothing without a terminal, in the background, or if this process leads its group already.
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
        # The shell knows only `make` and could not resume this group after Ctrl-Z. The last tcsetpgrp sends SIGTTOU.
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
