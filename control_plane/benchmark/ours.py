"""Our data plane under load: tokens, introspection, documents, latency, connections, memory."""

from collections.abc import Callable
from statistics import median

import msgspec

from control_plane.benchmark.bare import bare_rate
from control_plane.benchmark.cores import Cores
from control_plane.benchmark.generator import Generator, Job, Mode
from control_plane.benchmark.installation import (
    BenchTenant,
    Installation,
    Ledger,
    issuer_of,
)
from control_plane.benchmark.measure import Case, Size, Spoiled, issue, measure, warm
from control_plane.benchmark.processes import Running
from control_plane.benchmark.proof import Issuer, proof
from control_plane.benchmark.requests import closing, get, post
from control_plane.benchmark.results import Measured, Memory, Run, Workers, median_of
from shared.domain.jwk import Algorithm

_KNOWN_TOKENS = 1_000  # to introspect: what a resource server has before it at a time
_PACED = 1000.0  # tokens a second, target P5
_NOT_MODIFIED = 304
_GRANT = {"grant_type": "client_credentials", "scope": "read write"}
Say = Callable[[str], None]


class Bench(msgspec.Struct, frozen=True, kw_only=True):
    """What every measurement needs: where, how long, and whom to tell."""

    installation: Installation
    tenant: BenchTenant
    size: Size
    cores: Cores
    generator: Generator
    say: Say

    @property
    def ledger(self) -> Ledger:
        return Ledger(self.installation.owner_url)

    def tokens(self, running: Running, algorithm: Algorithm) -> Case:
        """Tokens of an algorithm, each recorded, one of each run verified."""
        caller, port = self.tenant.callers[algorithm], running.port
        jwks_path = f"{self.tenant.path}/.well-known/jwks.json"
        issuer = Issuer(port=port, jwks_path=jwks_path, issuer=issuer_of(self.tenant, port))
        return Case(
            name=f"tokens {algorithm.value}",
            running=running,
            requests=[post(port, f"{self.tenant.path}/oauth/token", caller.basic, _GRANT)],
            ledger=self.ledger,
            accept=proof(issuer, caller.audience, algorithm.value),
        )

    def repeat(self, case: Case) -> Measured:
        """Measure it as often as the size says, after it was warmed."""
        self.say(case.name)
        warm(case, self.size, self.generator)
        runs = [measure(case, self.size, self.generator) for _ in range(self.size.runs)]
        return median_of(case.name, runs)


def measure_tokens(
    bench: Bench, running: Running
) -> tuple[dict[str, Measured], dict[str, float], dict[str, float]]:
    """Give tokens, their part of the bare signatures, and these; by algorithm."""
    tokens, of_bare, bare = {}, {}, {}
    for algorithm in Algorithm:
        case = bench.tokens(running, algorithm)
        bench.say(case.name)
        warm(case, bench.size, bench.generator)
        runs: list[Run] = []
        rates: list[float] = []
        for _ in range(bench.size.runs):  # in turns: what slows the machine slows both
            rates.append(bare_rate(algorithm, bench.size.seconds / 3, bench.cores.server))
            runs.append(measure(case, bench.size, bench.generator))
        tokens[algorithm.value] = median_of(case.name, runs)
        pairs = zip(runs, rates, strict=True)
        of_bare[algorithm.value] = median(run.rate / rate for run, rate in pairs)
        bare[algorithm.value] = median(rates)
    return tokens, of_bare, bare


def measure_others(bench: Bench, running: Running) -> dict[str, Measured]:
    """Introspection, documents, latency at a fixed rate, and new connections; by name."""
    cases = [
        *_introspection(bench, running),
        *_documents(bench, running),
        *_paced_and_fresh(bench, running),
    ]
    return {each.name: bench.repeat(each) for each in cases}


