"""Results as a benchmark finds them, made up: what the report and the judgement are tried with."""

from control_plane.benchmark.results import (
    Limit,
    Machine,
    Measured,
    Memory,
    Ours,
    Paired,
    Peer,
    Results,
    Starts,
    Workers,
)
from control_plane.benchmark.targets import NODE, judge

ALGORITHMS = ("ES256", "EdDSA", "RS256")
_OTHERS = {
    "introspection ES256": 4_000.0,
    "introspection ES256, new tokens": 3_600.0,
    "JWKS 200": 16_000.0,
    "JWKS 304": 16_000.0,
    "discovery 200": 16_000.0,
    "discovery 304": 14_000.0,
    "tokens ES256, 1,000 a second": 1_000.0,
    "tokens ES256, new connections": 2_000.0,
}


def measured(name: str, rate: float) -> Measured:
    return Measured(
        name=name,
        rate=rate,
        p50=1.0,
        p95=3.0,
        p99=12.0,
        cpu_us=1e6 / rate,
        busiest=0.5,
        count=int(rate),
        rates=[rate],
    )


def paired(algorithm: str, ours: float, theirs: float) -> Paired:
    return Paired(
        ours=measured(f"tokens {algorithm}", ours),
        theirs=measured(f"{NODE} {algorithm}", theirs),
        ratio=ours / theirs,
        ratios=[ours / theirs],
        cpu_ratio=ours / theirs,
    )


def node(es256: float, eddsa: float, rs256: float) -> Peer:
    """Make the peer of which ours is so many times as fast."""
    times = dict(zip(ALGORITHMS, (es256, eddsa, rs256), strict=True))
    pairs = {name: paired(name, 1_500 * each, 1_500) for name, each in times.items()}
    return Peer(name=NODE, version="9", how="in memory", algorithms=pairs, memory=140.0)


def ours() -> Ours:
    return Ours(
        tokens={name: measured(f"tokens {name}", 5_000) for name in ALGORITHMS},
        of_bare=dict.fromkeys(ALGORITHMS, 0.65),
        others={name: measured(name, rate) for name, rate in _OTHERS.items()},
        memory=Memory(
            tokens=1_000_000,
            early=80.0,
            late=82.0,
            ledger_bytes_per_token=91.0,
            ledger_partitions=9,
        ),
        starts=Starts(data_plane=[0.9, 1.0, 5.0], dev_first=8.0, dev_later=4.5),
        workers=Workers(
            one=measured("tokens RS256", 1_900),
            two=measured("tokens RS256", 2_600),
            measured_ratio=1.4,
            computed_ratio=1.8,
        ),
    )


def results(*peers: Peer) -> Results:
    mine, limit = ours(), Limit(signatures=dict.fromkeys(ALGORITHMS, 30_000.0), http=20_000.0)
    machine = Machine(
        cpu="A <processor> & more",
        cores=2,
        memory_gb=24.0,
        system="Linux 6",
        python="3.11.7",
        load_average=0.1,
        server_core=0,
        other_core=1,
    )
    return Results(
        machine=machine,
        versions={"auth-service": "0.1.0"},
        limit=limit,
        ours=mine,
        peers=list(peers),
        targets=judge(mine, limit, list(peers), [], cores=machine.cores),
        form="full",
        seconds=900.0,
    )
