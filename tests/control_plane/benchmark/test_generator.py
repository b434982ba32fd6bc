"""The load generator against a small real server: what is asked, counted and timed."""

import asyncio

import psutil
import pytest

from control_plane.benchmark.generator import (
    BadJob,
    Generator,
    GeneratorEnded,
    Job,
    Mode,
    drive,
    quantile,
    started_generator,
)
from control_plane.benchmark.requests import closing, get
from tests.control_plane.benchmark.conftest import SmallServer

_STALL = 0.3  # seconds
_RATE = 400.0  # requests a second


def requests(small: SmallServer, *paths: str) -> list[bytes]:
    return [get(small.port, path) for path in paths or ("/",)]


async def test_a_closed_loop_asks_as_often_as_it_was_told(small: SmallServer) -> None:
    load = await drive(Job(port=small.port, requests=requests(small), count=500, connections=4))
    assert (load.count, load.statuses, load.broken) == (500, {200: 500}, 0)
    assert (len(small.paths), small.connections) == (500, 4)
    assert 0 < load.p50 <= load.p95 <= load.p99 <= load.max
    assert load.rate == pytest.approx(500 / load.seconds)
    assert load.cpu_seconds > 0


async def test_requests_are_asked_in_turn(small: SmallServer) -> None:
    job = Job(port=small.port, requests=requests(small, "/a", "/b", "/c"), count=9, connections=1)
    await drive(job)
    assert small.paths == ["/a", "/b", "/c"] * 3


async def test_a_load_ends_when_its_time_is_over(small: SmallServer) -> None:
    load = await drive(Job(port=small.port, requests=requests(small), seconds=0.2))
    assert load.count == len(small.paths) > 0
    assert load.seconds >= 0.2


async def test_to_connect_takes_nothing_of_its_time(small: SmallServer) -> None:
    """A server that is slow to accept is measured all the same."""
    load = await drive(Job(port=small.port, requests=requests(small), seconds=1e-6))
    assert load.count == len(small.paths) > 0


async def test_each_request_may_have_a_connection_of_its_own(small: SmallServer) -> None:
    asked = [closing(each) for each in requests(small)]
    load = await drive(Job(port=small.port, requests=asked, mode=Mode.FRESH, count=50))
    assert (load.count, load.broken) == (50, 0)
    assert small.connections == 50


async def test_an_open_loop_sends_what_is_due(small: SmallServer) -> None:
    job = Job(port=small.port, requests=requests(small), mode=Mode.OPEN, rate=_RATE, seconds=0.5)
    load = await drive(job)
    assert load.count == 200
    assert load.broken == 0


async def test_an_open_loop_counts_a_stop_for_every_request_that_it_delays(
    small: SmallServer,
) -> None:
    """A closed loop would notice one slow answer; here all that were due meanwhile are late."""
    small.stall = _STALL
    asked = requests(small)
    job = Job(
        port=small.port, requests=asked, mode=Mode.OPEN, rate=_RATE, seconds=1.0, connections=1
    )
    load = await drive(job)
    assert load.max >= _STALL * 1000
    # of 400, the 120 that fall into the stop wait 150 ms in the mean
    assert load.p95 >= _STALL * 1000 / 3


async def test_other_statuses_are_counted_apart(small: SmallServer) -> None:
    small.answer = b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n"
    load = await drive(Job(port=small.port, requests=requests(small), count=10))
    assert load.statuses == {503: 10}
    assert load.p99_of == {503: load.p99}


async def test_a_connection_that_ends_without_an_answer_is_counted(small: SmallServer) -> None:
    small.answer = b""
    load = await drive(Job(port=small.port, requests=requests(small), count=10, connections=2))
    assert (load.count, load.broken) == (0, 2)


async def test_the_first_answers_are_kept(small: SmallServer) -> None:
    load = await drive(Job(port=small.port, requests=requests(small), count=10, kept=3))
    assert load.kept == [small.answer] * 3


async def test_as_a_process_of_its_own_it_runs_one_job_after_another(
    small: SmallServer, generator: Generator
) -> None:
    """Each is told what it took by itself: of many requests more than of few."""
    spent = []
    for count in (2_000, 20):
        job = Job(port=small.port, requests=requests(small), count=count)
        load = await asyncio.to_thread(generator.run, job)
        assert (load.count, load.statuses) == (count, {200: count})
        spent.append(load.cpu_seconds)
    assert spent[0] > spent[1] > 0


async def test_it_ends_in_the_middle_of_a_job_with_its_block(small: SmallServer) -> None:
    others = set(psutil.Process().children())
    with started_generator(None) as generator:
        (process,) = set(psutil.Process().children()) - others
        job = Job(port=small.port, requests=requests(small), seconds=60.0)
        under_way = asyncio.create_task(asyncio.to_thread(generator.run, job))
        while not small.paths:
            await asyncio.sleep(0)
    assert not process.is_running()
    with pytest.raises(GeneratorEnded):
        await under_way


async def test_a_job_that_cannot_be_done_ends_it(unused_tcp_port: int) -> None:
    with started_generator(None) as generator:
        for _ in range(2):
            with pytest.raises(GeneratorEnded):
                generator.run(Job(port=unused_tcp_port, requests=[b"x"]))


async def test_nobody_there_is_an_error(unused_tcp_port: int) -> None:
    with pytest.raises(OSError, match=str(unused_tcp_port)):
        await drive(Job(port=unused_tcp_port, requests=[get(unused_tcp_port, "/")], count=1))


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param({"host": "192.0.2.1"}, id="another-machine"),
        pytest.param({"host": "10.0.0.1"}, id="a-private-network"),
        pytest.param({"seconds": 3600.0}, id="without-end"),
        pytest.param({"connections": 0}, id="no-connection"),
        pytest.param({"requests": []}, id="no-request"),
    ],
)
def test_a_job_that_must_not_be_is_refused(wrong: dict[str, object]) -> None:
    allowed: dict[str, object] = {"port": 1, "requests": [b"x"]}
    with pytest.raises(BadJob):
        Job(**(allowed | wrong))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("part", "found"), [(0.0, 1.0), (0.5, 50.0), (0.95, 95.0), (0.99, 99.0), (1.0, 100.0)]
)
def test_a_quantile_is_of_the_nearest_rank(part: float, found: float) -> None:
    assert quantile([float(each) for each in range(1, 101)], part) == found


def test_a_quantile_of_nothing_is_nothing() -> None:
    assert quantile([], 0.5) == 0
