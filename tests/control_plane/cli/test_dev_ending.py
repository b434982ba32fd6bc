"""How `auth-service dev` ends: by a signal at any moment, by -9, and when a part of it does."""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from shared.runtime.embedded import start_postgres
from tests.conftest import free_port
from tests.control_plane.cli.development import (
    MAY_TAKE_TO_STOP,
    Dev,
    Ran,
    console_of,
    data_plane_of,
    fetch_token,
    run_dev,
    server_of,
    until,
    verify,
)

_SIGNAL_IS_LOST = 10.0  # seconds
_INSTANTS, _STEP = 8, 0.03  # seconds; the migration and the demo tenant take some 0.2


def test_ctrl_c_ends_everything(first: Ran) -> None:
    assert len(first.started) >= 4
    assert (first.code, first.left_behind) == (0, [])
    assert first.seconds_to_stop < MAY_TAKE_TO_STOP
    assert "Traceback" not in first.stderr


def test_dev_killed_by_9_takes_the_data_plane_along_and_the_next_start_adopts_the_database(
    used_dir: Path,
) -> None:
    port = free_port()
    options = ("--json", "--console-port", str(free_port()), "--support-port", str(free_port()))
    with run_dev(used_dir, port, *options) as killed:
        announced = killed.announced()
        server = server_of(used_dir)
        killed.process.kill()
        killed.process.wait()
        until(lambda: not (data_plane_of(killed) or console_of(killed)), MAY_TAKE_TO_STOP)
        assert server.is_running()
        with run_dev(used_dir, port, *options) as dev:
            assert dev.announced() == announced
            assert server_of(used_dir) == server
            verify(fetch_token(announced), announced)
            dev.interrupt()
            assert dev.end() == 0
        assert killed.left_behind() == []


@pytest.mark.parametrize("by", [signal.SIGTERM, signal.SIGKILL], ids=["SIGTERM", "SIGKILL"])
def test_a_data_plane_that_ends_by_itself_ends_dev_with_a_message(
    used_dir: Path, by: signal.Signals
) -> None:
    with run_dev(used_dir, free_port(), "--json") as dev:
        dev.announced()
        (serving,) = data_plane_of(dev)
        serving.send_signal(by)
        assert (dev.end(), dev.left_behind()) == (1, [])
        assert "The data plane has ended by itself." in dev.stderr


def has(sign: str) -> Callable[[Path, Dev], bool]:
    """Has this start written it? An earlier one may have, too."""
    return lambda directory, dev: any(
        each.stat().st_mtime > dev.began for each in directory.glob(sign)
    )


_MOMENTS: dict[str, Callable[[Path, Dev], bool]] = {
    "the program's start": lambda _, __: True,
    "initdb": has("postgres/cluster.*"),
    "the server's start": has("postgres/cluster/postmaster.pid"),
    "the migration": has("postgres/port"),
    "the demo tenant": has("environment"),
    "the data plane": lambda _, dev: data_plane_of(dev) != [],
}


@pytest.mark.timeout(600)
def test_ctrl_c_at_any_stage_of_a_first_start_leaves_nothing_and_the_next_goes_on(
    new_dir: Path,
) -> None:
    port, outcomes = free_port(), dict.fromkeys(_MOMENTS, "fine")
    for moment, has_come in _MOMENTS.items():
        with run_dev(new_dir, port, "--json") as dev:
            until_there(has_come, new_dir, dev)
            dev.interrupt()
            if moment == "the program's start":
                outcomes[moment] = outcome_of_a_start(dev)
            else:
                outcomes[moment] = outcome(dev, {0} if "start" not in moment else {0, 1, -2})
    assert outcomes == dict.fromkeys(_MOMENTS, "fine")
    with run_dev(new_dir, port, "--json") as dev:
        verify(fetch_token(announced := dev.announced()), announced)


def until_there(has_come: Callable[[Path, Dev], bool], directory: Path, dev: Dev) -> None:
    """Wait for it; some moments are short, or were an earlier start's: then until it serves."""
    until(lambda: has_come(directory, dev) or "\n" in dev.stdout)


def outcome_of_a_start(dev: Dev) -> str:
    """Python may end with a code of its own while it starts, or lose the signal in a callback:

    then a person presses the keys again.
    """
    with contextlib.suppress(subprocess.TimeoutExpired):
        dev.process.wait(_SIGNAL_IS_LOST)
    if dev.process.poll() is None:
        dev.interrupt()
    return outcome(dev, {0, 1, -2})


def outcome(dev: Dev, codes: set[int]) -> str:
    try:
        code = dev.end()
    except subprocess.TimeoutExpired:
        return f"it goes on: {dev.stderr}"
    left = dev.left_behind()
    # by the time the data plane is seen, it may serve already
    if code in codes and not left and dev.stdout.count("\n") <= 1:
        return "fine"
    return f"exit code {code}, {left} left behind, said {dev.stdout}{dev.stderr}"


@pytest.fixture(scope="module")
def unmigrated(home: Path) -> Path:
    """A data directory with a database in which nothing is."""
    path = home / "unmigrated" / "D"
    start_postgres(path / "postgres").stop()
    return path


@pytest.mark.timeout(600)
def test_a_signal_at_any_instant_of_the_first_migration_ends_it_all(
    unmigrated: Path, new_dir: Path
) -> None:
    # An exception that a signal raises anywhere may get lost, or break a library written in C.
    outcomes: list[str] = []
    for number in range(_INSTANTS):
        directory = new_dir.with_name(f"D{number}")
        subprocess.run(["cp", "-a", unmigrated, directory], check=True)
        with run_dev(directory, free_port(), "--json") as dev:
            until(lambda dev=dev, at=directory: has("postgres/port")(at, dev))  # type: ignore[misc]
            time.sleep(number * _STEP)
            dev.running()
            os.killpg(dev.process.pid, (signal.SIGINT, signal.SIGTERM)[number % 2])
            outcomes.append(outcome(dev, {0}))
    assert outcomes == ["fine"] * _INSTANTS
