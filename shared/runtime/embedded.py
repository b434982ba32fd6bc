"""The real PostgreSQL server behind `auth-service dev` and the tests.

One directory holds all of it: cluster/ (what initdb made), password (of auth_owner), port (of the
last start), postgres.log (of the last start) and postgres.log.1 (of the one before), and lock
(held while a start is going on). Why it is so: infra/decisions/0002-embedded-postgres.md
"""

import asyncio
import contextlib
import fcntl
import os
import secrets
import signal
import socket
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import asyncpg
import msgspec
import psutil
from typing_extensions import override

from shared.runtime.embedded_programs import (
    Account,
    EmbeddedPostgresError,
    Programs,
    check_version,
    find_binaries,
    holds_programs,
    make_cluster,
    programs_for,
)

__all__ = ["EmbeddedPostgres", "EmbeddedPostgresError", "find_binaries", "start_postgres"]

_OWNER = "auth_owner"
_DATABASE = "auth"
_PATIENCE = 60.0  # seconds for a server to come up: after a crash it replays its log first
_GOING_DOWN = (OSError, asyncpg.PostgresConnectionError, asyncpg.OperatorInterventionError)
# What makes a start fail but passes: somebody took the port; or, after a kill -9 of the server,
# processes of it that are still busy.
_PASSING = ("could not bind", "pre-existing shared memory block")
_SETTINGS = (
    "listen_addresses=127.0.0.1",
    "unix_socket_directories=",  # a socket's path may have 107 bytes, a data directory's more
    "max_connections=100",
    "shared_buffers=128MB",
    "password_encryption=scram-sha-256",
    "timezone=UTC",
    "log_timezone=UTC",
    "log_checkpoints=off",
    "log_min_error_statement=panic",  # a failed ALTER ROLE ... PASSWORD would log the password
)


class EmbeddedPostgres(msgspec.Struct, frozen=True, kw_only=True):
    """A server that accepts connections.

    `url` carries the password of the superuser auth_owner. `adopted`: it was already running.
    `mark` is on the server's command line and names its directory: a pid alone may be recycled.
    """

    url: str
    pid: int
    adopted: bool
    mark: str

    @override
    def __repr__(self) -> str:
        return f"EmbeddedPostgres(pid={self.pid}, adopted={self.adopted})"  # not the password

    def stop(self) -> None:
        """Shut down with everything flushed, or within 10 s without; nothing if it is gone.

        errors: EmbeddedPostgresError when it survives both.
        """
        for signal_number in (signal.SIGINT, signal.SIGQUIT):
            if not _is_running(self.pid) or not _is_postmaster(self.pid, self.mark):
                return
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal_number)
            deadline = time.monotonic() + 10
            while (running := _is_running(self.pid)) and time.monotonic() < deadline:
                time.sleep(0.01)
        if running:
            raise EmbeddedPostgresError(f"PostgreSQL (process {self.pid}) does not stop.")


class _PidFile(msgspec.Struct, frozen=True):
    """postmaster.pid; a field that is missing or broken is 0 or ''."""

    pid: int
    port: int
    status: str  # 'starting', 'ready', 'stopping'


def start_postgres(data_dir: Path, *, binaries: Path | None = None) -> EmbeddedPostgres:
    """The server of `data_dir`, started or, if it already runs, adopted; its database exists.

    Call it from any thread; it waits. Of two starts at once, the second adopts the first's server.
    errors: EmbeddedPostgresError
    """
    binaries = binaries or find_binaries()
    if not holds_programs(binaries):
        raise EmbeddedPostgresError(f"There is no PostgreSQL (initdb, postgres) in {binaries}.")
    try:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        (data_dir / "lock").touch(mode=0o600)
        with (data_dir / "lock").open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            return _start(data_dir.resolve(), binaries.resolve())
    except (OSError, asyncpg.PostgresError, subprocess.TimeoutExpired) as error:
        raise EmbeddedPostgresError(f"PostgreSQL cannot run in {data_dir}: {error}") from error


def _start(data_dir: Path, binaries: Path) -> EmbeddedPostgres:
    cluster = data_dir / "cluster"
    programs = programs_for(cluster, binaries)
    password = _password(data_dir, programs.account)
    if not cluster.exists():
        make_cluster(cluster, programs, owner=_OWNER, password=data_dir / "password")
    check_version(cluster, programs)
    return _adopt(cluster, password) or _launch(data_dir, programs, password)


def _write_private(path: Path, text: str, account: Account | None = None) -> None:
    """Put a file in place, whole or not at all, with mode 0600."""
    partial = path.with_name(f"{path.name}.new")
    partial.unlink(missing_ok=True)
    with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
        if account:
            os.fchown(file.fileno(), account.uid, account.gid)
        file.flush()
        os.fsync(file.fileno())
    partial.rename(path)


def _password(data_dir: Path, account: Account | None) -> str:
    path = data_dir / "password"
    if not path.exists():
        if (data_dir / "cluster").exists():
            raise EmbeddedPostgresError(
                f"{path} is missing, and the database in {data_dir} opens to nothing else."
                " Put the file back, or delete the directory to start from nothing."
            )
        _write_private(path, secrets.token_hex(32), account)  # initdb reads it as its own user
    return path.read_text()


