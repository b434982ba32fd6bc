"""Slugs, and the issuer URL they are part of (RFC 8414 section 2)."""

import re
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.issuer import MalformedSlug, issuer_url, parse_slug

_WELL_FORMED = st.from_regex(r"[a-z0-9](-?[a-z0-9]){1,18}", fullmatch=True)


@pytest.mark.parametrize(
    "slug",
    [
        pytest.param("a1b", id="shortest"),
        pytest.param("a" * 40, id="longest"),
        pytest.param("acme-test", id="hyphen"),
        pytest.param("0-0", id="digits"),
        pytest.param("oauth2", id="only-begins-as-a-reserved-one"),
    ],
)
def test_a_well_formed_slug_is_taken_as_it_is(slug: str) -> None:
    assert parse_slug(slug) == slug


@pytest.mark.parametrize(
    "slug",
    [
        pytest.param("", id="empty"),
        pytest.param("ab", id="too-short"),
        pytest.param("a" * 41, id="too-long"),
        pytest.param("Acme", id="upper-case"),
        pytest.param("-acme", id="hyphen-first"),
        pytest.param("acme-", id="hyphen-last"),
        pytest.param("ac--me", id="two-hyphens"),
        pytest.param("xn--bcher-kva", id="punycode"),
        pytest.param("ac.me", id="dot"),
        pytest.param("ac_me", id="underscore"),
        pytest.param("ac/me", id="slash"),
        pytest.param("ac%2fme", id="escaped-slash"),
        pytest.param("acme\n", id="newline-last"),
        pytest.param("acme\x00", id="nul"),
        pytest.param(" acme", id="space"),
        pytest.param("\u0430cme", id="cyrillic-a"),
        pytest.param("acme٣", id="arabic-digit"),
        pytest.param("\u017flug", id="folds-to-s"),
        pytest.param("oauth", id="reserved"),
        pytest.param("health", id="reserved-endpoint"),
        pytest.param("pg-catalog", id="reserved-prefix"),
    ],
)
def test_a_malformed_or_reserved_slug_is_refused(slug: str) -> None:
    with pytest.raises(MalformedSlug):
        parse_slug(slug)


@given(_WELL_FORMED)
def test_the_slug_is_the_issuers_last_part_letter_for_letter(slug: str) -> None:
    slug = f"x{slug}"  # no reserved word begins so
    issuer = issuer_url("https://id.example", parse_slug(slug))
    assert urlsplit(issuer).path == f"/t/{slug}"
    assert urlsplit(issuer).geturl() == issuer


@given(st.text())
def test_no_text_but_lower_case_ascii_letters_digits_and_hyphens_passes(text: str) -> None:
    try:
        taken = parse_slug(text)
    except MalformedSlug:
        return
    assert re.fullmatch("[a-z0-9-]{3,40}", taken, re.ASCII)
