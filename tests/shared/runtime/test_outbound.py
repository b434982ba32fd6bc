"""Row H5: whatever the other side does, a fetch ends soon, keeps little, and goes nowhere else."""

import asyncio
import ssl
from collections.abc import AsyncIterator

import pytest

from shared.domain.outbound_url import FetchRefused, read_networks
from shared.runtime.outbound import LARGEST_DOCUMENT, Outbound
from tests.outside import Answer, Outside, dripping, outside, raw, saying, seen, silent
from tests.shared.runtime.authority import server_and_client_tls

LOOPBACK = read_networks("127.0.0.0/8")
OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
_NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # loading the authorities takes 40 ms


@pytest.fixture
async def there() -> AsyncIterator[Outside]:
    async with outside() as serving:
        yield serving


async def fetch(url: str, patience: float = 30.0) -> bytes:
    return await Outbound(LOOPBACK, tls=_NO_TLS, patience=patience).fetch_json(url)


async def here(_: str, __: int) -> list[str]:
    return ["127.0.0.1"]


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(saying(b'{"keys":[]}'), id="json"),
        pytest.param(saying(b'{"keys":[]}', "application/jwk-set+json"), id="jwk-set"),
        pytest.param(saying(b'{"keys":[]}', "Application/JSON ; charset=utf-8"), id="charset"),
        pytest.param(
            raw(OK + b"Transfer-Encoding: chunked\r\n\r\nb\r\n" + b'{"keys":[]}\r\n0\r\n\r\n'),
            id="chunked",
        ),
        pytest.param(raw(OK + b'\r\n{"keys":[]}'), id="until-it-closes"),
    ],
)
async def test_a_document_is_fetched(there: Outside, answer: Answer) -> None:
    there.answers["/jwks?v=1"] = answer
    assert await fetch(f"{there.url}/jwks?v=1") == b'{"keys":[]}'


async def test_the_request_says_nothing_of_us(
    there: Outside, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    there.answers["/jwks"] = raw(OK + b"Set-Cookie: a=b\r\nContent-Length: 2\r\n\r\n{}")
    asking = Outbound(LOOPBACK, tls=_NO_TLS)
    for _ in range(2):
        await asking.fetch_json(f"{there.url}/jwks")
    head = (
        f"GET /jwks HTTP/1.1\r\nHost: 127.0.0.1:{there.port}\r\n"
        "Accept: application/json\r\nAccept-Encoding: identity\r\n\r\n"
    )
    assert there.heads == [head, head]
    assert there.connections == 2  # none is kept, so that each is judged


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_not_followed(there: Outside, status: int) -> None:
    head = (
        f"HTTP/1.1 {status} Elsewhere\r\nLocation: {there.url}/other\r\nContent-Length: 0\r\n\r\n"
    )
    there.answers["/jwks"], there.answers["/other"] = raw(head.encode()), saying(b"{}")
    with pytest.raises(FetchRefused, match="status"):
        await fetch(f"{there.url}/jwks")
    assert there.paths == ["/jwks"]


_LARGE = b"x" * (LARGEST_DOCUMENT + 1)


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        pytest.param(saying(b"{}", status="500 Oops"), "status", id="H5-500"),
        pytest.param(saying(b"{}", status="404 Not Found"), "status", id="404"),
        pytest.param(saying(b"{}", status="204 Empty"), "status|reached", id="204"),
        pytest.param(saying(b"{}", status="206 Partial"), "status", id="206"),
        pytest.param(saying(b"<html>", "text/html"), "content type", id="H5-HTML"),
        pytest.param(saying(b"{}", "text/plain"), "content type", id="text"),
        pytest.param(saying(b"{}", "text/json+json"), "content type", id="another-kind"),
        pytest.param(raw(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"), "type", id="no-type"),
        pytest.param(
            raw(OK + b"Content-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}"), "compr", id="gzip"
        ),
        pytest.param(saying(_LARGE), "64 KiB", id="H5-large"),
        pytest.param(raw(OK + b"\r\n" + _LARGE), "64 KiB", id="H5-large-until-it-closes"),
        pytest.param(dripping(OK + b"\r\n", b"x" * 65536), "64 KiB", id="H5-endless"),
        pytest.param(
            dripping(
                OK + b"Transfer-Encoding: chunked\r\n\r\n", b"2000\r\n" + b"x" * 8192 + b"\r\n"
            ),
            "64 KiB",
            id="H5-endless-chunks",
        ),
        pytest.param(
            dripping(OK, b"X-More: " + b"x" * 8192 + b"\r\n"), "reached", id="endless-head"
        ),
        pytest.param(raw(b""), "reached", id="closes"),
        pytest.param(raw(b"SSH-2.0-OpenSSH_9.2\r\n"), "reached", id="no-HTTP"),
        pytest.param(raw(b"\x15\x03\x01\x00\x02\x02\x46" * 9), "reached", id="TLS-alert"),
        pytest.param(raw(OK + b"Content-Length: 99\r\n\r\n{"), "reached", id="ends-too-early"),
    ],
)
async def test_a_bad_answer_is_refused(there: Outside, answer: Answer, why: str) -> None:
    there.answers["/jwks"] = answer
    with pytest.raises(FetchRefused, match=why):
        await fetch(f"{there.url}/jwks")


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(silent, id="H5-silent"),
        pytest.param(dripping(b"HTTP/1.1 ", b""), id="H5-half-a-line"),
        pytest.param(dripping(OK, b"X: y\r\n"), id="H5-dripping-head"),
        pytest.param(dripping(OK + b"\r\n", b"x"), id="H5-dripping-body"),
        pytest.param(dripping(b"", b"HTTP/1.1 100 Continue\r\n\r\n"), id="endless-100"),
    ],
)
async def test_a_slow_answer_is_not_waited_for(there: Outside, answer: Answer) -> None:
    """It ends, which is all that is asserted: neither the answer nor the test would."""
    there.answers["/jwks"] = answer
    with pytest.raises(FetchRefused, match="too long"):
        await fetch(f"{there.url}/jwks", patience=0.3)


