"""F1, F2, F3 and F6: slugs, hosts and SQL."""

import json
from urllib.parse import quote_plus

import pytest

from shared.domain.issuer import MalformedSlug, parse_slug
from tests.hostile.cases import DOCUMENTS, ENDPOINTS, ask, assert_house_rules, read
from tests.hostile.conftest import Place, Sender

SLUGS = {
    "dots": b"..",
    "dot-dot-slash": b"..%2f",
    "nul": b"%00",
    "invalid-utf-8": b"%ff",
    "utf-8": b"%c3%a4cme",
    "homoglyph": b"%d0%b0cme",
    "upper-case": b"ACME",
    "one-letter": b"A",
    "matrix": b"acme;x=1",
    "long": b"a" * 300,
    "double-hyphen": b"a--b",
    "leading-hyphen": b"-acme",
    "escaped-letter": b"%61cme",
    "plus": b"a+b",
    "quote": b"a'b",
    "sql": b"a';--",
    "space": b"a%20b",
    "star": b"*",
    "unknown": b"nobody-has-this",
    "reserved": b"pg_catalog",
}
NOT_FOUND = b'{"error":"not_found","error_description":"there is nothing here"}'


@pytest.mark.parametrize("slug", SLUGS.values(), ids=[f"F1-{name}" for name in SLUGS])
@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_a_hostile_slug_is_404_at_the_endpoints(
    send: Sender, place: Place, endpoint: str, slug: bytes
) -> None:
    made = ask(place.tenant, endpoint)
    made.target = b"/t/" + slug + f"/oauth/{endpoint}".encode()
    answer = send(made)
    assert (answer.status, answer.body) == (404, NOT_FOUND)


@pytest.mark.parametrize("slug", ["äcme", "\u0430cme"], ids=["F1-raw-utf-8", "F1-raw-homoglyph"])
@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_a_target_that_is_no_ascii_is_malformed(
    send: Sender, place: Place, endpoint: str, slug: str
) -> None:
    made = ask(place.tenant, endpoint)
    made.target = f"/t/{slug}/oauth/{endpoint}".encode()
    assert_house_rules(send(made), 400, "invalid_request", place.tenant)


@pytest.mark.parametrize("slug", SLUGS.values(), ids=[f"F1-{name}" for name in SLUGS])
@pytest.mark.parametrize("document", DOCUMENTS)
def test_a_hostile_slug_is_404_at_the_documents(
    send: Sender, place: Place, document: str, slug: bytes
) -> None:
    made = read(place.tenant, document)
    made.target = b"/t/" + slug + f"/.well-known/{document}".encode()
    answer = send(made)
    assert (answer.status, answer.body) == (404, NOT_FOUND)


@pytest.mark.parametrize(
    "slug",
    [
        *("public", "system", "admin", "pg-temp", "pg-catalog", ".well-known", "a", "ab"),
        *('a"; DROP SCHEMA public; --', "acme\n", "acme\0", "äcme", "a" * 41, "-acme", "acme-"),
        *("a--b", "ACME", "a.b", "a_b", "a/b", "", " acme", "acme ", "\u0430cme"),
    ],
)
def test_f2_a_reserved_or_hostile_slug_is_nobodys(slug: str) -> None:
    with pytest.raises(MalformedSlug):
        parse_slug(slug)


@pytest.mark.parametrize("host", [b"evil.example", b"localhost:1", b"127.0.0.1", b"[::1]:8080"])
@pytest.mark.parametrize("name", ["openid-configuration", "oauth-authorization-server"])
@pytest.mark.parametrize("place_of_name", ["appended", "inserted"])
def test_f3_metadata_is_the_same_under_any_host(
    send: Sender, place: Place, host: bytes, name: str, place_of_name: str
) -> None:
    made = read(place.tenant, name)
    if place_of_name == "inserted":
        made.target = f"/.well-known/{name}/t/{place.tenant.slug}".encode()
    made.put(b"Host", host)
    made.put(b"X-Forwarded-Host", b"evil.example")
    answer = send(made)
    assert answer.status == 200
    assert json.loads(answer.body)["issuer"] == place.tenant.issuer
    assert b"evil" not in answer.body


@pytest.mark.parametrize("endpoint", ENDPOINTS)
@pytest.mark.parametrize(
    "text", ["' OR 1=1 --", '"; DROP TABLE client; --', "$1", "\\'; --", "{schema}"]
)
def test_f6_sql_in_a_value_is_text(send: Sender, place: Place, endpoint: str, text: str) -> None:
    made = ask(place.tenant, endpoint)
    made.form(f"note={quote_plus(text)}")
    assert send(made).status == 200
