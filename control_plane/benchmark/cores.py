"""Which core does what: the server under test has one alone, generator and PostgreSQL another.

Else they would take time from one another, now more and now less.
"""

import contextlib
import ctypes
import os
import signal
import sys

import msgspec
import psutil

_PR_SET_PDEATHSIG = 1  # prctl(2)


class Cores(msgspec.Struct, frozen=True, kw_only=True):
    """Core numbers; None leaves a process where the kernel puts it."""

    server: int | None
    rest: int | None

    @property
    def apart(self) -> bool:
        return self.server != self.rest


def choose_cores() -> Cores:
    """Take the first two cores that this process may use; one where there is one."""
    if sys.platform != "linux":
        return Cores(server=None, rest=None)
    first, *others = sorted(os.sched_getaffinity(0))
    return Cores(server=first, rest=others[0] if others else first)


def begin_process(core: int | None) -> None:
    """Move this process to its core, and have the kernel end it with its parent (Linux).

    So a harness that is killed leaves no load and no server behind.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        if core is not None:
            os.sched_setaffinity(0, {core})


def move_tree(pid: int, core: int | None) -> None:
    """Move a process and what it has started; what it starts later follows."""
    if core is None:
        return
    process = psutil.Process(pid)
    for each in (process, *process.children(recursive=True)):
        with contextlib.suppress(psutil.NoSuchProcess):  # PostgreSQL's come and go
            each.cpu_affinity([core])
