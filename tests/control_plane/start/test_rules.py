"""What is suggested, and what the first requests say about themselves."""

from datetime import UTC, datetime
from uuid import UUID

import pytest

from control_plane.clients.snippets import Caller, snippets_for
from control_plane.start.rules import first_use, suggested_slug
from control_plane.usage.rules import LogEntry
from shared.domain.issuer import parse_slug

_AT = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("Acme", "acme-test"),
        ("Ünïcode & Söhne GmbH", "unicode-sohne-gmbh-test"),
        ("名前", "my-test"),
        ("<img onerror>", "img-onerror-test"),
        ("x" * 100, "x" * 35 + "-test"),
        ("pg 13", "my-pg-13-test"),
    ],
)
def test_the_suggested_slug_is_one(name: str, slug: str) -> None:
    assert suggested_slug(name) == slug
    assert parse_slug(slug) == slug


def entry(number: int, event: str, error: str | None = None) -> LogEntry:
    return LogEntry(id=UUID(int=number), at=_AT, event=event, client_id="c", error=error)


def test_the_first_token_is_the_oldest_and_a_failure_comes_with_its_fix() -> None:
    entries = [
        entry(4, "issued"),
        entry(3, "refused", "invalid_scope"),
        entry(2, "issued"),
        entry(1, "refused", "some_other"),
    ]
    found = first_use(entries)
    assert found.issued == entries[2]
    assert [each.fix for each in found.failures] == [
        "Ask only for scopes that the client is granted, or grant it more.",
        "Compare the request with the client's quick start.",
    ]


def test_a_snippet_shows_no_secret_and_copies_it() -> None:
    secret = "as_cs_" + "s" * 49
    caller = Caller(issuer="https://x/t/acme", slug="acme", client_id="c_1", client_secret=secret)
    for each in snippets_for(caller):
        assert secret not in each.shown
        assert each.shown != each.copied
        assert secret in each.copied
    later = Caller(issuer="https://x/t/acme", slug="acme", client_id="c_1")
    assert all("CLIENT_SECRET" in each.copied or each.name == "CLI" for each in snippets_for(later))


@pytest.mark.parametrize("number", range(1, 10))
def test_each_number_suggests_another_slug(number: int) -> None:
    long = "A very long company name indeed, incorporated"
    suggestions = [suggested_slug(long, each) for each in range(1, number + 1)]
    assert len(set(suggestions)) == number
    assert [parse_slug(each) for each in suggestions] == suggestions
