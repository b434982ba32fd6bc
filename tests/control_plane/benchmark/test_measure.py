"""A load proves itself: every answer right, every token recorded, one of each run verified."""

import asyncio
import os
import sys
from itertools import chain, repeat
from pathlib import Path

import msgspec
import psutil
import pytest
from msgspec.structs import replace

from control_plane.benchmark import installation as installation_module
from control_plane.benchmark.bare import bare_rate, sign_for
from control_plane.benchmark.cores import Cores
from control_plane.benchmark.generator import Generator, Job
from control_plane.benchmark.installation import Installation, issuer_of, make_bench_tenant
from control_plane.benchmark.measure import SHORT, Case, Spoiled, measure
from control_plane.benchmark.ours import Bench, measure_memory
from control_plane.benchmark.processes import NotStarted, Program, Running, run_program
from control_plane.benchmark.proof import Issuer, proof
from control_plane.benchmark.requests import get, post
from control_plane.benchmark.starts import free_port
from shared.domain.jwk import Algorithm
from tests.control_plane.benchmark.conftest import SmallServer
from tests.support import MASTER_KEY, PEPPER, Server


@pytest.fixture(scope="session")
def bench(server: Server, generator: Generator) -> Bench:
    """A bench tenant at the data plane that all tests share."""
    installation = Installation(
        owner_url=server.installation.owner_url,
        control_url=server.installation.control_url,
        data_url=server.installation.data_url,
        master_key=MASTER_KEY,
        secret_pepper=PEPPER,
        spool_dir="/nowhere",  # the server that these tests share has its own
        inherited=dict(os.environ),
    )
    port = int(server.url.rpartition(":")[2])
    return Bench(
        installation=installation,
        tenant=make_bench_tenant(installation, port),
        size=SHORT,
        cores=Cores(server=None, rest=None),
        generator=generator,
        say=lambda _: None,
    )


@pytest.fixture(scope="session")
def running(server: Server) -> Running:
    port = int(server.url.rpartition(":")[2])
    return Running(process=psutil.Process(server.pid), port=port, seconds_to_ready=1.0)


@pytest.mark.parametrize("algorithm", list(Algorithm))
def test_tokens_are_counted_recorded_and_verified(
    bench: Bench, running: Running, algorithm: Algorithm
) -> None:
    before = bench.ledger.rows()
    run = measure(bench.tokens(running, algorithm), SHORT, bench.generator)
    assert run.count > 0
    assert bench.ledger.rows() - before == run.count
    assert run.cpu_us > 0
    assert 0.5 <= run.busiest <= 1  # two workers


def test_a_refused_client_spoils_a_run(bench: Bench, running: Running) -> None:
    case = bench.tokens(running, Algorithm.ES256)
    path = f"{bench.tenant.path}/oauth/token"
    stranger = post(running.port, path, ("c_nobody", "no-secret"), {"grant_type": "x"})
    with pytest.raises(Spoiled, match="401"):
        measure(replace(case, requests=[stranger]), SHORT, bench.generator)


def test_one_wrong_answer_among_many_spoils_a_run(bench: Bench, running: Running) -> None:
    good = get(running.port, f"{bench.tenant.path}/.well-known/jwks.json")
    bad = get(running.port, "/t/nobody-at-all/.well-known/jwks.json")
    case = Case(name="JWKS", running=running, requests=[good] * 9 + [bad])
    with pytest.raises(Spoiled, match="404"):
        measure(case, SHORT, bench.generator)


