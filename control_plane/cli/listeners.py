"""The sockets that the main process listens on for its workers."""

import socket
import sys

_BACKLOG = 1024  # connections that wait for a worker
_SHARES = sys.platform == "linux"  # elsewhere the kernel does not divide connections


def open_listeners(host: str, port: int, count: int) -> list[socket.socket]:
    """Listen with a socket for each worker, between which the kernel divides the connections.

    They stay open here: while a worker is replaced its connections wait instead of failing. Raises
    OSError.
    """
    if not _SHARES:
        return [_listen(host, port)] * count
    first = _listen(host, port)
    port = first.getsockname()[1]
    return [first, *(_listen(host, port) for _ in range(count - 1))]


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if _SHARES:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    listener.bind((host.strip("[]"), port))
    listener.listen(_BACKLOG)
    return listener
