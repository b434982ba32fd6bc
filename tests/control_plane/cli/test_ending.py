"""A signal that comes while the interpreter is taken apart changes nothing any more."""

import signal
import subprocess
import sys

import pytest

# A process that has ended its work and then, as any may on a busy machine, takes long to go.
_SLOW_TO_GO = """
import atexit, os, signal, time
from control_plane.cli.ending import Ending
with Ending():
    pass
print("over", flush=True)
class Last:
    def __del__(self, kill=os.kill, pid=os.getpid(), number=signal.{name}):
        kill(pid, number)
kept = Last()
import sys
sys.modules["kept"] = kept
"""


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_a_signal_after_the_end_changes_nothing(name: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _SLOW_TO_GO.format(name=name)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stdout) == (0, "over\n"), (done, signal.Signals[name])