def _introspection(bench: Bench, running: Running) -> list[Case]:
    """Tokens that the worker has seen before, and such as it has to verify."""
    caller, port = bench.tenant.callers[Algorithm.ES256], running.port
    path = f"{bench.tenant.path}/oauth/introspect"
    requests = [
        post(port, path, caller.basic, {"token": each})
        for each in _issued(bench, running, bench.size.introspected)
    ]
    asked = {
        "introspection ES256": requests[:_KNOWN_TOKENS],
        "introspection ES256, new tokens": requests,
    }
    return [
        Case(name=name, running=running, requests=each, accept=_is_active)
        for name, each in asked.items()
    ]


def _issued(bench: Bench, running: Running, count: int) -> list[str]:
    """Give different tokens, so many or a few less: an answer of 503 has none."""
    requests = bench.tokens(running, Algorithm.ES256).requests
    job = Job(port=running.port, requests=requests, count=count, kept=count)
    bodies = (each.partition(b"\r\n\r\n")[2] for each in bench.generator.run(job).kept)
    return [msgspec.json.decode(each)["access_token"] for each in bodies if b"_token" in each]


def _is_active(body: bytes) -> None:
    if msgspec.json.decode(body)["active"] is not True:
        raise Spoiled("a token that is good was said to be none")


def _documents(bench: Bench, running: Running) -> list[Case]:
    cases = []
    documents = {"JWKS": "jwks.json", "discovery": "openid-configuration"}
    for name, file in documents.items():
        path = f"{bench.tenant.path}/.well-known/{file}"
        etag = _etag(bench.generator, running.port, path)
        whole, same = get(running.port, path), get(running.port, path, etag)
        cases += [
            Case(name=f"{name} 200", running=running, requests=[whole]),
            Case(name=f"{name} 304", running=running, requests=[same], status=_NOT_MODIFIED),
        ]
    return cases


def _etag(generator: Generator, port: int, path: str) -> str:
    job = Job(port=port, requests=[get(port, path)], count=1, connections=1)
    head = generator.run(job).kept[0].partition(b"\r\n\r\n")[0].decode()
    fields = dict(line.split(": ", 1) for line in head.split("\r\n")[1:])
    return {name.lower(): field for name, field in fields.items()}["etag"]


def _paced_and_fresh(bench: Bench, running: Running) -> list[Case]:
    tokens = bench.tokens(running, Algorithm.ES256)
    paced = msgspec.structs.replace(
        tokens, name="tokens ES256, 1,000 a second", mode=Mode.OPEN, rate=_PACED
    )
    fresh = msgspec.structs.replace(
        tokens,
        name="tokens ES256, new connections",
        mode=Mode.FRESH,
        requests=[closing(each) for each in tokens.requests],
    )
    return [paced, fresh]


def measure_memory(bench: Bench, running: Running) -> Memory:
    """Issue many tokens; see the worker's memory and the ledger grow."""
    case, count = bench.tokens(running, Algorithm.ES256), bench.size.tokens
    bench.say(f"memory and ledger, {count:,} tokens")
    octets, early = bench.ledger.octets(), count // 10
    issue(case, bench.size, bench.generator, early)
    memory = running.memory()
    issue(case, bench.size, bench.generator, count - early)
    return Memory(
        tokens=count,
        early=memory,
        late=running.memory(),
        ledger_bytes_per_token=(bench.ledger.octets() - octets) / count,
        ledger_partitions=bench.ledger.partitions(),
    )


def measure_second_worker(
    bench: Bench, one: Running, two: Running, *, algorithm: Algorithm = Algorithm.RS256
) -> Workers:
    """Compare a server of one worker, on its core, with one of two workers, on any.

    The generator and PostgreSQL take a part of the two cores from them; so beside the ratio that is
    measured stands what the CPU seconds say: a worker that has a core for itself issues
    1/cpu_us tokens, and two issue as many as the busier one lets them.
    """
    of_one, of_two = (bench.repeat(bench.tokens(each, algorithm)) for each in (one, two))
    return Workers(
        one=of_one,
        two=of_two,
        measured_ratio=of_two.rate / of_one.rate,
        computed_ratio=of_one.cpu_us / (of_two.cpu_us * of_two.busiest),
    )
