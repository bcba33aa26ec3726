"""Causes for which Redis serves no command, or no write, for any key. Retrying the run does not help."""

from __future__ import annotations

import re
from enum import Enum

from redis import exceptions

from services.common import errors
from services.common.errors import WarmcastError

RETRY_AFTER = 5.0  # seconds
_UNANSWERED_RETRY_AFTER = 2.0


class FailureCause(Enum):
    """A cause: its label in metrics and error metadata, and its description."""

    UNANSWERED = ("unanswered", "")
    READ_ONLY = ("read-only", "the server is a read-only replica")
    OUT_OF_MEMORY = ("out-of-memory", "the server's memory is full and its maxmemory-policy evicts nothing")
    CANNOT_SAVE = ("cannot-save", "the server cannot save to its disk")
    TOO_FEW_REPLICAS = ("too-few-replicas", "the server has too few replicas (min-replicas-to-write)")
    CLUSTER = ("cluster", "the server is in a cluster and does not serve the key")
    NO_PERMISSION = ("no-permission", "the credentials or access rules of REDIS_URL's user do not allow it")
    LOADING = ("loading", "the server is still loading its data")
    SCRIPT_RUNNING = ("script-running", "a script is blocking the server")
    OTHER = ("other", "the server does not run the write script; see the log for the error")

    def __init__(self, label: str, description: str) -> None:
        self.label = label
        self.description = description

    def error(self, what: str = "writes") -> WarmcastError:
        """UNAVAILABLE with the cause; its metadata mark a failure of the cache, not of the job."""
        metadata = {errors.CACHE_CAUSE: self.label}
        if self is FailureCause.UNANSWERED:
            detail, retry_after = "the forecast cache is unavailable", _UNANSWERED_RETRY_AFTER
        else:
            detail, retry_after = f"the forecast cache refuses {what}: {self.description}", RETRY_AFTER
        return WarmcastError(errors.UNAVAILABLE, detail, retry_after=retry_after, metadata=metadata)


def cause_of(error: Exception) -> FailureCause | None:
    """The cause, from the error's class or the code in its text; None for an error of one command or key."""
    code = _code(error)
    if code:
        return _CODES[code]
    if isinstance(error, exceptions.AuthenticationError | exceptions.AuthorizationError):
        return FailureCause.NO_PERMISSION
    if isinstance(error, exceptions.ConnectionError | exceptions.TimeoutError | OSError):
        return FailureCause.UNANSWERED
    # uvloop raises RuntimeError for a write to a connection that has just closed.
    closed = isinstance(error, RuntimeError) and "closed" in str(error)
    return FailureCause.UNANSWERED if closed else None


_CODES = {
    "READONLY": FailureCause.READ_ONLY,
    "OOM": FailureCause.OUT_OF_MEMORY,
    "MISCONF": FailureCause.CANNOT_SAVE,
    "NOREPLICAS": FailureCause.TOO_FEW_REPLICAS,
    "MOVED": FailureCause.CLUSTER,
    "ASK": FailureCause.CLUSTER,
    "CLUSTERDOWN": FailureCause.CLUSTER,
    "TRYAGAIN": FailureCause.CLUSTER,
    "CROSSSLOT": FailureCause.CLUSTER,
    "NOPERM": FailureCause.NO_PERMISSION,
    "NOAUTH": FailureCause.NO_PERMISSION,
    "WRONGPASS": FailureCause.NO_PERMISSION,
    "LOADING": FailureCause.LOADING,
    "MASTERDOWN": FailureCause.LOADING,
    "BUSY": FailureCause.SCRIPT_RUNNING,
}
_CLASSES: tuple[tuple[type[Exception], str], ...] = (
    (exceptions.ReadOnlyError, "READONLY"),
    (exceptions.OutOfMemoryError, "OOM"),
    (exceptions.MasterDownError, "MASTERDOWN"),
    (exceptions.ClusterDownError, "CLUSTERDOWN"),
    (exceptions.MovedError, "MOVED"),
    (exceptions.AskError, "ASK"),
    (exceptions.TryAgainError, "TRYAGAIN"),
    (exceptions.ClusterCrossSlotError, "CROSSSLOT"),
    (exceptions.NoPermissionError, "NOPERM"),
    (exceptions.BusyLoadingError, "LOADING"),
)
# Servers before version 7 report a script's error as `ERR Error running script (...): -READONLY ...`.
_IN_TEXT = re.compile(rf"(?:^|-)({'|'.join(_CODES)})\b")

_ACL_IN_SCRIPT = "ACL failure in script"  # its code is a plain ERR


def _code(error: Exception) -> str | None:
    for kind, code in _CLASSES:
        if isinstance(error, kind):
            return code
    if not isinstance(error, exceptions.ResponseError):
        return None
    if _ACL_IN_SCRIPT in str(error):
        return "NOPERM"
    found = _IN_TEXT.search(str(error))
    return found[1] if found else None
