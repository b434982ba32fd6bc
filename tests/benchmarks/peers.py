"""What the harness needs to know of another implementation, and how it is measured beside ours."""

from collections.abc import Callable
from pathlib import Path
from secrets import token_hex
from statistics import median

import msgspec

from control_plane.benchmark.measure import Case, Spoiled, measure, warm
from control_plane.benchmark.ours import Bench
from control_plane.benchmark.processes import NotStarted, Program, Running, run_program
from control_plane.benchmark.proof import Issuer, proof
from control_plane.benchmark.requests import post
from control_plane.benchmark.results import Paired, Peer, median_of
from control_plane.benchmark.starts import free_port
from shared.domain.jwk import Algorithm

CACHE = Path(__file__).parents[2] / ".bench-cache"  # what is installed for the peers; git-ignored
_ROUNDS_OF_WARMTH = 3


class Absent(Exception):
    """A peer cannot be measured here; the message says why."""


class Ask(msgspec.Struct, frozen=True, kw_only=True):
    """How a peer is asked for a token of one algorithm."""

    path: str
    basic: tuple[str, str]
    form: dict[str, str]
    audience: str
    issuer: str
    jwks_path: str


class Prepared(msgspec.Struct, frozen=True, kw_only=True):
    """A peer that is installed: the program, and what to ask it for."""

    version: str
    program: Program
    asks: dict[Algorithm, Ask]
    rounds_of_warmth: int = _ROUNDS_OF_WARMTH  # a compiler that works as it runs needs more
    prepare_issuer: Callable[[], None] | None = None  # once it runs; may raise Absent


class PeerKind(msgspec.Struct, frozen=True, kw_only=True):
    """A peer by name. `prepare` takes a port and the environment, installs it, may raise Absent."""

    name: str
    how: str
    prepare: Callable[[int, dict[str, str]], Prepared]
    long_set_up: bool  # left out of the short form


def audience_of(algorithm: Algorithm) -> str:
    return f"https://{algorithm.value.lower()}.peer.example"


def new_credentials() -> tuple[str, str]:
    return f"peer-{token_hex(4)}", token_hex(32)


def measure_peer(kind: PeerKind, bench: Bench, ours: Running) -> Peer:
    """Measure it in turns with ours, or say why not."""
    bench.say(f"{kind.name}: installing")
    try:
        prepared = kind.prepare(free_port(), dict(bench.installation.inherited))
    except Absent as absent:
        return Peer(name=kind.name, version="", how=kind.how, reason=str(absent))
    found = Peer(name=kind.name, version=prepared.version, how=kind.how)
    try:
        with run_program(prepared.program, bench.cores.server) as theirs:
            if prepared.prepare_issuer:
                prepared.prepare_issuer()
            return _measured(found, prepared, bench, ours, theirs)
    except (Absent, NotStarted, Spoiled) as error:
        return msgspec.structs.replace(found, reason=str(error))


def _measured(peer: Peer, prepared: Prepared, bench: Bench, ours: Running, theirs: Running) -> Peer:
    algorithms: dict[str, Paired] = {}
    for algorithm, ask in prepared.asks.items():
        bench.say(f"{peer.name}: {algorithm.value}, in turns with ours")
        case = _case(peer.name, ask, theirs, algorithm)
        for _ in range(prepared.rounds_of_warmth):
            warm(case, bench.size, bench.generator)
        algorithms[algorithm.value] = _in_turns(bench, bench.tokens(ours, algorithm), case)
    return msgspec.structs.replace(
        peer,
        algorithms=algorithms,
        memory=theirs.memory(),
        seconds_to_ready=theirs.seconds_to_ready,
    )


def _case(name: str, ask: Ask, theirs: Running, algorithm: Algorithm) -> Case:
    issuer = Issuer(port=theirs.port, jwks_path=ask.jwks_path, issuer=ask.issuer)
    return Case(
        name=f"{name} {algorithm.value}",
        running=theirs,
        requests=[post(theirs.port, ask.path, ask.basic, ask.form)],
        accept=proof(issuer, ask.audience, algorithm.value),
    )


def _in_turns(bench: Bench, ours: Case, theirs: Case) -> Paired:
    """Ours, theirs, ours, theirs …: what slows the machine for a while slows both."""
    warm(ours, bench.size, bench.generator)
    runs = [
        (measure(ours, bench.size, bench.generator), measure(theirs, bench.size, bench.generator))
        for _ in range(bench.size.runs)
    ]
    ratios = [mine.rate / other.rate for mine, other in runs]
    return Paired(
        ours=median_of(ours.name, [mine for mine, _ in runs]),
        theirs=median_of(theirs.name, [other for _, other in runs]),
        ratio=median(ratios),
        ratios=ratios,
        cpu_ratio=median(other.cpu_us / mine.cpu_us for mine, other in runs),
    )
