"""Slugs, paths and scopes are taken if and only if the rule, written otherwise, says so."""

from string import ascii_lowercase, digits

from hypothesis import strategies as st

from data_plane.handlers.mount import NAMES, read_path
from shared.domain.issuer import _RESERVED, MalformedSlug, parse_slug
from shared.domain.scope import MalformedScope, parse_scope
from tests.hostile.properties.registry import holds_for

_OF_A_SLUG = frozenset(ascii_lowercase + digits + "-")
_OF_A_SCOPE = frozenset(map(chr, range(0x21, 0x7F))) - {'"', "\\"}
_METADATA = ("openid-configuration", "oauth-authorization-server")
_UNKNOWN = ("", "unknown")

_SLUGS = (
    st.text("ab0-", max_size=42)
    | st.text("ab-\n\0A\u0430\u0663.%/_ ", max_size=8)
    | st.sampled_from(sorted(_RESERVED))
    | st.text(max_size=8)
)
_PARTS = st.sampled_from(
    [
        b"",
        b"t",
        b"T",
        b".",
        b"..",
        b".well-known",
        b"oauth",
        b"token",
        b"acme",
        b"%74",
        b"a%62c",
        b"\xd0\xb0cme",
        b"acme\n",
        b"jwks.json",
        b"token?x",
        b"token;x",
        b"acme#",
        b"a--b",
    ]
)
_PATHS = (
    st.lists(_PARTS | st.binary(max_size=4), max_size=6).map(lambda parts: b"/" + b"/".join(parts))
    | st.builds("/t/{}/{}".format, _SLUGS, st.sampled_from(list(NAMES))).map(str.encode)
    | st.builds("/.well-known/{1}/t/{0}".format, _SLUGS, st.sampled_from(_METADATA)).map(str.encode)
)
_SCOPES = st.text('ab:/ \t\n"\\\x7fé', max_size=12) | st.text(max_size=12)


def may_stand_in_a_path(slug: str) -> bool:
    return 3 <= len(slug) <= 40 and set(slug) <= _OF_A_SLUG and "-" not in {slug[0], slug[-1]}


def may_be_given(slug: str) -> bool:
    free = slug not in _RESERVED and not slug.startswith("pg-")
    return may_stand_in_a_path(slug) and "--" not in slug and free


def place_of(path: bytes) -> tuple[str, str]:
    """Find the slug and the endpoint by cutting at slashes."""
    parts = path.partition(b"?")[0].decode("latin-1").split("/")
    slug, endpoint = "", ""
    if parts[:2] == ["", "t"] and len(parts) > 3:
        slug, endpoint = parts[2], "/".join(parts[3:])
    elif len(parts) == 5 and parts[1] == ".well-known" and parts[2] in _METADATA:
        slug, endpoint = parts[4], ".well-known/openid-configuration" * (parts[3] == "t")
    return (slug, endpoint) if may_stand_in_a_path(slug) and endpoint in NAMES else _UNKNOWN


@holds_for(slug=_SLUGS)
def test_a_slug_is_taken_if_and_only_if_the_rule_says_so(slug: str) -> None:
    try:
        assert parse_slug(slug) == slug
    except MalformedSlug:
        assert not may_be_given(slug)
    else:
        assert may_be_given(slug)


@holds_for(path=_PATHS)
def test_a_path_leads_to_an_issuer_if_and_only_if_it_is_spelt_as_ours_are(path: bytes) -> None:
    assert read_path(path) == place_of(path)


@holds_for(text=_SCOPES)
def test_a_scope_is_read_if_and_only_if_single_spaces_separate_its_tokens(text: str) -> None:
    tokens = text.split(" ")
    well_formed = "" not in tokens and set(text) - {" "} <= _OF_A_SCOPE
    try:
        assert parse_scope(text) == set(tokens)
    except MalformedScope:
        assert not well_formed
    else:
        assert well_formed
