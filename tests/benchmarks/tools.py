"""The tools that install the peers: found, or the peer is absent with a reason."""

import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from tests.benchmarks.peers import Absent

_PATIENCE = 2700.0  # seconds; a Go program of some hundred modules is compiled once


def require(*programs: str) -> None:
    """errors: Absent when one is not installed"""
    missing = [each for each in programs if shutil.which(each) is None]
    if missing:
        raise Absent(f"not installed here: {', '.join(missing)}")


def run(
    *arguments: str | Path, directory: Path, environment: Mapping[str, str] | None = None
) -> str:
    """Run a tool to its end; give what it printed. errors: Absent"""
    try:
        done = subprocess.run(
            arguments,
            cwd=directory,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_PATIENCE,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Absent(f"{arguments[0]}: {error}") from error
    if done.returncode != 0:
        said = (done.stderr.strip() or done.stdout.strip()).splitlines()
        last = said[-1][:300] if said else "it said nothing"
        raise Absent(f"{Path(arguments[0]).name} ended with {done.returncode}: {last}")
    return done.stdout


def once(stamp: Path, version: str) -> bool:
    """Tell whether this version is still to be installed; `done` then says that it is."""
    return not stamp.exists() or stamp.read_text() != version


def done(stamp: Path, version: str) -> None:
    stamp.parent.mkdir(parents=True, exist_ok=True)
    stamp.write_text(version)
