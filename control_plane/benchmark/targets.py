"""The promises P1 to P11, each held against what was measured. Pure."""

from collections.abc import Iterable
from statistics import median

from msgspec.structs import replace

from control_plane.benchmark.results import Limit, Ours, Paired, Peer, Target

NODE = "node-oidc-provider"
_FRESH = "tokens ES256, new connections"
_ENOUGH_CORES = 4
_ELSEWHERE = "not measured in this run"


def judge(
    ours: Ours, limit: Limit, peers: list[Peer], tenants: list[Target], *, cores: int
) -> list[Target]:
    """Give one entry or more for each promise; `tenants` are those of P8, from their own run."""
    node = next((each for each in peers if each.name == NODE and each.algorithms), None)
    found = [
        *_against_node(node),
        *_of_the_limit(ours, limit),
        *_rates(ours),
        *_latencies(ours),
        *_memory(ours),
        *_starts(ours),
        *(tenants or [_unknown("P8", 1.2, "x", _ELSEWHERE)]),
        *_second_worker(ours, cores),
        *_ledger(ours),
        *_connections(ours),
    ]
    return sorted(found, key=lambda each: int(each.id[1:]))


def at_least(name: str, measured: float, target: float, unit: str, note: str = "") -> Target:
    return Target(
        id=name, measured=measured, target=target, met=measured >= target, unit=unit, note=note
    )


def at_most(name: str, measured: float, target: float, unit: str, note: str = "") -> Target:
    return Target(
        id=name, measured=measured, target=target, met=measured <= target, unit=unit, note=note
    )


def _unknown(name: str, target: float, unit: str, note: str) -> Target:
    return Target(id=name, measured=None, target=target, met=None, unit=unit, note=note)


def _against_node(node: Peer | None) -> Iterable[Target]:
    """P1 is met by ES256 or EdDSA; both are told."""
    if node is None:
        yield _unknown("P1", 4.0, "x", f"{NODE}: {_ELSEWHERE}")
        yield _unknown("P2", 2.3, "x", f"{NODE}: {_ELSEWHERE}")
        return
    fast = {name: each for name, each in node.algorithms.items() if name != "RS256"}
    if fast:
        best = max(each.ratio for each in fast.values())
        yield at_least("P1", best, 4.0, "x", "; ".join(map(_told, fast, fast.values())))
    if "RS256" in node.algorithms:
        rs256 = node.algorithms["RS256"]
        yield at_least("P2", rs256.ratio, 2.3, "x", _told("RS256", rs256))


def _told(algorithm: str, pair: Paired) -> str:
    return f"{algorithm}: {pair.ratio:.2f} x ({pair.ours.rate:,.0f} to {pair.theirs.rate:,.0f}/s)"


def _of_the_limit(ours: Ours, limit: Limit) -> Iterable[Target]:
    note = f"RS256, of {limit.signatures['RS256']:,.0f} bare signatures a second"
    yield at_least("P2", ours.of_bare["RS256"] * 100, 60, "%", note)


def _rates(ours: Ours) -> Iterable[Target]:
    for name in ("introspection ES256", "introspection ES256, new tokens"):
        yield at_least("P3", ours.others[name].rate, 3500, "/s", f"{name}, one core")
    for name in ("JWKS 200", "JWKS 304", "discovery 200", "discovery 304"):
        yield at_least("P4", ours.others[name].rate, 15_000, "/s", f"{name}, one core")


def _latencies(ours: Ours) -> Iterable[Target]:
    paced = ours.others["tokens ES256, 1,000 a second"]
    note = f"at {paced.rate:,.0f} tokens/s, from the intended time"
    yield at_most("P5", paced.p95, 4, "ms", f"p95 {note}")
    yield at_most("P5", paced.p99, 10, "ms", f"p99 {note}")


def _memory(ours: Ours) -> Iterable[Target]:
    memory = ours.memory
    growth = (memory.late / memory.early - 1) * 100
    yield at_most("P6", memory.late, 90, "MB", f"a worker after {memory.tokens:,} tokens")
    yield at_most("P6", growth, 5, "%", f"grown since {memory.tokens // 10:,} tokens")


def _starts(ours: Ours) -> Iterable[Target]:
    starts = ours.starts
    yield at_most("P7", median(starts.data_plane), 1.2, "s", "data plane to its first 200")
    yield at_most("P7", starts.dev_first, 10, "s", "dev, first run")
    yield at_most("P7", starts.dev_later, 4, "s", "dev, later run")


def _second_worker(ours: Ours, cores: int) -> Iterable[Target]:
    """The promise excepts the generator: where it shares the workers' cores, only CPU seconds tell.

    Two workers, the generator and PostgreSQL want four cores.
    """
    workers = ours.workers
    note = "RS256, computed: CPU a token, and the share of the busier worker"
    yield at_least("P9", workers.computed_ratio, 1.7, "x", note)
    note = f"RS256, measured on {cores} cores with the generator and PostgreSQL on them"
    measured = at_least("P9", workers.measured_ratio, 1.7, "x", note)
    tells = measured.met or cores >= _ENOUGH_CORES
    yield measured if tells else _without_verdict(measured)


def _without_verdict(target: Target) -> Target:
    return replace(target, met=None)


def _ledger(ours: Ours) -> Iterable[Target]:
    memory = ours.memory
    note = f"a token on disk with its indexes, {memory.ledger_partitions} partitions to drop"
    yield at_most("P10", memory.ledger_bytes_per_token, 100, "bytes", note)


def _connections(ours: Ours) -> Iterable[Target]:
    kept, fresh = ours.tokens["ES256"].rate, ours.others[_FRESH].rate
    note = f"{fresh:,.0f}/s on new connections, {kept:,.0f}/s kept alive: both are published"
    yield at_least("P11", fresh / kept, 0, "x", note)
