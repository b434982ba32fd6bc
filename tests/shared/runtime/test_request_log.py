"""A line for each request: JSON, in order, gathered, and written to the last at the end."""

import asyncio
import io
import json
import logging
from collections.abc import Iterator

import pytest

from shared.runtime.request_log import RequestLine, RequestLog


def line(number: int, **more: str) -> RequestLine:
    return RequestLine(
        request_id=f"{number:016x}",
        endpoint="oauth/token",
        method="POST",
        status=200,
        ms=1.5,
        **more,
    )


@pytest.fixture(autouse=True)
def level() -> Iterator[logging.Logger]:
    logger = logging.getLogger("data_plane")
    before = logger.level
    logger.setLevel(logging.INFO)
    yield logger
    logger.setLevel(before)


async def test_lines_are_written_a_moment_later_and_in_order() -> None:
    stream = io.BytesIO()
    log = RequestLog(stream)
    for number in range(50):
        log.add(line(number))
    assert stream.getvalue() == b""
    async with asyncio.timeout(60):
        while not stream.getvalue():
            await asyncio.sleep(0.001)
    written = [json.loads(each) for each in stream.getvalue().splitlines()]
    assert [each["request_id"] for each in written] == [f"{number:016x}" for number in range(50)]
    assert written[0]["time"].endswith("Z")
    assert (written[0]["event"], written[0]["level"], written[0]["ms"]) == ("request", "info", 1.5)
    assert "error" not in written[0]


async def test_what_waits_is_written_at_the_end() -> None:
    stream = io.BytesIO()
    log = RequestLog(stream)
    log.add(line(1))
    log.flush()
    assert json.loads(stream.getvalue())["request_id"] == f"{1:016x}"


@pytest.mark.parametrize("method", ["G\nET", "\x1b[31m", "\x7f", '", "level": "error'])
async def test_a_hostile_method_stays_in_its_line(method: str) -> None:
    stream = io.BytesIO()
    log = RequestLog(stream)
    log.add(RequestLine(request_id="1", endpoint="unknown", method=method, status=405, ms=0.1))
    log.flush()
    text = stream.getvalue().decode()
    assert text.removesuffix("\n").isprintable()
    assert json.loads(text)["method"] == method


async def test_above_its_level_nothing_is_gathered(level: logging.Logger) -> None:
    level.setLevel(logging.WARNING)
    stream = io.BytesIO()
    log = RequestLog(stream)
    log.add(line(1))
    log.flush()
    assert stream.getvalue() == b""
