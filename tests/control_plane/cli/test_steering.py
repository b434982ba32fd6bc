"""Connections go to the listeners that have a worker, and to no other (Linux)."""

import socket
import sys
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from control_plane.cli.listeners import open_listeners
from control_plane.cli.steering import steer

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the kernel's own way elsewhere")

_LISTENERS = 4
_CONNECTIONS = 100


@pytest.fixture
def listeners() -> Iterator[list[socket.socket]]:
    opened = open_listeners("127.0.0.1", 0, _LISTENERS)
    with ExitStack() as stack:
        for each in opened:
            stack.enter_context(each).settimeout(0)
        yield opened


def shares(listeners: list[socket.socket]) -> list[int]:
    """Connect, and count what each listener got."""
    with ExitStack() as stack:
        for _ in range(_CONNECTIONS):
            stack.enter_context(socket.create_connection(listeners[0].getsockname()))
        return [accept_all(each) for each in listeners]


def accept_all(listener: socket.socket) -> int:
    count = 0
    while True:
        try:
            listener.accept()[0].close()
        except BlockingIOError:
            return count
        count += 1


def test_the_kernel_divides_connections_between_all(listeners: list[socket.socket]) -> None:
    got = shares(listeners)
    assert sum(got) == _CONNECTIONS
    assert min(got) > 0


@pytest.mark.parametrize("positions", [[2], [0, 3], [1, 2, 3], [0, 1, 2, 3]])
def test_only_the_listeners_that_are_named_get_connections(
    listeners: list[socket.socket], positions: list[int]
) -> None:
    steer(listeners, positions)
    got = shares(listeners)
    assert sum(got) == _CONNECTIONS
    assert [position for position, share in enumerate(got) if share] == positions


def test_without_any_worker_connections_wait_where_they_did(
    listeners: list[socket.socket],
) -> None:
    steer(listeners, [1])
    steer(listeners, [])
    assert shares(listeners)[1] == _CONNECTIONS


def test_a_second_server_cannot_slip_in_between(listeners: list[socket.socket]) -> None:
    """Of another user, the kernel would refuse it; ours it is steered away from."""
    steer(listeners, [0, 1])
    with open_listeners("127.0.0.1", listeners[0].getsockname()[1], 1)[0] as intruder:
        intruder.settimeout(0)
        assert sum(shares(listeners)) == _CONNECTIONS
        assert accept_all(intruder) == 0
