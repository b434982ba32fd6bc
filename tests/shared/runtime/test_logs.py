"""Logs: one line, one JSON object, whatever is in it."""

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest

from shared.runtime.logs import JsonFormatter, configure_logs, fields

_HOSTILE = [
    pytest.param("first\nsecond", id="I15-newline"),
    pytest.param("first\r\nsecond", id="I15-crlf"),
    pytest.param("\x1b[2J\x1b[31mred", id="I15-ansi"),
    pytest.param("\x9b31mred", id="I15-ansi-of-one-octet"),
    pytest.param("\x7f\x08\x08\x00", id="I15-delete-backspace-nul"),
    pytest.param("first\u2028second\x85third", id="I15-unicode-line-ends"),
    pytest.param('", "level": "debug', id="I15-quotes"),
    pytest.param("\udcff", id="I15-half-a-surrogate"),
    pytest.param("%s %d %(level)s {0}", id="I15-format"),
]


@pytest.fixture
def log() -> tuple[logging.Logger, io.StringIO]:
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(JsonFormatter())
    logger = logging.Logger("test.logs", logging.INFO)  # noqa: LOG001 - nobody else shall hear
    logger.addHandler(handler)
    return logger, written


Log = tuple[logging.Logger, io.StringIO]


def fail(text: str) -> None:
    raise ValueError(text)


def only_line(written: io.StringIO) -> dict[str, Any]:
    text = written.getvalue()
    assert text.endswith("\n")
    assert text.removesuffix("\n").isprintable(), text
    line: dict[str, Any] = json.loads(text)
    return line


@pytest.mark.parametrize("text", _HOSTILE)
def test_a_hostile_field_stays_in_its_line(text: str, log: Log) -> None:
    logger, written = log
    logger.info("token refused", extra=fields(client_id=text))
    line = only_line(written)
    assert (line["event"], line["level"]) == ("token refused", "info")
    assert line["client_id"] == text


@pytest.mark.parametrize("text", _HOSTILE)
def test_a_hostile_event_stays_in_its_line(text: str, log: Log) -> None:
    logger, written = log
    logger.warning("%s", text)
    line = only_line(written)
    assert (line["event"], line["level"]) == (text, "warning")


@pytest.mark.parametrize("text", _HOSTILE)
def test_an_exception_stays_in_its_line(text: str, log: Log) -> None:
    logger, written = log
    try:
        fail(text)
    except ValueError:
        logger.exception("the worker failed")
    line = only_line(written)
    assert line["event"] == "the worker failed"
    assert line["exception"].startswith("Traceback")


def test_a_line_has_time_level_event_and_logger(log: Log) -> None:
    logger, written = log
    logger.error("it broke", extra=fields(tenant="acme", ms=1.5))
    line = only_line(written)
    assert line.keys() == {"time", "level", "event", "logger", "tenant", "ms"}
    assert line["time"].endswith("Z")


def test_what_cannot_be_written_as_json_does_not_lose_the_line(log: Log) -> None:
    logger, written = log
    logger.error("it broke", extra=fields(reason=OSError("connection reset")))
    assert only_line(written)["event"] == "it broke"


@pytest.fixture
def restored_logging() -> Iterator[None]:
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    yield
    root.handlers = before
    root.setLevel(level)


@pytest.mark.usefixtures("restored_logging")
def test_libraries_that_log_statements_are_quiet_even_at_debug(
    capsys: pytest.CaptureFixture[str],
) -> None:
    configure_logs("DEBUG")
    for name in ("sqlalchemy.engine", "httpx", "asyncio"):
        logging.getLogger(name).info("SELECT a-secret")
    logging.getLogger("ours").debug("heard")
    printed = capsys.readouterr()
    assert printed.out == ""
    assert [json.loads(line)["event"] for line in printed.err.splitlines()] == ["heard"]
