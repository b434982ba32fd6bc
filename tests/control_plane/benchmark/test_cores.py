"""Processes are moved to their core, with what they have started."""

import subprocess
import sys
from collections.abc import Iterator

import psutil
import pytest

from control_plane.benchmark.cores import choose_cores, move_tree


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    yield process
    process.kill()
    process.wait()


def test_a_process_is_moved(sleeper: subprocess.Popen[bytes]) -> None:
    core = choose_cores().rest
    move_tree(sleeper.pid, core)
    if core is not None:
        assert psutil.Process(sleeper.pid).cpu_affinity() == [core]


def test_a_child_that_has_ended_meanwhile_is_passed_over(
    sleeper: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    """PostgreSQL's processes come and go: here one goes between the look and the move."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        gone = psutil.Process(child.pid)
    monkeypatch.setattr(psutil.Process, "children", lambda *_, **__: [gone])
    move_tree(sleeper.pid, choose_cores().rest)
