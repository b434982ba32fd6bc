"""Which management token may revoke, and what can be asked."""

from collections.abc import Callable

import msgspec
import pytest

from data_plane.protocol.access_token import AccessTokenClaims
from data_plane.protocol.admin_revocation import (
    check_may_revoke,
    check_token,
    read_bearer,
    read_revocation,
)
from data_plane.protocol.errors import (
    InsufficientScope,
    InvalidRequest,
    InvalidToken,
    NotFound,
    TokenMissing,
)
from data_plane.protocol.request_gate import read_form
from data_plane.protocol.revocation import DenySet, Revocation, RevocationKind
from shared.domain.client import Client
from shared.domain.ids import ClientId

_NOW = 1_700_000_000
_JTI = "01890a5d-ac96-774b-bcce-b302099a8057"
_AUDIENCE = "https://console.example/api/"
_KEY = Client(
    client_id=ClientId("c_key"),
    enabled=True,
    secrets=(),
    apis=(),
    default_api=None,
    claims=b'{"account":"a_1"}',
)
_CLAIMS = AccessTokenClaims(
    iss="https://id.example/t/system",
    sub="c_key",
    aud=_AUDIENCE,
    client_id=ClientId("c_key"),
    azp=ClientId("c_key"),
    scope="read:clients revoke:tokens",
    iat=_NOW - 1,
    exp=_NOW + 1,
    jti=_JTI,
)


@pytest.mark.parametrize("text", [b"Bearer a.b.c", b"bearer  a.b.c", b"BEARER a.b.c"])
def test_the_scheme_is_read_in_any_case(text: bytes) -> None:
    assert read_bearer(text) == "a.b.c"


@pytest.mark.parametrize("text", [None, b"", b"Basic eDp5", b"Bearerx a"])
def test_another_scheme_is_no_token(text: bytes | None) -> None:
    with pytest.raises(TokenMissing):
        read_bearer(text)


@pytest.mark.parametrize(
    "text", [b"Bearer", b"Bearer ", b"Bearer a b", b"Bearer a\tb", b"Bearer \xe4"]
)
def test_a_malformed_token_is_an_invalid_request(text: bytes) -> None:
    with pytest.raises(InvalidRequest):
        read_bearer(text)


def test_a_token_counts_until_the_second_it_expires() -> None:
    assert check_token(_CLAIMS, DenySet(), _AUDIENCE, now=_NOW) is _CLAIMS
    with pytest.raises(InvalidToken):
        check_token(_CLAIMS, DenySet(), _AUDIENCE, now=_CLAIMS.exp)


def test_a_token_for_another_audience_or_revoked_or_of_nobody_does_not_count() -> None:
    revoked = DenySet()
    revoked.add(read_revocation(read_form(f"jti={_JTI}".encode()), now=_NOW))
    for claims, denied, audience in (
        (None, DenySet(), _AUDIENCE),
        (_CLAIMS, revoked, _AUDIENCE),
        (_CLAIMS, DenySet(), "https://console.example/api"),
    ):
        with pytest.raises(InvalidToken):
            check_token(claims, denied, audience, now=_NOW)


@pytest.mark.parametrize(
    "key",
    [
        pytest.param(None, id="unknown"),
        pytest.param(msgspec.structs.replace(_KEY, enabled=False), id="disabled"),
        pytest.param(msgspec.structs.replace(_KEY, claims=b"{}"), id="no-account"),
        pytest.param(msgspec.structs.replace(_KEY, claims=b'{"account":""}'), id="account-empty"),
        pytest.param(msgspec.structs.replace(_KEY, claims=b'{"account":1}'), id="account-number"),
        pytest.param(msgspec.structs.replace(_KEY, claims=b"[]"), id="no-object"),
    ],
)
@pytest.mark.parametrize("account", ["a_1", "operator", ""])
def test_a_key_that_is_none_may_nowhere(key: Client | None, account: str) -> None:
    with pytest.raises(InvalidToken):
        check_may_revoke(_CLAIMS, key, account, "acme")


def test_a_key_may_at_its_own_accounts_tenants_and_the_operators_everywhere() -> None:
    check_may_revoke(_CLAIMS, _KEY, "a_1", "acme")
    for account in ("a_2", "operator", ""):
        with pytest.raises(NotFound):
            check_may_revoke(_CLAIMS, _KEY, account, "acme")
        operators = msgspec.structs.replace(_KEY, claims=b'{"account":"operator"}')
        check_may_revoke(_CLAIMS, operators, account, "acme")


def test_a_key_for_some_tenants_may_at_these_only() -> None:
    for account in ("a_1", "operator"):
        claims = f'{{"account":"{account}","tenants":["acme","other"]}}'.encode()
        limited = msgspec.structs.replace(_KEY, claims=claims)
        check_may_revoke(_CLAIMS, limited, "a_1", "acme")
        with pytest.raises(NotFound):
            check_may_revoke(_CLAIMS, limited, "a_1", "another")


@pytest.mark.parametrize("scope", ["", "revoke", "revoke:tokens2", "Revoke:tokens"])
def test_the_scope_is_one_whole_word(scope: str) -> None:
    with pytest.raises(InsufficientScope):
        check_may_revoke(msgspec.structs.replace(_CLAIMS, scope=scope), _KEY, "a_1", "acme")


@pytest.mark.parametrize(
    ("body", "kind", "subject"),
    [
        (f"jti={_JTI}", RevocationKind.TOKEN, _JTI),
        ("client_id=c_1&reason=x", RevocationKind.CLIENT, "c_1"),
        ("everything=true&jti=&client_id=", RevocationKind.TENANT, ""),
    ],
)
def test_what_is_asked_for_is_refused_for_a_day(
    body: str, kind: RevocationKind, subject: str
) -> None:
    assert read_revocation(read_form(body.encode()), now=_NOW) == Revocation(
        kind=kind, subject=subject, not_before=_NOW, expires_at=_NOW + 86_400
    )


Mark = Callable[[int], Revocation]


def _mark(body: bytes) -> Mark:
    return lambda now: read_revocation(read_form(body), now=now)


_OF_CLIENT, _OF_TENANT = _mark(b"client_id=c_key"), _mark(b"everything=true")


@pytest.mark.parametrize("early", [_OF_CLIENT, _OF_TENANT], ids=["client", "tenant"])
@pytest.mark.parametrize("late", [_OF_CLIENT, _OF_TENANT], ids=["client", "tenant"])
@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_of_marks_on_client_and_tenant_the_later_wins(
    early: Mark, late: Mark, order: tuple[int, int]
) -> None:
    """E11: whichever is which, and whichever is heard of first."""
    marks, denied = (early(_NOW - 100), late(_NOW)), DenySet()
    for index in order:
        denied.add(marks[index])
    for age, refused in ((-101, True), (-50, True), (0, True), (1, False)):
        claims = msgspec.structs.replace(_CLAIMS, iat=_NOW + age)
        assert denied.denies(claims) is refused
