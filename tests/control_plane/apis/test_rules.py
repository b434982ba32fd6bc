"""What an API may look like: its identifier (RFC 8707 section 2), name, scopes and lifetime."""

import re
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from control_plane.apis.rules import InvalidApi, NewApi, check_new_api

_GOOD = NewApi(identifier="https://api.example", name="A", scopes={}, token_lifetime=3600)

# RFC 3986 section 4.3: absolute-URI, in the characters of section 2; no fragment
_ABSOLUTE_URI = re.compile(
    r"[A-Za-z][A-Za-z0-9+.-]*:(?:[A-Za-z0-9._~:/?\[\]@!$&'()*+,;=-]|%[0-9A-Fa-f]{2})+"
)


def check(**changes: Any) -> None:
    check_new_api(msgspec.structs.replace(_GOOD, **changes))


@pytest.mark.parametrize(
    "identifier",
    [
        pytest.param("https://api.example.com", id="8707-2-https"),
        pytest.param("https://api.example.com/v1/things?kind=a%20b", id="8707-2-path-and-query"),
        pytest.param("urn:example:things", id="8707-2-urn"),
        pytest.param("http://127.0.0.1:8080", id="8707-2-port"),
        pytest.param("https://[::1]/", id="8707-2-ipv6"),
        pytest.param("https://a.example/" + "a" * 232, id="250-characters"),
    ],
)
def test_an_absolute_uri_is_an_identifier(identifier: str) -> None:
    check(identifier=identifier)


@pytest.mark.parametrize(
    "identifier",
    [
        pytest.param("", id="8707-2-empty"),
        pytest.param("api.example.com", id="8707-2-no-scheme"),
        pytest.param("/things", id="8707-2-relative"),
        pytest.param("//api.example.com", id="8707-2-no-scheme-but-a-host"),
        pytest.param("https:", id="8707-2-scheme-alone"),
        pytest.param("https://", id="8707-2-no-host"),
        pytest.param("https://api.example#a", id="8707-2-fragment"),
        pytest.param("https://api.example#", id="8707-2-empty-fragment"),
        pytest.param("https://api.example/a b", id="3986-2-space"),
        pytest.param("https://api.example/\n", id="3986-2-newline"),
        pytest.param("https://api.example/\x00", id="3986-2-nul"),
        pytest.param("https://api.example/ä", id="3986-2-not-ascii"),
        pytest.param('https://api.example/"', id="3986-2-quote"),
        pytest.param("https://api.example/<a>", id="3986-2-angle-brackets"),
        pytest.param("https://api.example/\\", id="3986-2-backslash"),
        pytest.param("https://api.example/%zz", id="3986-2.1-broken-escape"),
        pytest.param("https://[::1", id="3986-3.2.2-open-bracket"),
        pytest.param("1a:b", id="3986-3.1-scheme-begins-with-a-digit"),
        pytest.param("https://a.example/" + "a" * 233, id="251-characters"),
    ],
)
def test_anything_else_is_no_identifier(identifier: str) -> None:
    with pytest.raises(InvalidApi, match="absolute URI"):
        check(identifier=identifier)


_ASCII = st.text(st.characters(max_codepoint=127))


@given(_ASCII.map("https://api.example/".__add__) | _ASCII.map("urn:".__add__) | st.text())
def test_what_is_taken_is_an_absolute_uri_without_a_fragment(identifier: str) -> None:
    try:
        check(identifier=identifier)
    except InvalidApi:
        return
    assert _ABSOLUTE_URI.fullmatch(identifier)


_WORDS = st.from_regex(r"[a-z0-9]{1,20}", fullmatch=True)


@given(_WORDS, st.lists(_WORDS, max_size=4))
def test_every_plain_https_url_is_taken(host: str, path: list[str]) -> None:
    check(identifier=f"https://{host}.example/{'/'.join(path)}")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        pytest.param({"name": ""}, "a name", id="name-empty"),
        pytest.param({"name": "  "}, "a name", id="name-blank"),
        pytest.param({"name": "a\nb"}, "a name", id="name-of-two-lines"),
        pytest.param({"name": "\x1b[31m"}, "a name", id="name-ansi"),
        pytest.param({"name": "\u202egnp"}, "a name", id="name-turned-around"),
        pytest.param({"name": "n" * 101}, "a name", id="name-long"),
        pytest.param({"token_lifetime": 59}, "seconds", id="lifetime-short"),
        pytest.param({"token_lifetime": 86401}, "seconds", id="lifetime-long"),
        pytest.param({"token_lifetime": -1}, "seconds", id="lifetime-negative"),
        pytest.param({"scopes": {"": ""}}, "scope", id="6749-3.3-empty"),
        pytest.param({"scopes": {"a b": ""}}, "scope", id="6749-3.3-space"),
        pytest.param({"scopes": {'a"b': ""}}, "scope", id="6749-3.3-quote"),
        pytest.param({"scopes": {"a\\b": ""}}, "scope", id="6749-3.3-backslash"),
        pytest.param({"scopes": {"ä": ""}}, "scope", id="6749-3.3-not-ascii"),
        pytest.param({"scopes": {"s" * 101: ""}}, "scope", id="scope-long"),
        pytest.param({"scopes": {f"s{n}": "" for n in range(101)}}, "100 scopes", id="scopes-many"),
        pytest.param({"scopes": {"a": "x\x00"}}, "scope", id="description-nul"),
        pytest.param({"scopes": {"a": "x\ny"}}, "scope", id="description-of-two-lines"),
        pytest.param({"scopes": {"a": "\udcff"}}, "scope", id="description-half-a-surrogate"),
        pytest.param({"scopes": {"a": "x" * 10_001}}, "scope", id="description-long"),
    ],
)
def test_what_is_wrong_is_said(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidApi, match=said):
        check(**changes)


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"name": "Ünïcode 名前 🔑"}, id="name-of-any-letters"),
        pytest.param({"name": "n" * 100}, id="name-of-100"),
        pytest.param({"token_lifetime": 60}, id="shortest-lifetime"),
        pytest.param({"token_lifetime": 86400}, id="longest-lifetime"),
        pytest.param({"scopes": {"s" * 100: "", "read:things/all": "Läs"}}, id="scopes"),
        pytest.param({"scopes": {f"s{n}": "" for n in range(100)}}, id="100-scopes"),
    ],
)
def test_the_limits_themselves_are_allowed(changes: dict[str, Any]) -> None:
    check(**changes)
