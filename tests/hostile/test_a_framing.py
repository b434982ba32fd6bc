"""A1 to A9: transport and framing."""

import pytest

from tests.hostile.cases import (
    CANARY,
    DOCUMENTS,
    ENDPOINTS,
    WAYS,
    Ask,
    Case,
    Change,
    ask,
    assert_house_rules,
    case,
    read,
)
from tests.hostile.conftest import Place, Sender

CHUNKED = (b"Transfer-Encoding", b"chunked")
SMUGGLED = b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n"


def chunked(body: bytes) -> bytes:
    return b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("endpoint", ENDPOINTS)
@pytest.mark.parametrize("first", ["length", "coding"])
@pytest.mark.parametrize("length", [0, 4, 100_000])
def test_a1_length_beside_a_coding_is_refused(
    place: Place, send: Sender, endpoint: str, way: str, first: str, length: int
) -> None:
    made = ask(place.tenant, endpoint, way)
    both = [(b"Content-Length", b"%d" % length), CHUNKED]
    made.headers += both if first == "length" else both[::-1]
    made.body = chunked(made.body) + SMUGGLED
    answer = send(made)
    assert_house_rules(answer, 400, "invalid_request", place.tenant)
    assert answer.closed


BROKEN = [
    pytest.param([(b"Content-Length", b"3"), (b"Content-Length", b"4")], id="A2-two-lengths"),
    pytest.param([(b"Content-Length", b"3, 4")], id="A2-length-list"),
    pytest.param([(b"Content-Length", b"+3")], id="A2-signed-length"),
    pytest.param([(b"Content-Length", b"-1")], id="A2-negative-length"),
    pytest.param([(b"Content-Length", b"0x10")], id="A2-hexadecimal-length"),
    pytest.param([(b"Content-Length", b"9" * 40)], id="A2-endless-length"),
    pytest.param([(b"Content-Length", b"")], id="A2-empty-length"),
    pytest.param([(b"Transfer-Encoding", b"xchunked")], id="A2-xchunked"),
    pytest.param([(b"Transfer-Encoding", b"chunked, identity")], id="A2-chunked-not-last"),
    pytest.param([(b"Transfer-Encoding", b"identity")], id="A2-identity"),
    pytest.param([(b"Transfer-Encoding", b"gzip")], id="A2-gzip"),
    pytest.param([(b"X : y", b"z")], id="A2-space-before-colon"),
    pytest.param([(b"X", b"a\x00b")], id="A2-nul-in-a-header"),
    pytest.param([(b"X", b"a\r\n b")], id="A2-folded-header"),
    pytest.param([(b"X" + b"y", b"z")] * 101, id="A6-101-headers"),
    pytest.param([(b"X", b"y")] * 1200, id="A6-1200-headers"),
    pytest.param([(b"X", b"y" * 64 * 1024)], id="A6-64-KiB-header"),
    pytest.param([(b"Authorization", b"Basic " + b"y" * 200_000)], id="A6-200-KB-authorization"),
]


@pytest.mark.parametrize("endpoint", ENDPOINTS)
@pytest.mark.parametrize("headers", BROKEN)
def test_a_message_that_cannot_be_framed_is_refused_and_the_connection_closed(
    place: Place,
    send: Sender,
    endpoint: str,
    headers: list[tuple[bytes, bytes]],
    request: pytest.FixtureRequest,
) -> None:
    made = ask(place.tenant, endpoint)
    made.headers += headers
    answer = send(made)
    status = 431 if "A6" in request.node.name else 400
    assert_house_rules(answer, status, "invalid_request", place.tenant)
    assert answer.closed


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("endpoint", ENDPOINTS)
@pytest.mark.parametrize(
    ("coding", "body"),
    [
        pytest.param(b"gzip, chunked", b"3\r\nabc\r\n0\r\n\r\n", id="A1-gzip-chunked"),
        pytest.param(b"chunked", b"zz\r\nabc\r\n0\r\n\r\n", id="A2-chunk-size-not-hexadecimal"),
        pytest.param(b"chunked", b"-3\r\nabc\r\n0\r\n\r\n", id="A2-chunk-size-negative"),
        pytest.param(b"chunked", b"f" * 20 + b"\r\nabc", id="A2-chunk-size-overflows"),
        pytest.param(b"chunked", b"3\r\nabcdef\r\n0\r\n\r\n", id="A2-chunk-longer-than-said"),
    ],
)
def test_a_body_that_cannot_be_read_is_refused_and_the_connection_closed(
    place: Place, send: Sender, endpoint: str, way: str, coding: bytes, body: bytes
) -> None:
    made = ask(place.tenant, endpoint, way)
    made.add(b"Transfer-Encoding", coding)
    made.body = body
    answer = send(made)
    assert_house_rules(answer, 400, "invalid_request", place.tenant)
    assert answer.closed


