"""What a team would write: Authlib with Flask, and FastAPI with PyJWT, each in one process."""

import sys
from collections.abc import Callable, Mapping
from hashlib import sha256
from pathlib import Path

import msgspec

from control_plane.benchmark.processes import Program
from shared.domain.jwk import Algorithm
from tests.benchmarks.peers import (
    CACHE,
    Ask,
    PeerKind,
    Prepared,
    audience_of,
    new_credentials,
)
from tests.benchmarks.tools import done, once, run

_ROOT = Path(__file__).parents[2]
_LOCK = Path(__file__).parent / "python" / "requirements.lock"
_VENV = CACHE / "python"
_BIN = _VENV / "bin"
_APPLICATIONS = "tests.benchmarks.python"


class Framework(msgspec.Struct, frozen=True, kw_only=True):
    """An application of the folder `python`, and how it is served."""

    name: str
    how: str
    packages: tuple[str, ...]  # whose versions are told
    algorithms: tuple[Algorithm, ...]
    path: Callable[[Algorithm], str]
    serve: Callable[[int], tuple[str, ...]]  # of a port

    def prepare(self, port: int, environment: dict[str, str]) -> Prepared:
        _install()
        basic = new_credentials()
        issuer = f"http://127.0.0.1:{port}"
        asked = {
            "issuer": issuer,
            "client_id": basic[0],
            "client_secret": basic[1],
            "algorithms": {audience_of(each): each.value for each in Algorithm},
        }
        environment |= {
            "BENCH_PEER": msgspec.json.encode(asked).decode(),
            "AUTHLIB_INSECURE_TRANSPORT": "1",  # plain http, on this machine only
        }
        return Prepared(
            version=_versions(self.packages),
            program=Program(
                name=self.name,
                arguments=self.serve(port),
                environment=environment,
                port=port,
                ready_path="/jwks",
                directory=_ROOT,
            ),
            asks={each: self._ask(each, basic, issuer) for each in self.algorithms},
        )

    def _ask(self, algorithm: Algorithm, basic: tuple[str, str], issuer: str) -> Ask:
        audience = audience_of(algorithm)
        return Ask(
            path=self.path(algorithm),
            basic=basic,
            form={
                "grant_type": "client_credentials",
                "scope": "read write",
                "resource": audience,
            },
            audience=audience,
            issuer=issuer,
            jwks_path="/jwks",
        )

    def kind(self) -> PeerKind:
        return PeerKind(name=self.name, how=self.how, prepare=self.prepare, long_set_up=True)


def _install() -> None:
    """Make them a virtual environment of their own; hashes are checked, nothing is resolved."""
    stamp, wanted = _VENV / "version", sha256(_LOCK.read_bytes()).hexdigest()
    if not once(stamp, wanted):
        return
    CACHE.mkdir(exist_ok=True)
    run(sys.executable, "-m", "venv", "--clear", _VENV, directory=CACHE)
    options = ("--quiet", "--no-input", "--disable-pip-version-check", "--no-deps")
    locked = ("--require-hashes", "-r", _LOCK)
    run(_BIN / "python", "-m", "pip", "install", *options, *locked, directory=CACHE)
    done(stamp, wanted)


def _versions(packages: tuple[str, ...]) -> str:
    program = (
        "import sys; from importlib.metadata import version;"
        "print(*(version(each) for each in sys.argv[1:]))"
    )
    return run(_BIN / "python", "-c", program, *packages, directory=CACHE).strip()


def _gunicorn(port: int) -> tuple[str, ...]:
    """Its threads keep connections alive; its plain workers close each after one answer."""
    return (
        *(str(_BIN / "gunicorn"), "--worker-class", "gthread", "--threads", "4"),
        *("--keep-alive", "60", "--no-control-socket", "--bind", f"127.0.0.1:{port}"),
        f"{_APPLICATIONS}.authlib_flask:application",
    )


def _uvicorn(port: int) -> tuple[str, ...]:
    return (
        *(str(_BIN / "uvicorn"), "--host", "127.0.0.1", "--port", str(port), "--no-access-log"),
        *("--loop", "uvloop", "--http", "httptools"),
        f"{_APPLICATIONS}.fastapi_pyjwt:application",
    )


def _same_path(_: Algorithm) -> str:
    return "/oauth/token"


def _own_path(algorithm: Algorithm) -> str:
    return f"/{algorithm.value}/token"


def _kinds() -> Mapping[str, PeerKind]:
    fastapi = Framework(
        name="FastAPI + PyJWT",
        how="uvicorn, uvloop, one process",
        packages=("fastapi", "pyjwt", "uvicorn"),
        algorithms=tuple(Algorithm),
        path=_same_path,
        serve=_uvicorn,
    )
    flask = Framework(
        name="Authlib + Flask",
        how="gunicorn, one process of four threads",
        packages=("authlib", "flask", "gunicorn"),
        # its generator refuses EdDSA
        algorithms=(Algorithm.ES256, Algorithm.RS256),
        path=_own_path,
        serve=_gunicorn,
    )
    return {each.name: each.kind() for each in (fastapi, flask)}


BY_HAND = tuple(_kinds().values())
