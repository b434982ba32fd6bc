"""The spool's files: what is appended is on the disk when the call returns. Blocking.

A file is a magic word and then records, each with its length and checksum before it. Its owner
holds a lock on it, which the kernel lets go of however the owner ends; then whoever finds it adopts
it. What a crash has left half written at a file's end was never answered for, and is cut off.
"""

import errno
import fcntl
import os
import struct
import time
import zlib
from collections.abc import Iterator
from pathlib import Path
from secrets import token_hex

import msgspec

_MAGIC = b"ASLEDG01"
_HEAD = struct.Struct(">II")  # octets behind it, their CRC-32
_ABOUT = struct.Struct(">II")  # tokens of the batch, its minute
_SEGMENT = 2**20  # octets, after which a new file is begun
_LOOK_EVERY = 1.0  # seconds between two looks at what the others' files take
_SUFFIX = ".spool"


class SpoolFull(Exception):
    """The spool has as many octets as it may."""


class Record(msgspec.Struct, frozen=True, kw_only=True):
    tokens: int
    minute: int  # since the epoch
    body: bytes

    def packed(self) -> bytes:
        octets = _ABOUT.pack(self.tokens, self.minute) + self.body
        return _HEAD.pack(len(octets), zlib.crc32(octets)) + octets


class Spooled(msgspec.Struct, frozen=True):
    """How much waits in the spool."""

    tokens: int
    oldest_minute: int | None  # since the epoch, of its oldest file; None where nothing waits


