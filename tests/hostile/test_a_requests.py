"""A10 to A15: media types, encodings, methods, queries, upgrades."""

import psutil
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

FORM = "application/x-www-form-urlencoded"


def content_type(value: str | None) -> Change:
    def change(made: Ask) -> None:
        made.drop(b"Content-Type")
        if value is not None:
            made.add(b"Content-Type", value.encode())

    return change


def encoding(value: str) -> Change:
    return lambda made: made.add(b"Content-Encoding", value.encode())


def more(text: str | bytes) -> Change:
    return lambda made: made.form(text)


def query(text: str) -> Change:
    def change(made: Ask) -> None:
        made.target += b"?" + text.encode()

    return change


WRONG = [
    case("A10-none", content_type(None)),
    case("A10-empty", content_type("")),
    case("A10-json", content_type("application/json")),
    case("A10-multipart", content_type(f"multipart/form-data; boundary={CANARY}")),
    case("A10-text", content_type("text/plain")),
    case("A10-xml", content_type("application/xml")),
    case("A10-no-type", content_type("x-www-form-urlencoded")),
    case("A10-only-type", content_type("application/")),
    case("A10-longer", content_type(FORM + "ed")),
    case("A10-two-in-one", content_type(f"{FORM}, text/plain")),
    case("A10-two-headers", lambda made: made.add(b"Content-Type", FORM.encode())),
    case("A10-other-parameter", content_type(f"{FORM}; boundary=x")),
    case("A10-semicolons", content_type(f"{FORM};;;")),
    case("A11-utf-7", content_type(f"{FORM}; charset=utf-7")),
    case("A11-utf-16", content_type(f"{FORM}; charset=utf-16")),
    case("A11-latin-1", content_type(f"{FORM}; charset=iso-8859-1")),
    case("A11-raw-not-utf-8", more(b"a=\xff")),
    case("A11-escaped-not-utf-8", more("a=%ff")),
    case("A11-overlong", more("a=%c0%af")),
    case("A11-surrogate", more("a=%ED%A0%80")),
    case("A11-cut-character", more("a=%e2%82")),
    case("A11-raw-nul", more(b"a=\x00")),
    case("A11-escaped-nul", more(f"{CANARY}=%00")),
    case("A11-nul-in-a-name", more("a%00b=1")),
    case("A11-no-escape", more("a=%zz")),
    case("A11-short-escape", more("a=%4")),
    case("A11-lone-percent", more("a=%")),
    case("A11-unicode-escape", more("a=%u0041")),
    *(case(f"A12-{each}", encoding(each), 415) for each in ("gzip", "zstd", "br", "deflate", "x")),
    case("A12-twice", encoding("gzip, gzip"), 415),
    case("A14-secret", query(f"client_secret={CANARY}")),
    case("A14-token", query(f"token={CANARY}")),
    case("A14-access-token", query(f"access_token={CANARY}")),
    case("A14-any", query("x=1")),
    case("A14-C3-also-in-the-body", query("grant_type=client_credentials")),
    case("A14-not-utf-8", query("%ff")),
]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("endpoint", ENDPOINTS)
@pytest.mark.parametrize("wrong", WRONG)
def test_what_is_no_form_of_ours_is_refused(
    place: Place, send: Sender, endpoint: str, way: str, wrong: Case
) -> None:
    made = ask(place.tenant, endpoint, way)
    wrong.change(made)
    assert_house_rules(send(made), wrong.status, wrong.error, place.tenant)


METHODS = (b"GET", b"PUT", b"DELETE", b"PATCH", b"OPTIONS", b"TRACE")


