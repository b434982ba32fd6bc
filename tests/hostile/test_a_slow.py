"""A7, A9: bodies without an end, and 200 connections that send a byte a second."""

import time
from contextlib import ExitStack
from multiprocessing.connection import wait
from socket import socket

import pytest

from tests.hostile.cases import ENDPOINTS, ask, assert_house_rules, connect, read_answer
from tests.hostile.conftest import Place, Sender

_CONNECTIONS = 200
_MAY_TAKE = 20.0  # seconds: the bound is 10, and the machine may be slow
_GLANCE = 0.1  # seconds


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_a7_an_endless_body_is_refused_while_it_still_comes(
    place: Place, send: Sender, endpoint: str
) -> None:
    made = ask(place.tenant, endpoint)
    made.add(b"Transfer-Encoding", b"chunked")
    made.body = b""
    with connect(place.server.url) as connection:
        connection.sendall(made.octets())
        for _ in range(20):  # of 1 KiB, and no last one
            connection.sendall(b"400\r\n" + b"a" * 1024 + b"\r\n")
        answer = read_answer(connection, time.perf_counter())
    assert_house_rules(answer, 413, "invalid_request", place.tenant)
    assert answer.closed
    assert send(ask(place.tenant, endpoint)).status == 200


def test_a9_slow_heads_and_bodies_are_ended_and_nobody_waits_for_them(
    place: Place, send: Sender
) -> None:
    made = ask(place.tenant, "token")
    made.add(b"Content-Length", b"%d" % len(made.body))
    octets = made.octets()
    head = octets.index(b"\r\n\r\n") - 20
    body = len(octets) - 25
    with ExitStack() as stack:
        slow = [stack.enter_context(connect(place.server.url)) for _ in range(_CONNECTIONS)]
        for number, connection in enumerate(slow):
            connection.sendall(octets[: head if number % 2 else body])
        started = time.monotonic()
        open_ = dict(enumerate(slow))
        answers: list[bytes] = []
        sent = 0
        while open_:
            wait(open_.values(), _GLANCE)  # until one is ended, or for a while
            assert time.monotonic() - started < _MAY_TAKE, f"{len(open_)} are still open"
            assert send(ask(place.tenant, "token")).status == 200  # the others are served
            if time.monotonic() - started > sent:
                sent += 1
                _drip(open_, octets, (head + sent, body + sent))
            answers += _ended(open_)
    assert sum(answer.startswith(b"HTTP/1.1 408 ") for answer in answers) == _CONNECTIONS


def _drip(connections: dict[int, socket], octets: bytes, at: tuple[int, int]) -> None:
    for number, connection in connections.items():
        position = at[0] if number % 2 else at[1]
        try:
            connection.send(octets[position - 1 : position])
        except (BrokenPipeError, ConnectionResetError):
            continue  # ended; what it has answered is read below


def _ended(connections: dict[int, socket]) -> list[bytes]:
    """Give what those have answered that are ended, and take them out."""
    answers = []
    for number, connection in list(connections.items()):
        connection.settimeout(0)
        try:
            answers.append(connection.recv(65_536))
        except BlockingIOError:
            connection.settimeout(_MAY_TAKE)
        except ConnectionResetError:
            answers.append(b"")
            del connections[number]
        else:
            del connections[number]
    return answers