class Segment:
    """A locked file: `end` is behind its last whole record, `done` behind the last replayed."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self.path = path
        self.descriptor = descriptor
        self.done = self.end = len(_MAGIC)
        self.tokens = 0  # that wait
        self.oldest_minute: int | None = None

    def append(self, record: Record, octets: bytes) -> None:
        """Write the record. Raises OSError, and leaves nothing of it then."""
        try:
            view = memoryview(octets)
            while view:
                view = view[os.write(self.descriptor, view) :]
            os.fdatasync(self.descriptor)
        except OSError:
            os.ftruncate(self.descriptor, self.end)
            raise
        self.count(record, self.end + len(octets))

    def count(self, record: Record, end: int) -> None:
        self.end = end
        self.tokens += record.tokens
        if self.oldest_minute is None or record.minute < self.oldest_minute:
            self.oldest_minute = record.minute

    def records(self, start: int) -> Iterator[tuple[Record, int]]:
        """Give each whole record from there on, and where it ends."""
        length = os.fstat(self.descriptor).st_size - start
        octets = os.pread(self.descriptor, max(length, 0), start)
        at = 0
        while (record := _record_at(octets, at)) is not None:
            at += _HEAD.size + _ABOUT.size + len(record.body)
            yield record, start + at

    def remove(self) -> None:
        self.path.unlink(missing_ok=True)
        os.close(self.descriptor)


class SpoolFiles:
    """Those of this process and those it has adopted, for use by one thread at a time."""

    def __init__(self, directory: Path, limit: int) -> None:
        """`limit`: octets of all files in the directory, whoever's they are."""
        self._directory = directory
        self._limit = limit
        self._segments: list[Segment] = []  # the oldest first; only the last may be appended to
        self._own: Segment | None = None
        self._looked_at = -_LOOK_EVERY
        self._octets_of_others = 0
        self._reading: tuple[Segment, int, int] | None = (
            None  # where what was read ends, its tokens
        )

    def prepare(self) -> None:
        """Make the directory and see whether it can be written. Raises OSError.

        A start waits for no disk: the first file is made when it is first needed.
        """
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not os.access(self._directory, os.R_OK | os.W_OK | os.X_OK):
            raise OSError(errno.EACCES, os.strerror(errno.EACCES))

    def append(self, record: Record) -> None:
        """Return when the record is on the disk. Raises SpoolFull or OSError."""
        octets = record.packed()
        if self._octets() + len(octets) > self._limit:
            raise SpoolFull
        if self._own is None or self._own.end > _SEGMENT:
            self._own = self._new_segment()
        self._own.append(record, octets)
        if self._own not in self._segments:
            self._segments.append(self._own)

    def spooled(self) -> Spooled:
        minutes = [each.oldest_minute for each in self._segments if each.oldest_minute is not None]
        return Spooled(sum(each.tokens for each in self._segments), min(minutes, default=None))

    def adopt(self) -> int:
        """Take over the files whose owners are gone; count the tokens in them. Raises OSError."""
        held = {each.path for each in (*self._segments, self._own) if each is not None}
        tokens = 0
        for path in sorted(self._directory.glob(f"*{_SUFFIX}"), reverse=True):
            segment = None if path in held else _locked(path)
            if segment is not None:
                tokens += self._take_over(segment)
        return tokens

    def read(self, tokens: int) -> list[Record]:
        """Give the oldest records, of so many tokens or a little more; none where all is done."""
        records: list[Record] = []
        if not self._segments:
            return records
        segment, read = self._segments[0], 0
        for record, end in segment.records(segment.done):
            records.append(record)
            read += record.tokens
            self._reading = segment, end, read
            if read >= tokens:
                break
        return records

    def forget(self) -> None:
        """Forget what was read last: it is in the ledger."""
        if self._reading is None:
            return
        segment, end, tokens = self._reading
        segment.done = end
        segment.tokens -= tokens
        self._reading = None
        if segment.done == segment.end:
            segment.remove()
            self._segments.remove(segment)
            if segment is self._own:
                self._own = None

    def set_aside(self, record: Record) -> None:
        """Keep what the ledger will never take in a file of its own, for a person to look at."""
        path = self._directory / f"never-taken-{os.getpid()}-{token_hex(4)}"
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(record.body)
            file.flush()
            os.fsync(file.fileno())

    def close(self) -> None:
        """Let go of the files; whoever comes next adopts them."""
        if self._own is not None and self._own not in self._segments:
            self._own.remove()
        for each in self._segments:
            os.close(each.descriptor)
        self._segments, self._own = [], None

    def _new_segment(self) -> Segment:
        while True:
            path = self._directory / f"{time.time_ns()}-{os.getpid()}-{token_hex(4)}{_SUFFIX}"
            flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC
            descriptor = os.open(path, flags, 0o600)
            if not _lock(descriptor) or os.fstat(descriptor).st_nlink == 0:
                os.close(descriptor)  # somebody took it for an orphan, between two of our lines
                continue
            try:
                os.write(descriptor, _MAGIC)  # on the disk with the first record
                _sync_directory(self._directory)
            except OSError:
                Segment(path, descriptor).remove()
                raise
            return Segment(path, descriptor)

    def _take_over(self, segment: Segment) -> int:
        magic = os.pread(segment.descriptor, len(_MAGIC), 0)
        if len(magic) == len(_MAGIC) and magic != _MAGIC:  # of another release: not ours to judge
            os.close(segment.descriptor)
            return 0
        for record, end in segment.records(segment.done):
            segment.count(record, end)
        if segment.tokens:
            self._segments.insert(0, segment)
        else:
            segment.remove()
        return segment.tokens

    def _octets(self) -> int:
        if time.monotonic() - self._looked_at > _LOOK_EVERY:
            self._looked_at = time.monotonic()
            everything = sum(_size_of(each) for each in self._directory.glob(f"*{_SUFFIX}"))
            self._octets_of_others = everything - self._own_octets()
        return self._octets_of_others + self._own_octets()

    def _own_octets(self) -> int:
        return sum(each.end for each in self._segments)


def _record_at(octets: bytes, at: int) -> Record | None:
    if len(octets) < at + _HEAD.size + _ABOUT.size:
        return None
    length, checksum = _HEAD.unpack_from(octets, at)
    written = octets[at + _HEAD.size : at + _HEAD.size + length]
    if length < _ABOUT.size or len(written) < length or zlib.crc32(written) != checksum:
        return None
    tokens, minute = _ABOUT.unpack_from(written)
    return Record(tokens=tokens, minute=minute, body=written[_ABOUT.size :])


def _locked(path: Path) -> Segment | None:
    """Open the file if nobody holds it."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    if _lock(descriptor) and os.fstat(descriptor).st_nlink > 0:
        return Segment(path, descriptor)
    os.close(descriptor)
    return None


def _lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _size_of(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _sync_directory(directory: Path) -> None:
    """Have the disk know the names in it."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
