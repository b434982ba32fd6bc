"""A process of ours that `dev` starts, waits for and ends.

It is forked from `dev`, which has imported what its parts need: a fresh interpreter for each would
import the same again, for seconds (decision 7).
"""

import os
import signal
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from multiprocessing import get_context
from multiprocessing.process import BaseProcess

import click

from control_plane.cli.ending import ENDING
from control_plane.cli.parent_death import end_with_parent

_GRACE = 10.0  # seconds
# macOS' own libraries do not survive a fork; there each is a fresh interpreter after all
_PROCESSES = get_context("fork") if sys.platform == "linux" else get_context("spawn")


class Child:
    def __init__(self, name: str, process: BaseProcess) -> None:
        self.name = name  # for people, at the beginning of a sentence
        self._process = process

    def runs(self) -> bool:
        return self._process.is_alive()

    def wait_until_ready(self, url: str, patience: float, check: Callable[[], None]) -> None:
        """Return once the URL answers 200; `check` may raise, to give up."""
        end = time.monotonic() + patience
        while time.monotonic() < end:
            check()
            if not self.runs():
                raise click.ClickException(f"{self.name} did not start; see its messages above.")
            if _answers(url):
                return
            time.sleep(0.02)
        raise click.ClickException(f"{self.name} was not ready after {patience:.0f} s.")

    def stop(self) -> None:
        self._process.terminate()
        self._process.join(_GRACE)
        if self.runs():
            self._process.kill()
            self._process.join()


@contextmanager
def start_child(
    name: str, work: Callable[[], object], environment: Mapping[str, str]
) -> Iterator[Child]:
    """Do the work in a process of its own until the block is left; no thread may run here.

    It has a session of its own: Ctrl-C reaches `dev` alone, which ends what it started in order.
    """
    process = _PROCESSES.Process(
        name=name, target=_become, args=(work, dict(environment), os.getpid())
    )
    # what strikes between the fork and the forgetting of our handlers waits, and ends the child
    signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)
    try:
        process.start()
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDING)
    child = Child(name, process)
    try:
        yield child
    finally:
        child.stop()


def _become(work: Callable[[], object], environment: Mapping[str, str], parent: int) -> None:
    """Be a process as if it had been started anew: of `dev` it keeps the modules alone."""
    os.setsid()
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # `dev` prints data on stdout
    os.environ.clear()
    os.environ.update(environment)
    for each in ENDING:
        signal.signal(each, signal.SIG_DFL)
    end_with_parent(signal.SIGTERM)  # should `dev` be killed by -9, this ends as if it was stopped
    signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDING)
    if os.getppid() == parent:  # else it was gone before the kernel knew
        work()


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=1) as answer:  # noqa: S310 - our own URL
            return bool(answer.status == 200)  # noqa: PLR2004 - HTTP's OK
    except (urllib.error.URLError, OSError):
        return False
