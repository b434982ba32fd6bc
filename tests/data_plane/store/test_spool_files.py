"""The spool's files: what was appended is found again, by whoever finds it, and nothing else."""

import fcntl
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from data_plane.store.spool_files import Record, SpoolFiles, SpoolFull

_LIMIT = 2**20
_ONE = Record(tokens=1, minute=5, body=b"one")
_TWO = Record(tokens=2, minute=4, body=b"two")


def opened(directory: Path, limit: int = _LIMIT) -> SpoolFiles:
    files = SpoolFiles(directory, limit)
    files.prepare()
    return files


def everything_in(files: SpoolFiles) -> list[Record]:
    found = []
    while records := files.read(1):
        found += records
        files.forget()
    return found


def left_by_another(directory: Path, *records: Record) -> Path:
    """Have a process that is gone by now write them to a file."""
    files = opened(directory)
    for record in records:
        files.append(record)
    files.close()
    (path,) = directory.iterdir()
    return path


@contextmanager
def files_at_most(octets: int) -> Iterator[None]:
    """Have the kernel refuse what would make a file longer, as a full disk does."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (octets, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_records_come_back_in_their_order_and_then_the_file_is_gone(tmp_path: Path) -> None:
    files = opened(tmp_path)
    for record in (_ONE, _TWO):
        files.append(record)
    assert (files.spooled().tokens, files.spooled().oldest_minute) == (3, 4)
    assert everything_in(files) == [_ONE, _TWO]
    assert list(tmp_path.iterdir()) == []
    assert files.spooled().tokens == 0


def test_a_record_is_read_again_until_it_is_forgotten(tmp_path: Path) -> None:
    files = opened(tmp_path)
    files.append(_ONE)
    assert files.read(10) == files.read(10) == [_ONE]
    files.append(_TWO)
    files.forget()
    assert files.read(10) == [_TWO]


def test_nobody_else_may_read_them(tmp_path: Path) -> None:
    directory = tmp_path / "made"
    path = left_by_another(directory, _ONE)
    assert path.stat().st_mode & 0o777 == 0o600
    assert directory.stat().st_mode & 0o777 == 0o700


def test_a_file_is_adopted_once_its_owner_is_gone_and_not_before(tmp_path: Path) -> None:
    owner, other = opened(tmp_path), opened(tmp_path)
    owner.append(_ONE)
    assert other.adopt() == 0
    owner.close()
    assert other.adopt() == 1
    assert opened(tmp_path).adopt() == 0
    assert everything_in(other) == [_ONE]


def test_what_is_adopted_is_read_before_what_is_new(tmp_path: Path) -> None:
    left_by_another(tmp_path, _TWO)
    files = opened(tmp_path)
    files.append(_ONE)
    assert files.adopt() == 2
    assert everything_in(files) == [_TWO, _ONE]


def test_wherever_a_write_was_cut_the_whole_records_before_it_are_found(tmp_path: Path) -> None:
    written = left_by_another(tmp_path / "whole", _ONE, _TWO).read_bytes()
    first = len(left_by_another(tmp_path / "first", _ONE).read_bytes())
    for length in range(len(written)):
        directory = tmp_path / str(length)
        directory.mkdir()
        (directory / "left.spool").write_bytes(written[:length])
        files = opened(directory)
        files.adopt()
        assert everything_in(files) == ([_ONE] if length >= first else [])
        files.close()
        assert list(directory.iterdir()) == []


@pytest.mark.parametrize("tail", [bytes(64), b"\xff" * 64, b"\0\0\0\x08" + b"x" * 12])
def test_rubbish_behind_the_last_record_is_cut_off(tmp_path: Path, tail: bytes) -> None:
    with left_by_another(tmp_path, _ONE).open("ab") as file:
        file.write(tail)
    files = opened(tmp_path)
    assert files.adopt() == 1
    assert everything_in(files) == [_ONE]


def test_beyond_its_limit_it_takes_nothing_until_something_is_forgotten(tmp_path: Path) -> None:
    record = Record(tokens=1, minute=1, body=bytes(1_000))
    files = opened(tmp_path, limit=2_500)
    files.append(record)
    files.append(record)
    with pytest.raises(SpoolFull):
        files.append(record)
    files.read(1)
    files.forget()
    everything_in(files)
    files.append(record)


def test_the_limit_is_that_of_all_who_share_the_directory(tmp_path: Path) -> None:
    record = Record(tokens=1, minute=1, body=bytes(1_000))
    left_by_another(tmp_path, record, record)
    with pytest.raises(SpoolFull):
        opened(tmp_path, limit=2_500).append(record)


def test_what_a_full_disk_cuts_off_leaves_no_trace(tmp_path: Path) -> None:
    files = opened(tmp_path)
    files.append(_ONE)
    with files_at_most(200), pytest.raises(OSError, match="File too large"):
        files.append(Record(tokens=9, minute=1, body=bytes(1_000)))
    files.append(_TWO)
    assert files.spooled().tokens == 3
    assert everything_in(files) == [_ONE, _TWO]


def test_a_long_spool_is_several_files_and_each_goes_when_it_is_done(tmp_path: Path) -> None:
    files = opened(tmp_path, limit=2**24)
    records = [Record(tokens=1, minute=each, body=bytes(300_000)) for each in range(12)]
    for record in records:
        files.append(record)
    lengths = [len(list(tmp_path.iterdir()))]
    for record in records:
        assert files.read(1) == [record]
        files.forget()
        lengths.append(len(list(tmp_path.iterdir())))
    assert lengths == sorted(lengths, reverse=True)
    assert (lengths[0], lengths[-1]) == (3, 0)


def test_a_file_of_another_release_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "other.spool"
    path.write_bytes(b"ASLEDG99 and more")
    assert opened(tmp_path).adopt() == 0
    assert path.exists()


def test_what_is_set_aside_is_there_for_a_person_and_for_nobody_else(tmp_path: Path) -> None:
    files = opened(tmp_path)
    files.set_aside(_ONE)
    files.close()
    (path,) = tmp_path.iterdir()
    assert path.read_bytes() == b"one"
    assert opened(tmp_path).adopt() == 0


def test_a_directory_that_cannot_be_made_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="Not a directory"):
        opened(tmp_path / "file" / "spool")


def test_an_owner_that_lost_its_new_file_to_an_adopter_makes_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken: list[Path] = []

    def take_first(descriptor: int, operation: int, lock: object = fcntl.flock) -> None:
        if not taken:
            taken.extend(tmp_path.iterdir())
            taken[0].unlink()
        lock(descriptor, operation)  # type: ignore[operator]

    monkeypatch.setattr(fcntl, "flock", take_first)
    files = opened(tmp_path)
    files.append(_ONE)
    assert len(taken) == 1
    assert not taken[0].exists()
    assert everything_in(files) == [_ONE]
