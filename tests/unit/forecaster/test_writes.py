"""Which causes stop runs, and for how long."""

from __future__ import annotations

import pytest
from redis import exceptions

from services.forecaster.cache.refusals import Refusal, refusal_of
from services.forecaster.cache.writes import REFUSED, Writes


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (exceptions.ReadOnlyError("You can't write against a read only replica."), Refusal.READ_ONLY),
        (
            exceptions.ResponseError(
                "Error running script (call to f_ab): @user_script:7: -READONLY You can't write against a replica."
            ),
            Refusal.READ_ONLY,
        ),
        (exceptions.OutOfMemoryError("command not allowed when used memory > 'maxmemory'."), Refusal.OUT_OF_MEMORY),
        (exceptions.ResponseError("MISCONF Errors writing to the AOF file"), Refusal.CANNOT_SAVE),
        (exceptions.ResponseError("NOREPLICAS Not enough good replicas to write."), Refusal.TOO_FEW_REPLICAS),
        (exceptions.MovedError("3999 10.0.0.9:6381"), Refusal.CLUSTER),
        (exceptions.ClusterDownError("Hash slot not served"), Refusal.CLUSTER),
        (exceptions.NoPermissionError("this user has no permissions"), Refusal.NO_PERMISSION),
        (
            exceptions.ResponseError("ACL failure in script: User u has no permissions to run the 'set' command"),
            Refusal.NO_PERMISSION,
        ),
        (exceptions.AuthenticationError("invalid username-password pair"), Refusal.NO_PERMISSION),
        (exceptions.BusyLoadingError("Redis is loading the dataset in memory"), Refusal.LOADING),
        (exceptions.MasterDownError("Link with MASTER is down"), Refusal.LOADING),
        (exceptions.ResponseError("BUSY Redis is busy running a script."), Refusal.SCRIPT_RUNNING),
        (exceptions.ConnectionError("Connection closed by server."), Refusal.UNANSWERED),
        (exceptions.TimeoutError("Timeout reading"), Refusal.UNANSWERED),
        (OSError("unreachable"), Refusal.UNANSWERED),
        (exceptions.ResponseError("WRONGTYPE Operation against a key"), None),
        (exceptions.ResponseError("Error running script: attempt to compare OOM with a number"), None),
        (RuntimeError("a bug of ours"), None),
    ],
)
def test_each_error_of_the_server_has_a_cause(error: Exception, expected: Refusal | None) -> None:
    assert refusal_of(error) is expected


def test_a_refused_run_stops_further_ones_although_probes_pass() -> None:
    clock = Clock()
    writes = Writes(clock)
    writes.run_refused(Refusal.OUT_OF_MEMORY)
    writes.probed(None)
    assert writes.refusal is Refusal.OUT_OF_MEMORY
    assert REFUSED.labels("out-of-memory")._value.get() == 1
    clock.now += 5
    writes.probed(None)
    assert writes.refusal is None
    assert REFUSED.labels("out-of-memory")._value.get() == 0


def test_runs_that_are_refused_again_and_again_wait_longer_each_time_and_a_minute_at_most() -> None:
    clock = Clock()
    writes = Writes(clock)
    waits = []
    for _ in range(6):
        writes.run_refused(Refusal.OUT_OF_MEMORY)
        writes.run_refused(Refusal.OUT_OF_MEMORY)  # another run, at the same time
        began = clock.now
        while writes.refusal:
            clock.now += 1
        waits.append(clock.now - began)
    assert waits == [5, 10, 20, 40, 60, 60]
    writes.run_stored()
    writes.run_refused(Refusal.OUT_OF_MEMORY)
    clock.now += 5
    assert writes.refusal is None


def test_a_probe_is_due_once_a_second() -> None:
    clock = Clock()
    writes = Writes(clock)
    assert writes.probe_due()
    writes.probed(None)
    assert not writes.probe_due()
    clock.now += 1
    assert writes.probe_due()
