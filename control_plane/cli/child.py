"""A process of ours that `dev` starts, waits for and ends."""

import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import click

from control_plane.cli.parent_death import end_with_parent

_GRACE = 10.0  # seconds


class Child:
    def __init__(self, name: str, process: subprocess.Popen[bytes]) -> None:
        self.name = name  # for people, at the beginning of a sentence
        self._process = process

    def runs(self) -> bool:
        return self._process.poll() is None

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
        if self.runs():
            self._process.terminate()
            try:
                self._process.wait(_GRACE)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()


@contextmanager
def start_child(
    name: str,
    arguments: Sequence[str],
    environment: Mapping[str, str],
    *,
    module: str = "control_plane.cli.main",
    directory: Path | None = None,
) -> Iterator[Child]:
    """Run `auth-service ARGUMENTS`, or another module, until the block is left.

    It has a session of its own: Ctrl-C reaches `dev` alone, which ends what it started in order.
    """
    process = subprocess.Popen(  # noqa: S603 - our own command
        [sys.executable, "-m", module, *arguments],
        cwd=directory,
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=sys.stderr,  # stdout is ours, for data
        start_new_session=True,
        preexec_fn=_end_with_parent,  # noqa: PLW1509 - no thread runs yet
    )
    child = Child(name, process)
    try:
        yield child
    finally:
        child.stop()


def _end_with_parent() -> None:
    """Should `dev` be killed by -9, the child ends as if it was stopped."""
    end_with_parent(signal.SIGTERM)


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=1) as answer:  # noqa: S310 - our own URL
            return bool(answer.status == 200)  # noqa: PLR2004 - HTTP's OK
    except (urllib.error.URLError, OSError):
        return False
