"""The ports that our processes listen on: taken, or free."""

import socket
from collections.abc import Collection

import click
import msgspec

HOST = "127.0.0.1"  # where `auth-service dev` serves


class Ports(msgspec.Struct, frozen=True, kw_only=True):
    """The ports of `auth-service dev`."""

    data: int
    console: int
    support: int


def refuse_taken_port(host: str, port: int) -> None:
    """End the command where another process listens there.

    The server itself would share the port with it, and half the requests go astray.
    """
    try:
        _bind(host, port)
    except OSError as error:
        raise click.ClickException(
            f"Cannot listen on {host}:{port} ({error.strerror}): name another port, or stop"
            " what uses it."
        ) from error


def is_free(host: str, port: int) -> bool:
    try:
        _bind(host, port)
    except OSError:
        return False
    return True


def free_port(host: str, taken: Collection[int]) -> int:
    """Give a port that nobody listens on at this moment, and that nobody of ours is to have."""
    while (port := _bind(host, 0)) in taken:
        pass
    return port


def _bind(host: str, port: int) -> int:
    """Take the port for a moment; give its number. Raises OSError."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((host.strip("[]"), port))
        return int(probe.getsockname()[1])