async def test_a_handshake_that_does_not_end_is_not_waited_for_and_leaves_no_socket(
    there: Outside,
) -> None:
    with pytest.raises(FetchRefused, match="too long"):
        await fetch(there.url.replace("http:", "https:"), patience=0.3)
    await seen(lambda: there.ended == 1)


async def test_a_resolver_that_is_slow_is_not_waited_for() -> None:
    async def never(_: str, __: int) -> list[str]:
        await asyncio.Event().wait()
        return []

    asking = Outbound((), resolve=never, tls=_NO_TLS, patience=0.05)
    with pytest.raises(FetchRefused, match="too long"):
        await asking.fetch_json("https://keys.example/jwks")


async def test_nobody_listens() -> None:
    async with outside() as gone:
        pass
    with pytest.raises(FetchRefused, match="reached"):
        await fetch(f"{gone.url}/jwks")


async def test_the_next_address_is_tried_where_one_does_not_answer() -> None:
    async def two(_: str, __: int) -> list[str]:
        return ["127.0.0.2", "127.0.0.1"]  # nobody listens at the first

    async with outside() as there:
        there.answers["/jwks"] = saying(b"{}")
        asking = Outbound(LOOPBACK, resolve=two, tls=_NO_TLS)
        assert await asking.fetch_json(f"http://keys.example:{there.port}/jwks") == b"{}"


async def test_tls_verifies_the_name_and_not_the_address() -> None:
    server, client = server_and_client_tls("keys.example")
    async with outside(server) as there:
        there.answers["/jwks"] = saying(b"{}")
        asking = Outbound(LOOPBACK, resolve=here, tls=client)
        assert await asking.fetch_json(f"https://keys.example:{there.port}/jwks") == b"{}"
        with pytest.raises(FetchRefused, match="reached"):
            await asking.fetch_json(f"https://other.example:{there.port}/jwks")
        assert there.paths == ["/jwks"]


async def test_an_authority_that_nobody_knows_is_not_trusted() -> None:
    server, _ = server_and_client_tls("keys.example")
    async with outside(server) as there:
        with pytest.raises(FetchRefused, match="reached"):
            await Outbound(LOOPBACK, resolve=here).fetch_json(f"https://keys.example:{there.port}/")
        assert there.heads == []
