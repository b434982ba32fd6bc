"""The table for people."""

from collections.abc import Iterable, Sequence

from control_plane.benchmark.results import Machine, Measured, Peer, Results, Target

_FIGURES = ("/s", "p50 ms", "p95 ms", "p99 ms", "CPU us")
_VERDICTS = {True: "met", False: "MISSED", None: "-"}


def table_of(results: Results) -> str:
    """Give all of it as text, at most 100 columns wide but for notes."""
    parts = [
        _machine(results.machine, results),
        _rows(("ours, one worker on one core", *_FIGURES), _ours(results)),
        _rows(("the limit of one core", "/s", "ours is"), _limit(results)),
    ]
    parts += _void(results)
    if results.peers:
        parts.append(
            _rows(
                ("peer, in turns with ours", *_FIGURES[:4], "ours /s", "x", "x by CPU", "MB"),
                _peers(results),
            )
        )
        parts += [_reason(each) for each in results.peers if each.reason]
    parts.append(_rows(("target", "measured", "promised", "", "what"), _targets(results.targets)))
    return "\n\n".join(parts)


def _machine(machine: Machine, results: Results) -> str:
    if machine.server_core is None or machine.server_core == machine.other_core:
        where = "server, generator and PostgreSQL share the cores: read the figures as low"
    else:
        where = (
            f"server on core {machine.server_core},"
            f" generator and PostgreSQL on core {machine.other_core}"
        )
    return (
        f"{machine.cpu}, {machine.cores} cores, {machine.memory_gb} GB, {machine.system},"
        f" Python {machine.python}\n"
        f"{where}\n"
        f"load average {machine.load_average} at the start; {results.form} form,"
        f" {results.seconds:.0f} s"
    )


def _ours(results: Results) -> Iterable[Sequence[str]]:
    ours = results.ours
    for each in (*ours.tokens.values(), *ours.others.values()):
        yield each.name, *_figures(each)
    yield f"{ours.workers.two.name}, two workers", *_figures(ours.workers.two)


def _void(results: Results) -> Iterable[str]:
    """Name the loads that had runs with answers of 503: their figures are of the other runs."""
    ours = results.ours
    of_pairs = (pair.ours for each in results.peers for pair in each.algorithms.values())
    of_ours = (*ours.tokens.values(), *ours.others.values(), ours.workers.two, *of_pairs)
    void = [f"{each.name} ({each.void})" for each in of_ours if each.void]
    if void:
        yield f"runs with answers of 503, repeated: {', '.join(void)}"


def _figures(measured: Measured) -> Sequence[str]:
    return (
        f"{measured.rate:,.0f}",
        f"{measured.p50:.2f}",
        f"{measured.p95:.2f}",
        f"{measured.p99:.2f}",
        f"{measured.cpu_us:,.0f}",
    )


def _limit(results: Results) -> Iterable[Sequence[str]]:
    for algorithm, rate in results.limit.signatures.items():
        yield f"bare {algorithm}", f"{rate:,.0f}", f"{results.ours.of_bare[algorithm]:.0%}"
    http = results.limit.http
    part = results.ours.others["JWKS 200"].rate / http
    yield "HTTP alone (JWKS beside it)", f"{http:,.0f}", f"{part:.0%}"


def _peers(results: Results) -> Iterable[Sequence[str]]:
    for peer in results.peers:
        for algorithm, pair in peer.algorithms.items():
            yield (
                f"{peer.name} {peer.version} {algorithm}",
                *_figures(pair.theirs)[:4],
                f"{pair.ours.rate:,.0f}",
                f"{pair.ratio:.2f}",
                f"{pair.cpu_ratio:.2f}",
                f"{peer.memory:.0f}",
            )


def _reason(peer: Peer) -> str:
    return f"{peer.name} {peer.version}: {peer.reason}"


def _targets(targets: list[Target]) -> Iterable[Sequence[str]]:
    for each in targets:
        measured = "-" if each.measured is None else f"{each.measured:,.2f} {each.unit}"
        promised = f"{each.target:,g} {each.unit}"
        yield each.id, measured, promised, _VERDICTS[each.met], each.note


def _rows(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    body = list(rows)
    columns = [_column(cells) for cells in zip(head, *body, strict=True)]
    return "\n".join("  ".join(cells).rstrip() for cells in zip(*columns, strict=True))


def _column(cells: Sequence[str]) -> list[str]:
    """Put numbers to the right, and words to the left."""
    width = max(map(len, cells))
    numbers = all(each[:1].isdigit() or each[:1] == "-" for each in cells[1:])
    return [each.rjust(width) if numbers else each.ljust(width) for each in cells]
