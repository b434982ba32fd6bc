"""From nothing to the first answer: the data plane, and `auth-service dev`."""

import socket
import sys
from collections.abc import Mapping
from pathlib import Path

from control_plane.benchmark.installation import Installation, data_plane
from control_plane.benchmark.processes import Program, run_program

_PATIENCE = 120.0  # seconds; a first `dev` makes a database
_DEV_PATH = "/t/demo/.well-known/jwks.json"


def start_data_plane(installation: Installation, path: str, times: int) -> list[float]:
    """Give the seconds until the tenant's document was first answered, for each start."""
    seconds = []
    for _ in range(times):
        program = data_plane(installation, free_port(), 1, path)
        with run_program(program, None) as running:
            seconds.append(running.seconds_to_ready)
    return seconds


def start_dev(inherited: Mapping[str, str], data_dir: Path) -> float:
    """Give the seconds until `auth-service dev` serves the demo tenant's key set."""
    port = free_port()
    program = Program(
        name="auth-service dev",
        arguments=(
            *(sys.executable, "-m", "control_plane.cli.main", "dev", "--no-input"),
            *("--data-dir", str(data_dir), "--port", str(port)),
        ),
        environment=dict(inherited),
        port=port,
        ready_path=_DEV_PATH,
        patience=_PATIENCE,
    )
    with run_program(program, None) as running:
        return running.seconds_to_ready


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