def _adopt(cluster: Path, password: str) -> EmbeddedPostgres | None:
    """The server that a killed app left running, if there is one; one that is stopping is not."""
    mark = _mark(cluster)
    deadline = time.monotonic() + _PATIENCE
    while _is_postmaster((held := _read_pid_file(cluster)).pid, mark):
        if held.status == "ready":
            url = _url(password, held.port)
            with contextlib.suppress(*_GOING_DOWN):
                _make_database(url)
                return EmbeddedPostgres(url=url, pid=held.pid, adopted=True, mark=mark)
        if time.monotonic() > deadline:
            raise EmbeddedPostgresError(
                f"PostgreSQL already runs (process {held.pid}), but accepts no connection."
            )
        time.sleep(0.02)
    if held.pid == 0 or psutil.pid_exists(held.pid):  # broken, a zombie, or somebody else's by now
        # PostgreSQL, which only asks whether there is such a process, would not start.
        (cluster / "postmaster.pid").unlink(missing_ok=True)
    return None


def _launch(data_dir: Path, programs: Programs, password: str) -> EmbeddedPostgres:
    log = data_dir / "postgres.log"
    if log.exists():  # this bounds the logs: what two runs of the server wrote
        log.replace(data_dir / "postgres.log.1")
    deadline = time.monotonic() + _PATIENCE
    while True:
        port = _choose_port(data_dir)
        process = _spawn_server(data_dir, programs, port)
        try:
            if _comes_up(process, data_dir / "cluster", deadline):
                _make_database(url := _url(password, port))
                _write_private(data_dir / "port", str(port))
                process.returncode = 0  # it outlives this object, which would warn of that
                mark = _mark(data_dir / "cluster")
                return EmbeddedPostgres(url=url, pid=process.pid, adopted=False, mark=mark)
        except BaseException:  # Ctrl-C too: nobody would know of the server
            process.send_signal(signal.SIGINT)
            process.wait(_PATIENCE)
            raise
        said = log.read_text(errors="replace").strip()
        if not any(each in said for each in _PASSING) or time.monotonic() > deadline:
            last = "\n".join(said.splitlines()[-10:])
            raise EmbeddedPostgresError(f"PostgreSQL does not start in {data_dir}:\n{last}")
        time.sleep(0.1)


def _spawn_server(data_dir: Path, programs: Programs, port: int) -> subprocess.Popen[bytes]:
    cluster = data_dir / "cluster"
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND | os.O_NOFOLLOW
    log = os.open(data_dir / "postgres.log", flags, 0o600)
    try:
        with programs.sees(cluster) as ((directory,), handed):
            settings = [f"--{each}" for each in (*_SETTINGS, f"port={port}")]
            arguments = ("-D", directory, *settings, _mark(cluster))
            return programs.spawn("postgres", *arguments, handed=handed, output=log)
    finally:
        os.close(log)


def _comes_up(process: subprocess.Popen[bytes], cluster: Path, deadline: float) -> bool:
    while process.poll() is None:
        if (held := _read_pid_file(cluster)).pid == process.pid and held.status == "ready":
            return True
        if time.monotonic() > deadline:
            raise EmbeddedPostgresError(f"PostgreSQL is not ready after {_PATIENCE:.0f} s.")
        time.sleep(0.01)
    return False


def _mark(cluster: Path) -> str:
    """What tells this cluster's server from any other process, even after a rename or a copy."""
    held = cluster.stat()
    return f"--auth.directory={held.st_dev}:{held.st_ino}"


def _is_postmaster(pid: int, mark: str) -> bool:
    """Is it the server that bears the mark? A zombie has no command line, so it is not."""
    try:
        # The command line, since all may read it: root in a container may not read, say, its cwd.
        return mark in psutil.Process(pid).cmdline()
    except psutil.Error:
        return False


def _is_running(pid: int) -> bool:
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)  # if this very process started it, nobody else reaps it
    try:
        # A zombie does not run, and where PID 1 does not reap, it stays one for ever.
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def _read_pid_file(cluster: Path) -> _PidFile:
    try:
        lines = (cluster / "postmaster.pid").read_text().split("\n")
    except FileNotFoundError:
        return _PidFile(pid=0, port=0, status="")
    pid, _, _, port, _, _, _, status, *_ = [line.strip() for line in lines] + [""] * 8
    return _PidFile(
        pid=int(pid) if pid.isdigit() else 0, port=int(port) if port.isdigit() else 0, status=status
    )


def _choose_port(data_dir: Path) -> int:
    """The last start's, if it is free; else one that is free now (it may be lost by the start)."""
    with contextlib.suppress(FileNotFoundError, ValueError):
        if _is_free(port := int((data_dir / "port").read_text())):
            return port
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def _is_free(port: int) -> bool:
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError:
        return False
    return True


def _url(password: str, port: int) -> str:
    return f"postgresql://{_OWNER}:{password}@127.0.0.1:{port}/{_DATABASE}"


def _make_database(url: str) -> None:
    """Make the database unless it exists. errors: EmbeddedPostgresError, asyncpg's, OSError"""
    with ThreadPoolExecutor(max_workers=1) as thread:  # the caller's may run a loop already
        try:
            thread.submit(asyncio.run, _make_database_over(url)).result()
        except asyncpg.InvalidPasswordError as error:
            raise EmbeddedPostgresError(
                "The running PostgreSQL refuses the password kept in the data directory."
            ) from error


async def _make_database_over(url: str) -> None:
    connection = await asyncpg.connect(url, database="postgres", ssl=False, timeout=10)
    try:
        if not await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", _DATABASE):
            await connection.execute(f"CREATE DATABASE {_DATABASE}")
    finally:
        await connection.close()
