"""The causes that pause runs, and for how long."""

from __future__ import annotations

import pytest
from redis import exceptions

from services.forecaster.cache.failure_causes import FailureCause, cause_of
from services.forecaster.cache.write_health import REFUSED, WriteHealth


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (exceptions.ReadOnlyError("You can't write against a read only replica."), FailureCause.READ_ONLY),
        (
            exceptions.ResponseError(
                "Error running script (call to f_ab): @user_script:7: -READONLY You can't write against a replica."
            ),
            FailureCause.READ_ONLY,
        ),
        (
            exceptions.OutOfMemoryError("command not allowed when used memory > 'maxmemory'."),
            FailureCause.OUT_OF_MEMORY,
        ),
        (exceptions.ResponseError("MISCONF Errors writing to the AOF file"), FailureCause.CANNOT_SAVE),
        (exceptions.ResponseError("NOREPLICAS Not enough good replicas to write."), FailureCause.TOO_FEW_REPLICAS),
        (exceptions.MovedError("3999 10.0.0.9:6381"), FailureCause.CLUSTER),
        (exceptions.ClusterDownError("Hash slot not served"), FailureCause.CLUSTER),
        (exceptions.NoPermissionError("this user has no permissions"), FailureCause.NO_PERMISSION),
        (
            exceptions.ResponseError("ACL failure in script: User u has no permissions to run the 'set' command"),
            FailureCause.NO_PERMISSION,
        ),
        (exceptions.AuthenticationError("invalid username-password pair"), FailureCause.NO_PERMISSION),
        (exceptions.BusyLoadingError("Redis is loading the dataset in memory"), FailureCause.LOADING),
        (exceptions.MasterDownError("Link with MASTER is down"), FailureCause.LOADING),
        (exceptions.ResponseError("BUSY Redis is busy running a script."), FailureCause.SCRIPT_RUNNING),
        (exceptions.ConnectionError("Connection closed by server."), FailureCause.UNANSWERED),
        (exceptions.TimeoutError("Timeout reading"), FailureCause.UNANSWERED),
        (OSError("unreachable"), FailureCause.UNANSWERED),
        (exceptions.ResponseError("WRONGTYPE Operation against a key"), None),
        (exceptions.ResponseError("Error running script: attempt to compare OOM with a number"), None),
        (RuntimeError("a bug of ours"), None),
    ],
)
def test_each_error_of_the_server_has_a_cause(error: Exception, expected: FailureCause | None) -> None:
    assert cause_of(error) is expected


def test_a_refused_write_pauses_runs_although_probes_pass() -> None:
    clock = Clock()
    writes = WriteHealth(clock)
    writes.record_refused_run(FailureCause.OUT_OF_MEMORY)
    writes.record_probe(None)
    assert writes.cause is FailureCause.OUT_OF_MEMORY
    assert REFUSED.labels("out-of-memory")._value.get() == 1
    clock.now += 5
    writes.record_probe(None)
    assert writes.cause is None
    assert REFUSED.labels("out-of-memory")._value.get() == 0


def test_repeated_refusals_back_off_up_to_a_minute() -> None:
    clock = Clock()
    writes = WriteHealth(clock)
    waits = []
    for _ in range(6):
        writes.record_refused_run(FailureCause.OUT_OF_MEMORY)
        writes.record_refused_run(FailureCause.OUT_OF_MEMORY)  # another run, at the same time
        began = clock.now
        while writes.cause:
            clock.now += 1
        waits.append(clock.now - began)
    assert waits == [5, 10, 20, 40, 60, 60]
    writes.record_stored_run()
    writes.record_refused_run(FailureCause.OUT_OF_MEMORY)
    clock.now += 5
    assert writes.cause is None


def test_a_probe_is_due_once_a_second() -> None:
    clock = Clock()
    writes = WriteHealth(clock)
    assert writes.probe_due()
    writes.record_probe(None)
    assert not writes.probe_due()
    clock.now += 1
    assert writes.probe_due()
