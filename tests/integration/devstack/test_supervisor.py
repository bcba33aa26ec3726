"""What the supervisor does with processes that behave, and with those that do not."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from devstack.processes.child import Child, DevstackError
from devstack.processes.supervisor import FIRST_BACKOFF, SILENT_SECONDS, Supervisor
from tests.waiting import wait_until

SLEEPER = "import signal; print('up', flush=True); signal.pause()"


class Stand:
    """A process that runs a few lines of Python; ready once it has written `up`."""

    def __init__(self, name: str, program: str, journal: list[str]) -> None:
        self.name = name
        self.program = program
        self.journal = journal
        self.child = Child(name)
        self.answers: bool | None = True  # its liveness check; None: it hangs
        self.released = threading.Event()

    @property
    def pid(self) -> int:
        return self.child.pid

    @property
    def running(self) -> bool:
        return self.child.running

    @property
    def exit_summary(self) -> str:
        return self.child.exit_summary

    def launch(self) -> None:
        self.journal.append(f"launch {self.name}")
        self.child.spawn([sys.executable, "-c", self.program])

    def ready(self) -> bool:
        return self.running and "up" in self.child.tail()

    def alive(self) -> bool:
        if self.answers is None:
            self.released.wait(30)
        return bool(self.answers)

    def stop(self) -> None:
        self.journal.append(f"stop {self.name}")
        self.child.stop((signal.SIGTERM, 5.0))

    def kill_group(self) -> None:
        self.child.kill_group()


class Clock:
    """A clock that only the test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def journal() -> list[str]:
    return []


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def supervisor(journal: list[str], clock: Clock) -> Iterator[Supervisor]:
    supervisor = Supervisor(journal.append, clock=clock)
    yield supervisor
    supervisor.kill()


def test_processes_end_in_reverse_order(supervisor: Supervisor, journal: list[str]) -> None:
    processes = [Stand(name, SLEEPER, journal) for name in ("first", "second")]
    supervisor.start(*processes)
    assert all(process.running for process in processes)
    supervisor.stop()
    assert journal == ["launch first", "launch second", "stop second", "stop first"]
    assert not any(process.running for process in processes)


def test_a_process_that_ends_as_it_starts_is_an_error_with_its_last_lines(
    supervisor: Supervisor, journal: list[str]
) -> None:
    with pytest.raises(DevstackError, match=r"(?s)bad did not start: it ended with status 3.*the reason"):
        supervisor.start(Stand("bad", "import os; os.write(2, b'the reason'); os._exit(3)", journal))


def test_a_process_that_dies_is_restarted_with_a_growing_pause(
    supervisor: Supervisor, journal: list[str], clock: Clock
) -> None:
    process = Stand("process", SLEEPER, journal)
    supervisor.start(process)
    for pause in (FIRST_BACKOFF, 2 * FIRST_BACKOFF, 4 * FIRST_BACKOFF):
        before = process.pid
        process.child.kill()
        supervisor.check()
        clock.now += pause * 0.9
        supervisor.check()
        assert not process.running, "started before its pause was over"
        clock.now += pause * 0.2
        supervisor.check()
        assert process.running
        assert process.pid != before
    assert any("was ended by SIGKILL" in line for line in journal)


def test_a_long_run_resets_the_pause(supervisor: Supervisor, journal: list[str], clock: Clock) -> None:
    process = Stand("process", SLEEPER, journal)
    supervisor.start(process)
    for _ in range(4):
        process.child.kill()
        supervisor.check()
        clock.now += 60
        supervisor.check()
    clock.now += 60
    supervisor.check()
    process.child.kill()
    supervisor.check()
    clock.now += FIRST_BACKOFF
    supervisor.check()
    assert process.running


@pytest.mark.parametrize("answers", [False, None], ids=["bad", "hanging"])
def test_a_process_whose_health_check_stays_silent_is_restarted(
    supervisor: Supervisor, journal: list[str], clock: Clock, answers: bool | None
) -> None:
    process = Stand("process", SLEEPER, journal)
    supervisor.start(process)
    _check_until_checked(supervisor, clock)
    before = process.pid
    process.answers = answers
    _check_for(supervisor, clock, SILENT_SECONDS - 5)
    assert process.pid == before, "ended before its time"
    _check_for(supervisor, clock, 15)
    process.released.set()
    assert process.running
    assert process.pid != before
    assert any("has not answered its health check" in line for line in journal)


def test_a_process_that_starts_has_time_for_its_first_health_check(
    supervisor: Supervisor, journal: list[str], clock: Clock
) -> None:
    process = Stand("process", SLEEPER, journal)
    process.answers = False
    supervisor.start(process)
    before = process.pid
    _check_for(supervisor, clock, 60)
    assert process.pid == before


def test_a_process_that_answers_its_health_check_is_not_restarted(
    supervisor: Supervisor, journal: list[str], clock: Clock
) -> None:
    process = Stand("process", SLEEPER, journal)
    supervisor.start(process)
    before = process.pid
    for _ in range(100):
        _check_until_checked(supervisor, clock)
    assert process.pid == before


def test_a_supervisor_that_was_suspended_itself_ends_nothing(
    supervisor: Supervisor, journal: list[str], clock: Clock
) -> None:
    process = Stand("process", SLEEPER, journal)
    supervisor.start(process)
    _check_until_checked(supervisor, clock)
    before = process.pid
    clock.now += 3600
    _check_until_checked(supervisor, clock)
    assert process.pid == before


def _check_until_checked(supervisor: Supervisor, clock: Clock) -> None:
    """Lets a health check begin and its answer be taken."""
    (watch,) = supervisor._supervised
    clock.now += 3
    supervisor.check()
    if watch.check is not None:
        watch.check.result(10)
    supervisor.check()


def _check_for(supervisor: Supervisor, clock: Clock, seconds: float) -> None:
    for _ in range(round(seconds)):
        clock.now += 1
        supervisor.check()
        (watch,) = supervisor._supervised
        if watch.check is not None and watch.process.answers is not None:  # type: ignore[attr-defined] # a Stand
            watch.check.result(10)


def test_a_process_that_ignores_its_signal_is_killed_with_its_children() -> None:
    program = (
        "import signal, subprocess, sys\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        f"child = subprocess.Popen([sys.executable, '-c', {SLEEPER!r}], stdout=subprocess.DEVNULL)\n"
        "print(child.pid, flush=True); signal.pause()"
    )
    child = Child("stubborn")
    child.spawn([sys.executable, "-c", program])
    grandchild = int(wait_until(child.tail, 10, "it says its child's id"))
    child.stop((signal.SIGTERM, 0.3))
    assert not child.running
    wait_until(lambda: _gone(grandchild), 5, "its child is gone too")


def test_no_child_outlives_a_killed_supervisor() -> None:
    program = (
        "import sys; from devstack.processes.child import Child\n"
        f"child = Child('c'); child.spawn([sys.executable, '-c', {SLEEPER!r}])\n"
        "print(child.pid, flush=True); input()"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as supervisor:
        assert supervisor.stdout is not None
        pid = int(supervisor.stdout.readline())
        assert not _gone(pid)
        supervisor.kill()
    wait_until(lambda: _gone(pid), 5, "the child is gone")


def _gone(pid: int) -> bool:
    try:
        return "State:\tZ" in Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return True