def set_host(value: bytes) -> Change:
    return lambda made: made.put(b"Host", value)


def foreign_with(name: bytes) -> Change:
    def change(made: Ask) -> None:
        made.add(name, dict(made.headers)[b"Host"])
        made.put(b"Host", CANARY.encode() + b".example")

    return change


TWICE = [
    pytest.param(lambda made: made.add(b"Host", b"evil.example"), id="A3-own-then-other"),
    pytest.param(
        lambda made: made.headers.insert(0, (b"Host", b"evil.example")), id="A3-other-then-own"
    ),
    pytest.param(lambda made: made.add(b"hOST", dict(made.headers)[b"Host"]), id="A3-same-twice"),
    pytest.param(lambda made: made.drop(b"Host"), id="A4-none"),
    pytest.param(set_host(b""), id="A4-empty"),
    *(
        pytest.param(set_host(value), id=f"A5-{name}")
        for name, value in {
            "slash": b"evil.example/x",
            "question": b"evil.example?x",
            "fragment": b"evil.example#x",
            "user": b"x@evil.example",
            "space": b"evil example",
            "comma": b"a.example, b.example",
            "backslash": b"evil.example\\x",
            "port-not-a-number": b"evil.example:x",
            "two-ports": b"evil.example:1:2",
            "long-port": b"evil.example:123456",
            "only-port": b":8080",
            "quote": b'evil.example"',
            "open-bracket": b"[::1",
            "markup": b"<script>",
            "percent": b"evil%2eexample",
            "not-ascii": b"\xc3\xa9vil.example",
            "tab": b"evil\texample",
        }.items()
    ),
]
FOREIGN = [
    pytest.param(set_host(value), id=f"A4-{name}")
    for name, value in {
        "foreign": b"evil.example",
        "foreign-with-port": b"evil.example:443",
        "longer-name": b"127.0.0.1.evil.example",
        "trailing-dot": b"127.0.0.1.",
        "localhost": b"localhost",
        "other-spelling-of-the-address": b"127.1",
        "ipv6": b"[::1]:80",
    }.items()
] + [
    pytest.param(foreign_with(name), id=f"A4-{name.decode()}")
    for name in (
        b"X-Forwarded-Host",
        b"X-Host",
        b"X-Original-Host",
        b"Forwarded",
        b"X-HTTP-Host-Override",
    )
]


@pytest.mark.parametrize("endpoint", ENDPOINTS)
@pytest.mark.parametrize("change", TWICE + FOREIGN)
def test_a_host_that_is_not_ours_is_refused(
    place: Place, send: Sender, endpoint: str, change: Change
) -> None:
    made = ask(place.tenant, endpoint)
    change(made)
    assert_house_rules(send(made), 400, "invalid_request", place.tenant)


@pytest.mark.parametrize("document", DOCUMENTS)
@pytest.mark.parametrize("change", TWICE)
def test_a_malformed_host_is_refused_for_documents_too(
    place: Place, send: Sender, document: str, change: Change
) -> None:
    made = read(place.tenant, document)
    change(made)
    assert_house_rules(send(made), 400, "invalid_request", place.tenant)