@pytest.mark.parametrize("endpoint", ENDPOINTS)
@pytest.mark.parametrize("method", METHODS, ids=lambda each: f"A13-{each.decode()}")
@pytest.mark.parametrize(
    "override", [None, b"X-HTTP-Method-Override", b"X-HTTP-Method", b"X-Method-Override"]
)
def test_only_post_is_allowed_whatever_a_header_says(
    place: Place, send: Sender, endpoint: str, method: bytes, override: bytes | None
) -> None:
    made = ask(place.tenant, endpoint)
    made.method = method
    if override is not None:
        made.add(override, b"POST")
    answer = send(made)
    assert_house_rules(answer, 405, "invalid_request", place.tenant)
    assert answer.header("allow") == "POST"


@pytest.mark.parametrize("endpoint", ENDPOINTS)
@pytest.mark.parametrize("method", [b"BREW", b"post"], ids=lambda each: f"A13-{each.decode()}")
def test_a_method_that_http_does_not_know_is_malformed(
    place: Place, send: Sender, endpoint: str, method: bytes
) -> None:
    made = ask(place.tenant, endpoint)
    made.method = method
    assert_house_rules(send(made), 400, "invalid_request", place.tenant)


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_a13_head_is_refused_without_a_body(place: Place, send: Sender, endpoint: str) -> None:
    made = ask(place.tenant, endpoint)
    made.method = b"HEAD"
    answer = send(made, head_only=True)
    assert (answer.status, answer.body, answer.header("allow")) == (405, b"", "POST")
    assert answer.header("cache-control") == "no-store"


@pytest.mark.parametrize("document", DOCUMENTS)
@pytest.mark.parametrize("method", [b"POST", b"PUT", b"DELETE", b"PATCH", b"TRACE"])
def test_a13_a_document_is_only_read(
    place: Place, send: Sender, document: str, method: bytes
) -> None:
    made = read(place.tenant, document, method)
    made.add(b"X-HTTP-Method-Override", b"GET")
    answer = send(made)
    assert_house_rules(answer, 405, "invalid_request", place.tenant)
    assert answer.header("allow") == "GET, HEAD, OPTIONS"


@pytest.mark.parametrize("path", ["/livez", "/health", "/readyz", "/startupz", "/metrics"])
@pytest.mark.parametrize("method", [b"POST", b"PUT", b"DELETE", b"PATCH"])
def test_a13_a_probe_is_only_read(place: Place, send: Sender, path: str, method: bytes) -> None:
    made = read(place.tenant, "", method)
    made.target = path.encode()
    answer = send(made)
    assert_house_rules(answer, 405, "invalid_request", place.tenant)
    assert {"GET", "HEAD"} <= set((answer.header("allow") or "").split(", "))


UPGRADE = [
    (b"Connection", b"Upgrade"),
    (b"Upgrade", b"websocket"),
    (b"Sec-WebSocket-Version", b"13"),
    (b"Sec-WebSocket-Key", b"dGhlIHNhbXBsZSBub25jZQ=="),
]


@pytest.mark.parametrize("target", ["oauth/token", "oauth/introspect", ".well-known/nothing", ""])
@pytest.mark.parametrize(
    "subprotocol",
    [
        pytest.param(b"\xff\xfe", id="A15-not-utf-8"),
        pytest.param("é, я".encode(), id="A15-not-ascii"),
        pytest.param(b"", id="A15-empty"),
        pytest.param(b"," * 500, id="A15-commas"),
        pytest.param(b"a" * 8000, id="A15-long"),
    ],
)
def test_an_upgrade_is_refused_and_the_workers_live(
    place: Place, send: Sender, target: str, subprotocol: bytes
) -> None:
    before = workers(place)
    made = read(place.tenant, "")
    made.target = f"/t/{place.tenant.slug}/{target}".encode()
    made.headers += [*UPGRADE, (b"Sec-WebSocket-Protocol", subprotocol)]
    status, error = (405, "invalid_request") if "oauth" in target else (404, "not_found")
    assert_house_rules(send(made), status, error, place.tenant)
    assert workers(place) == before


def workers(place: Place) -> set[int]:
    return {each.pid for each in psutil.Process(place.server.pid).children(recursive=True)}
