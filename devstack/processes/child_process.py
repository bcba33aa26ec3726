"""Runs a program as a child: sets its user, and makes the kernel end it with its parent.

Run as a script by path with the standard library only, so that it starts in about 20 ms.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from collections.abc import Sequence
from enum import StrEnum

NOBODY = 65534
_CLONE_NEWUSER = 0x10000000
_PR_SET_PDEATHSIG, _PR_SET_KEEPCAPS, _PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE = 1, 8, 47, 2
_CAP_DAC_OVERRIDE = 1
_CAPABILITY_VERSION_3 = 0x20080522


class Identity(StrEnum):
    """The user that a program runs as. Only root can choose."""

    SAME = "same"
    NAMESPACE = "namespace"  # a new user namespace: access to root's files without uid 0
    NOBODY_ANYWHERE = "nobody-anywhere"  # nobody, with CAP_DAC_OVERRIDE
    NOBODY = "nobody"


def child_command(
    argv: Sequence[str], *, parent_death_signal: signal.Signals, identity: Identity = Identity.SAME
) -> list[str]:
    """The command that runs `argv` as `identity`. The kernel sends it `parent_death_signal` when this thread ends."""
    return [sys.executable, "-I", "-S", __file__, str(os.getpid()), str(int(parent_death_signal)), identity, *argv]


def main() -> None:
    """child_process.py PARENT SIGNAL IDENTITY PROGRAM [ARGUMENT…]"""
    parent, number, identity, *argv = sys.argv[1:]
    try:
        change_identity(Identity(identity))
    except OSError as error:
        sys.exit(f"cannot run {argv[0]} as {identity}: {error}")
    # After the change of identity, which clears the setting.
    die_with_parent(int(parent), int(number))
    # The child must not inherit the signals that its supervisor ignores or blocks.
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGTSTP, signal.SIGTTOU, signal.SIGPIPE):
        signal.signal(ignored, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    try:
        os.execv(argv[0], argv)  # noqa: S606 - becoming the program is the purpose
    except OSError as error:
        sys.exit(f"cannot run {argv[0]} as {identity}: {error}")


def die_with_parent(parent: int, number: int) -> None:
    """Makes the kernel send that signal when the parent ends. Does nothing outside Linux."""
    if sys.platform != "linux":
        return
    _call("prctl", _PR_SET_PDEATHSIG, number, 0, 0, 0)
    if os.getppid() != parent:
        sys.exit("the parent has already ended")


def change_identity(identity: Identity) -> None:
    """Changes this process's user. Raises OSError where the kernel or the container forbids it."""
    if identity is Identity.NAMESPACE:
        _enter_namespace()
    elif identity is Identity.NOBODY_ANYWHERE:
        _call("prctl", _PR_SET_KEEPCAPS, 1, 0, 0, 0)
        _become_nobody()
        _keep_one_capability(_CAP_DAC_OVERRIDE)
    elif identity is Identity.NOBODY:
        _become_nobody()


def _enter_namespace() -> None:
    uid, gid = os.geteuid(), os.getegid()
    _call("unshare", _CLONE_NEWUSER)
    # The kernel accepts a group map only from a process that can no longer change its groups.
    for path, text in (
        ("/proc/self/setgroups", "deny"),
        ("/proc/self/uid_map", f"{NOBODY} {uid} 1"),
        ("/proc/self/gid_map", f"{NOBODY} {gid} 1"),
    ):
        with open(path, "w", encoding="ascii") as file:
            file.write(text)


def _become_nobody() -> None:
    os.setgroups([])
    os.setresgid(NOBODY, NOBODY, NOBODY)
    os.setresuid(NOBODY, NOBODY, NOBODY)


def _keep_one_capability(capability: int) -> None:
    class Header(ctypes.Structure):
        _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))

    class Sets(ctypes.Structure):
        _fields_ = (("effective", ctypes.c_uint32), ("permitted", ctypes.c_uint32), ("inheritable", ctypes.c_uint32))

    mask = 1 << capability
    sets = (Sets * 2)(Sets(mask, mask, mask), Sets(0, 0, 0))
    _call("capset", ctypes.byref(Header(_CAPABILITY_VERSION_3, 0)), ctypes.byref(sets))
    # Only ambient capabilities survive the exec of a program without file capabilities.
    _call("prctl", _PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE, capability, 0, 0)


def _call(name: str, *arguments: object) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    function = getattr(libc, name, None)
    if function is None:
        raise OSError(f"this system has no {name}")
    if function(*arguments) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")


if __name__ == "__main__":
    main()
