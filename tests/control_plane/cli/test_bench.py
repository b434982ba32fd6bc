"""`auth-service bench` as a user runs it, but short: one JSON document, nothing left behind."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import psutil
import pytest

from control_plane.benchmark.cores import Cores
from control_plane.benchmark.results import Results
from control_plane.cli.bench import installed
from shared.runtime.embedded import EmbeddedPostgres
from tests.control_plane.cli.development import until

_PATIENCE = 540  # seconds; a quarter of a minute where nobody else is at work
# what `dev` takes to start is measured once for all: tests/benchmarks/test_bench.py
_SHORT = """
from control_plane.benchmark import whole
from control_plane.benchmark.measure import SHORT
from control_plane.cli import bench, main
bench.QUICK = SHORT
whole.start_dev = lambda *_: 1.0
main.main()
"""


@contextmanager
def running(directory: Path, *options: str) -> Iterator[subprocess.Popen[str]]:
    """Run it with a place of its own for temporary files."""
    process = subprocess.Popen(
        [sys.executable, "-c", _SHORT, "bench", "--quick", *options],
        env=os.environ | {"TMPDIR": str(directory), "DATABASE_URL": "postgresql://elsewhere/"},
        cwd=directory,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def left_running(seen: list[psutil.Process]) -> list[psutil.Process]:
    return [each for each in seen if each.is_running() and each.status() != psutil.STATUS_ZOMBIE]


@pytest.mark.timeout(600)
def test_it_measures_with_a_database_of_its_own_and_removes_it(tmp_path: Path) -> None:
    with running(tmp_path, "--json") as process:
        stdout, stderr = process.communicate(timeout=_PATIENCE)
    assert process.returncode == 0, stderr
    found = msgspec.json.decode(stdout, type=Results)
    assert found.form == "short"
    assert found.peers == []
    assert all(each.count > 0 for each in found.ours.tokens.values())
    assert {each.id: each.met for each in found.targets}["P1"] is None
    assert stdout.count("\n") == 1
    assert "tokens ES256" in stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.timeout(600)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "SIGTERM"])
def test_it_can_be_ended_and_leaves_nothing_behind(tmp_path: Path, number: signal.Signals) -> None:
    with running(tmp_path) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if line.startswith("tokens"):
                break
        seen = psutil.Process(process.pid).children(recursive=True)
        assert len(seen) > 2
        process.send_signal(number)
        stdout, stderr = process.communicate(timeout=60)
    assert process.returncode != 0
    assert (stdout, "Traceback" in stderr) == ("", False), stderr
    with contextlib.suppress(AssertionError):
        until(lambda: not left_running(seen))
    assert left_running(seen) == []
    assert list(tmp_path.iterdir()) == []


def test_whoever_ends_it_while_it_ends_has_the_database_stopped_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stop = EmbeddedPostgres.stop

    def stop_disturbed(server: EmbeddedPostgres) -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        stop(server)

    handler = signal.signal(signal.SIGTERM, signal.default_int_handler)
    monkeypatch.setattr(EmbeddedPostgres, "stop", stop_disturbed)
    others, database = psutil.Process().children(), list[psutil.Process]()
    try:
        with installed(Cores(server=None, rest=None)):
            database += [each for each in psutil.Process().children() if each not in others]
    finally:
        signal.signal(signal.SIGTERM, handler)
    assert database
    assert left_running(database) == []