@pytest.mark.parametrize("document", DOCUMENTS)
@pytest.mark.parametrize("change", FOREIGN)
def test_f3_a_document_is_the_same_under_any_host(
    place: Place, send: Sender, document: str, change: Change
) -> None:
    made = read(place.tenant, document)
    expected = send(made).body
    change(made)
    answer = send(made)
    assert (answer.status, answer.body) == (200, expected)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("endpoint", ENDPOINTS)
@pytest.mark.parametrize(
    "header", [b"X-Forwarded-Host", b"Forwarded", b"X-Forwarded-Prefix", b"X-Original-URL"]
)
def test_a4_what_a_proxy_would_say_is_ignored(
    place: Place, send: Sender, endpoint: str, way: str, header: bytes
) -> None:
    made = ask(place.tenant, endpoint, way)
    made.add(header, b"host=evil.example")
    assert send(made).status == 200


@pytest.mark.parametrize("path", ["/livez", "/health", "/readyz", "/startupz", "/metrics"])
@pytest.mark.parametrize("host", [b"10.1.2.3:8080", b"evil.example", b""])
@pytest.mark.parametrize("method", [b"GET", b"HEAD"])
def test_a4_a_probe_may_name_any_host(send: Sender, path: str, host: bytes, method: bytes) -> None:
    made = Ask(target=path.encode(), headers=[(b"Host", host)], body=b"", method=method)
    assert send(made, head_only=method == b"HEAD").status == 200


@pytest.mark.parametrize("target", [b"@evil.example", b"evil.example:80", b"*"])
@pytest.mark.parametrize("method", [b"GET", b"POST", b"OPTIONS"])
def test_a5_a_target_without_a_path_is_refused(
    place: Place, send: Sender, target: bytes, method: bytes
) -> None:
    made = ask(place.tenant, "token")
    made.target, made.method = target, method
    assert_house_rules(send(made), 400, "invalid_request", place.tenant)


@pytest.mark.parametrize("document", DOCUMENTS)
def test_a5_an_absolute_target_changes_nothing_in_what_is_answered(
    place: Place, send: Sender, document: str
) -> None:
    # RFC 9112 section 3.2.2 asks every server to accept it; `iss` and links are configured
    made = read(place.tenant, document)
    expected = send(made).body
    made.target = b"http://evil.example" + made.target
    answer = send(made)
    assert (answer.status, answer.body) == (200, expected)


def authorization_of(size: int) -> Change:
    return lambda made: made.put(b"Authorization", b"Basic " + b"A" * (size - 6))


LARGE = [
    case("A6-16-KiB-of-headers", lambda made: made.add(b"X", b"a" * 16_384), 431),
    case("A6-many-small", lambda made: made.headers.extend([(b"X", b"a" * 250)] * 70), 431),
    case("A6-authorization", authorization_of(8 * 1024 + 1), 431),
    case("A7-declared", lambda made: made.put(b"Content-Length", b"16385"), 413),
    case("A7-declared-4-GB", lambda made: made.put(b"Content-Length", b"4294967296"), 413),
    case("A7-sent", lambda made: made.form("a=" + "x" * 17_000), 413),
    case("A8-65-parameters", lambda made: made.form("&".join(f"p{n}=1" for n in range(65))), 400),
    case("A8-4-MB-of-repeats", lambda made: made.form("a=1&" * 2**20), 413),
    case("A8-4000-repeats", lambda made: made.form("a=1&" * 4000), 400),
]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("endpoint", ENDPOINTS)
@pytest.mark.parametrize("wrong", LARGE)
def test_what_is_too_large_is_refused_before_it_is_read(
    place: Place, send: Sender, endpoint: str, way: str, wrong: Case
) -> None:
    made = ask(place.tenant, endpoint, way)
    wrong.change(made)
    answer = send(made)
    assert_house_rules(answer, wrong.status, wrong.error, place.tenant)
    assert answer.closed or wrong.status == 400