def test_answers_that_are_not_in_the_ledger_spoil_a_run(
    bench: Bench, running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(installation_module, "_PATIENCE", 0.0)
    asked = [get(running.port, f"{bench.tenant.path}/.well-known/jwks.json")]
    case = Case(name="JWKS", running=running, requests=asked, ledger=bench.ledger)
    with pytest.raises(Spoiled, match="answered, but 0 in the ledger"):
        measure(case, SHORT, bench.generator)


async def test_a_run_with_answers_of_503_is_void_and_repeated(
    small: SmallServer, generator: Generator
) -> None:
    small.first = [b"HTTP/1.1 503 Busy\r\ncontent-length: 0\r\n\r\n"]
    this = Running(process=psutil.Process(), port=small.port, seconds_to_ready=0.0)
    case = Case(name="busy", running=this, requests=[get(small.port, "/")])
    run = await asyncio.to_thread(measure, case, SHORT, generator)
    assert (run.void, run.count > 0) == (1, True)


async def test_what_a_void_run_has_issued_is_not_counted_to_the_next(
    small: SmallServer, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its tokens may stand in the ledger later than it ends: they wait in the spool."""
    awaited: list[int] = []
    rows = chain([5, 6, 9], repeat(11))

    def rows_once(_: object, expected: int) -> int:
        awaited.append(expected)
        return expected

    monkeypatch.setattr(type(bench.ledger), "rows", lambda _: next(rows))
    monkeypatch.setattr(type(bench.ledger), "rows_once", rows_once)
    monkeypatch.setattr("control_plane.benchmark.installation._QUIET", 0.01)
    small.first = [b"HTTP/1.1 503 Busy\r\ncontent-length: 0\r\n\r\n"]
    this = Running(process=psutil.Process(), port=small.port, seconds_to_ready=0.0)
    asked = [get(small.port, "/")]
    case = Case(name="busy", running=this, requests=asked, ledger=bench.ledger)
    run = await asyncio.to_thread(measure, case, SHORT, bench.generator)
    assert awaited == [11 + run.count]


async def test_a_server_that_is_never_available_spoils_a_run(
    small: SmallServer, generator: Generator
) -> None:
    small.answer = b"HTTP/1.1 503 Busy\r\ncontent-length: 0\r\n\r\n"
    this = Running(process=psutil.Process(), port=small.port, seconds_to_ready=0.0)
    case = Case(name="down", running=this, requests=[get(small.port, "/")])
    with pytest.raises(Spoiled, match="4 runs, each with answers of 503"):
        await asyncio.to_thread(measure, case, SHORT, generator)


def test_the_ledgers_growth_is_told_for_a_token(bench: Bench, running: Running) -> None:
    memory = measure_memory(bench, running)
    assert memory.tokens == SHORT.tokens
    assert memory.ledger_partitions > 1
    assert memory.early > 1
    assert memory.late > 1


class TestProof:
    """One token of a run is verified."""

    @pytest.fixture
    def issuer(self, bench: Bench, running: Running) -> Issuer:
        return Issuer(
            port=running.port,
            jwks_path=f"{bench.tenant.path}/.well-known/jwks.json",
            issuer=issuer_of(bench.tenant, running.port),
        )

    @pytest.fixture
    def body(self, bench: Bench, running: Running) -> bytes:
        asked = bench.tokens(running, Algorithm.ES256).requests
        job = Job(port=running.port, requests=asked, count=1, connections=1)
        kept = bench.generator.run(job).kept
        return kept[0].partition(b"\r\n\r\n")[2]

    def test_a_good_one_is_taken(self, bench: Bench, issuer: Issuer, body: bytes) -> None:
        audience = bench.tenant.callers[Algorithm.ES256].audience
        proof(issuer, audience, "ES256")(body)

    def test_another_audience_is_not(self, issuer: Issuer, body: bytes) -> None:
        with pytest.raises(Spoiled, match="another's"):
            proof(issuer, "https://elsewhere.example", "ES256")(body)

    def test_another_issuer_is_not(self, bench: Bench, issuer: Issuer, body: bytes) -> None:
        audience = bench.tenant.callers[Algorithm.ES256].audience
        with pytest.raises(Spoiled, match="was to be one of"):
            proof(replace(issuer, issuer="http://127.0.0.1:1"), audience, "ES256")(body)

    def test_a_changed_one_is_not(self, bench: Bench, issuer: Issuer, body: bytes) -> None:
        token: str = msgspec.json.decode(body)["access_token"]
        signed, _, signature = token.rpartition(".")
        changed = signature[:10] + ("A" if signature[10] != "A" else "B") + signature[11:]
        forged = msgspec.json.encode({"access_token": f"{signed}.{changed}"})
        audience = bench.tenant.callers[Algorithm.ES256].audience
        with pytest.raises(Spoiled, match="signature"):
            proof(issuer, audience, "ES256")(forged)


def program(*code: str, port: int) -> Program:
    return Program(
        name="A server",
        arguments=(sys.executable, "-c", ";".join(code)),
        environment=dict(os.environ),
        port=port,
        ready_path="/",
        patience=20.0,
    )


def test_a_server_that_ends_while_it_starts_is_told_with_its_last_words() -> None:
    broken = program("import sys", "sys.exit('no such file')", port=free_port())
    with (
        pytest.raises(NotStarted, match="A server ended while it started: no such file"),
        run_program(broken, None),
    ):
        pass


def test_a_program_that_is_not_there_is_told() -> None:
    absent = replace(program(port=free_port()), arguments=("/nowhere/at-all",))
    with (
        pytest.raises(NotStarted, match="A server cannot be started"),
        run_program(absent, None),
    ):
        pass


def test_a_server_runs_until_the_block_is_left(tmp_path: Path) -> None:
    port = free_port()
    plain = replace(
        program(port=port),
        arguments=(sys.executable, "-m", "http.server", str(port), "--bind", "127.0.0.1"),
        directory=tmp_path,
    )
    with run_program(plain, None) as running:
        assert running.seconds_to_ready > 0
        assert running.memory() > 1
        assert set(running.cpu_seconds()) == {running.process.pid}
    assert not running.process.is_running()


@pytest.mark.parametrize("algorithm", list(Algorithm))
def test_the_bare_rate_is_of_real_signatures(algorithm: Algorithm) -> None:
    assert sign_for(algorithm, 0.01) > 0


def test_it_is_measured_in_a_process_of_its_own() -> None:
    assert bare_rate(Algorithm.ES256, 0.01, None) > 0
