"""What every module here shares: requests as bytes, answers as they came, and the house rules.

Bytes over a socket, because an HTTP library would mend what these tests break.
"""

import ast
import json
import socket
import time
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from secrets import token_hex
from typing import TypeAlias
from urllib.parse import urlsplit

import msgspec
import pytest

from tests.support import MadeTenant

ENDPOINTS = ("token", "introspect", "revoke")
WAYS = ("basic", "post")
DOCUMENTS = (
    "jwks.json",
    "revocations",
    "openid-configuration",
    "oauth-authorization-server",
)
CANARY = "zq" + token_hex(4)  # stands in hostile values, and may stand in no answer
_PATIENCE = 60.0  # seconds
_TREE = Path(__file__).parents[2]

Header: TypeAlias = tuple[bytes, bytes]


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    status: int
    headers: dict[str, list[str]]
    body: bytes
    closed: bool  # by the server, and nothing came after the body
    seconds: float

    def header(self, name: str) -> str | None:
        values = self.headers.get(name, [None])
        assert len(values) == 1, f"{name} is repeated"
        return values[0]


class Ask(msgspec.Struct, kw_only=True):
    """A request that is right until a case changes it."""

    target: bytes
    headers: list[Header]
    body: bytes
    method: bytes = b"POST"

    def octets(self) -> bytes:
        names = {name.lower() for name, _ in self.headers}
        given = list(self.headers)
        if not names & {b"content-length", b"transfer-encoding"} and self.body:
            given.append((b"Content-Length", b"%d" % len(self.body)))
        lines = [name + b": " + value for name, value in given]
        return b"\r\n".join(
            [self.method + b" " + self.target + b" HTTP/1.1", *lines, b"", self.body]
        )

    def drop(self, name: bytes) -> None:
        self.headers = [each for each in self.headers if each[0].lower() != name.lower()]

    def put(self, name: bytes, value: bytes) -> None:
        self.drop(name)
        self.headers.append((name, value))

    def add(self, name: bytes, value: bytes) -> None:
        self.headers.append((name, value))

    def form(self, text: str | bytes) -> None:
        self.body += b"&" + (text.encode() if isinstance(text, str) else text)


Change: TypeAlias = Callable[[Ask], None]


class Case(msgspec.Struct, frozen=True):
    change: Change
    status: int
    error: str = "invalid_request"


def case(name: str, change: Change, status: int = 400, error: str = "invalid_request") -> object:
    return pytest.param(Case(change, status, error), id=name)


def basic(client_id: str | bytes, secret: str | bytes) -> bytes:
    pair = [each.encode() if isinstance(each, str) else each for each in (client_id, secret)]
    return b"Basic " + b64encode(b":".join(pair))


def ask(tenant: MadeTenant, endpoint: str, way: str = "basic", token: str = "x") -> Ask:
    """Make a valid request of the tenant's own client; `way` is how it authenticates."""
    parts = urlsplit(tenant.issuer)
    body = "grant_type=client_credentials" if endpoint == "token" else f"token={token}"
    made = Ask(
        target=f"{parts.path}/oauth/{endpoint}".encode(),
        headers=[
            (b"Host", parts.netloc.encode()),
            (b"Content-Type", b"application/x-www-form-urlencoded"),
        ],
        body=body.encode(),
    )
    authenticate(made, way, *tenant.basic)
    return made


def authenticate(made: Ask, way: str, client_id: str, secret: str) -> None:
    if way == "basic":
        made.put(b"Authorization", basic(client_id, secret))
    elif way == "post":
        made.form(f"client_id={client_id}&client_secret={secret}")


def read(tenant: MadeTenant, document: str, method: bytes = b"GET") -> Ask:
    """Make a valid request for one of the public documents."""
    parts = urlsplit(tenant.issuer)
    return Ask(
        target=f"{parts.path}/.well-known/{document}".encode(),
        headers=[(b"Host", parts.netloc.encode())],
        body=b"",
        method=method,
    )


def connect(url: str) -> socket.socket:
    parts = urlsplit(url)
    assert parts.port is not None
    return socket.create_connection((parts.hostname, parts.port), timeout=_PATIENCE)


def exchange(url: str, octets: bytes, *, head_only: bool = False) -> Answer:
    """Send the bytes, as many as the server takes, and read one answer."""
    started = time.perf_counter()
    with connect(url) as connection:
        with suppress(BrokenPipeError, ConnectionResetError):  # it answers before it reads all
            connection.sendall(octets)
        return read_answer(connection, started, head_only=head_only)


def read_answer(connection: socket.socket, started: float, *, head_only: bool = False) -> Answer:
    received = b""
    while b"\r\n\r\n" not in received:
        received += _receive(connection)
    head, _, body = received.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    headers: dict[str, list[str]] = {}
    for line in lines:
        name, _, value = line.partition(": ")
        headers.setdefault(name.lower(), []).append(value)
    length = 0 if head_only else int(headers.get("content-length", ["0"])[0])
    while len(body) < length:
        body += _receive(connection)
    seconds = time.perf_counter() - started
    closed = headers.get("connection") == ["close"] and _is_closed(connection)
    assert len(body) == length, "there is more than one answer"
    return Answer(
        status=int(first.split(" ")[1]), headers=headers, body=body, closed=closed, seconds=seconds
    )


def _receive(connection: socket.socket) -> bytes:
    received = connection.recv(65_536)
    assert received, "the connection was closed without an answer"
    return received


def _is_closed(connection: socket.socket) -> bool:
    try:
        return connection.recv(1) == b""
    except ConnectionResetError:
        return True


def texts_in_source() -> Iterator[str]:
    for path in (*_TREE.glob("data_plane/**/*.py"), *_TREE.glob("shared/runtime/*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.value


_TEXTS = frozenset(texts_in_source())


def assert_house_rules(answer: Answer, status: int, error: str, tenant: MadeTenant) -> None:
    """Assert what every refusal keeps; see the head of the catalogue."""
    assert answer.status == status, answer.body
    assert answer.body.isascii()
    body = json.loads(answer.body)
    assert set(body) == {"error", "error_description"}
    assert body["error"] == error
    assert body["error_description"] in _TEXTS, "the text is not constant"
    assert CANARY not in answer.body.decode()
    assert answer.header("content-type") == "application/json"
    assert answer.header("cache-control") == "no-store"
    challenge = f'Basic realm="{tenant.issuer}"' if status == 401 else None
    assert answer.header("www-authenticate") == challenge
