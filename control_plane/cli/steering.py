"""Which of the listening sockets of one port a new connection goes to (Linux).

By itself the kernel divides connections between them all, also those whose worker is being
replaced. A classic BPF program picks one at random instead, of those that have a worker.
"""

import ctypes
import socket
import struct
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress

_ATTACH = 51  # SO_ATTACH_REUSEPORT_CBPF, socket(7)
# linux/filter.h: what an instruction does
_LOAD_WORD, _MODULO, _JUMP_IF_EQUAL, _RETURN = 0x20, 0x94, 0x15, 0x06
_RANDOM = 0xFFFFF000 + 56  # SKF_AD_OFF + SKF_AD_RANDOM


def steer(listeners: Sequence[socket.socket], positions: Sequence[int]) -> None:
    """Send new connections to the listeners at these positions, in the order of their `listen`."""
    if sys.platform == "linux" and positions:
        program = b"".join(_program(positions))
        instructions = ctypes.create_string_buffer(program)
        count = len(program) // 8
        # struct sock_fprog; where it is not allowed the kernel divides as before
        with suppress(OSError):
            listeners[0].setsockopt(
                socket.SOL_SOCKET, _ATTACH, struct.pack("HP", count, ctypes.addressof(instructions))
            )


def _program(positions: Sequence[int]) -> Iterator[bytes]:
    yield _instruction(_LOAD_WORD, _RANDOM)
    yield _instruction(_MODULO, len(positions))
    for drawn, position in enumerate(positions[:-1]):
        yield _instruction(_JUMP_IF_EQUAL, drawn, skip=1)
        yield _instruction(_RETURN, position)
    yield _instruction(_RETURN, positions[-1])


def _instruction(code: int, operand: int, skip: int = 0) -> bytes:
    """struct sock_filter; `skip` instructions are left out where a comparison fails."""
    return struct.pack("HBBI", code, 0, skip, operand)
