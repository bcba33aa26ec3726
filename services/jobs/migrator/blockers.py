"""Finds the processes that hold the lock for which a migration waits."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg
from psycopg.conninfo import make_conninfo
from psycopg.rows import class_row

_POLL = 0.25  # seconds; a statement waits two for its lock
_LONGEST_JOIN = 1.0  # seconds; a pooler without a free session may block the query
# Without this connection: a concurrent index build waits briefly for its transactions too.
# A prepared transaction has no process, and is listed as 0.
_BLOCKING = """
SELECT DISTINCT blocking.pid, COALESCE(activity.application_name, '') AS application,
       COALESCE(activity.state, '') AS state,
       COALESCE(EXTRACT(epoch FROM clock_timestamp() - activity.state_change), 0)::float8 AS seconds
FROM unnest(pg_blocking_pids(%(pid)s)) AS blocking (pid)
LEFT JOIN pg_stat_activity AS activity ON activity.pid = blocking.pid
WHERE blocking.pid <> pg_backend_pid()
ORDER BY blocking.pid
"""


@dataclass(frozen=True)
class Blocker:
    """A process that holds the lock, or is ahead in the queue for it."""

    pid: int
    application: str
    state: str
    seconds: float  # in that state

    def __str__(self) -> str:
        if self.pid == 0:
            return "a prepared transaction (see pg_prepared_xacts)"
        known = [self.application, f"{self.state} for {self.seconds:.0f} s" if self.state else ""]
        details = ", ".join(filter(None, known))
        return f"process {self.pid} ({details})" if details else f"process {self.pid}"


class Blockers:
    """The last processes found to block a backend."""

    def __init__(self) -> None:
        self._seen: Sequence[Blocker] = ()

    @property
    def seen(self) -> Sequence[Blocker]:
        """Empty until a process was found."""
        return self._seen

    def follow(self, pid: int, database_url: str, stop: threading.Event) -> None:
        """Updates `seen` until `stop` is set, or its connection fails."""
        if stop.wait(_POLL):
            return  # no connection is needed for a migration that is not blocked
        conninfo = make_conninfo(database_url, connect_timeout=5, application_name="warmcast-migrate-watch")
        try:
            # Autocommit: a concurrent index build would wait for an open transaction of this connection.
            with (
                psycopg.connect(conninfo, autocommit=True) as connection,
                connection.cursor(row_factory=class_row(Blocker)) as cursor,
            ):
                while not stop.is_set():
                    # Keeps the last result when the wait has ended.
                    self._seen = cursor.execute(_BLOCKING, {"pid": pid}).fetchall() or self._seen
                    stop.wait(_POLL)
        except psycopg.Error:
            return  # the processes are only for messages

    def forget(self) -> None:
        """Clears `seen` before another wait."""
        self._seen = ()


@contextmanager
def blockers_of(pid: int, database_url: str) -> Iterator[Blockers]:
    """Watches from a second connection which processes block the backend `pid`; empty without a connection."""
    blockers = Blockers()
    stop = threading.Event()
    follower = threading.Thread(target=blockers.follow, args=(pid, database_url, stop), daemon=True)
    follower.start()
    try:
        yield blockers
    finally:
        stop.set()
        follower.join(_LONGEST_JOIN)
