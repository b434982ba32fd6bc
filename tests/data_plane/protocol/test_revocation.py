"""RFC 7009 sections 2.1 and 2.2, RFC 7662 section 2.2, without a server."""

import msgspec
import pytest

from data_plane.protocol.access_token import AccessTokenClaims
from data_plane.protocol.errors import InvalidRequest
from data_plane.protocol.introspection import Active, Inactive, introspect
from data_plane.protocol.revocation import (
    DenySet,
    NothingToRevoke,
    Revocation,
    RevocationKind,
    decide,
)
from shared.domain.client import Client
from shared.domain.ids import ClientId

NOW = 1_800_000_000
CLAIMS = AccessTokenClaims(
    iss="i",
    sub="c_1",
    aud=("https://a", "https://b"),
    client_id=ClientId("c_1"),
    azp=ClientId("c_1"),
    scope="read",
    iat=NOW - 60,
    exp=NOW + 60,
    jti="j",
)


def client(client_id: str = "c_1", *serves: str) -> Client:
    return Client(
        client_id=ClientId(client_id),
        enabled=True,
        secrets=(),
        apis=(),
        default_api=None,
        serves=frozenset(serves),
    )


def mark(kind: RevocationKind, subject: str, not_before: int) -> Revocation:
    return Revocation(kind=kind, subject=subject, not_before=not_before, expires_at=NOW + 100)


def test_a_client_revokes_its_own_token() -> None:
    decision = decide(CLAIMS, client(), now=NOW)
    assert isinstance(decision, Revocation)
    assert (decision.subject, decision.expires_at) == ("j", NOW + 60)


def test_another_clients_token_is_refused_and_not_revoked() -> None:
    with pytest.raises(InvalidRequest):
        decide(CLAIMS, client("c_2"), now=NOW)


@pytest.mark.parametrize("claims", [None, msgspec.structs.replace(CLAIMS, exp=NOW)])
def test_an_unknown_or_expired_token_is_as_good_as_revoked(claims: AccessTokenClaims) -> None:
    assert decide(claims, client("c_2"), now=NOW) == NothingToRevoke()


def test_a_revoked_token_is_denied_until_it_expires() -> None:
    revoked = DenySet()
    revoked.add(Revocation(kind=RevocationKind.TOKEN, subject="j", not_before=0, expires_at=NOW))
    assert revoked.denies(CLAIMS)
    revoked.forget_expired(NOW)
    assert len(revoked) == 0


@pytest.mark.parametrize(
    ("not_before", "denied"),
    [(CLAIMS.iat - 1, False), (CLAIMS.iat, True), (CLAIMS.iat + 1, True)],
)
@pytest.mark.parametrize(
    ("kind", "subject"), [(RevocationKind.CLIENT, "c_1"), (RevocationKind.TENANT, "")]
)
def test_a_mark_denies_what_was_issued_until_then(
    kind: RevocationKind, subject: str, not_before: int, *, denied: bool
) -> None:
    revoked = DenySet()
    revoked.add(mark(kind, subject, not_before))
    assert revoked.denies(CLAIMS) is denied


@pytest.mark.parametrize("kind", [RevocationKind.CLIENT, RevocationKind.TENANT])
def test_of_two_marks_the_later_wins(kind: RevocationKind) -> None:
    subject = "c_1" if kind is RevocationKind.CLIENT else ""
    for order in ((CLAIMS.iat, CLAIMS.iat - 10), (CLAIMS.iat - 10, CLAIMS.iat)):
        revoked = DenySet()
        for not_before in order:
            revoked.add(mark(kind, subject, not_before))
        assert revoked.denies(CLAIMS), "E11"


def test_the_feed_lists_all_that_can_still_matter_and_changes_with_it() -> None:
    revoked = DenySet()
    empty = revoked.feed()
    assert msgspec.json.decode(empty.body) == {"tokens": {}, "clients": {}, "not_before": 0}
    revoked.add(mark(RevocationKind.CLIENT, "c_2", 7))
    revoked.add(mark(RevocationKind.TENANT, "", 5))
    for jti in ("b", "a"):
        revoked.add(
            Revocation(kind=RevocationKind.TOKEN, subject=jti, not_before=0, expires_at=NOW)
        )
    feed = revoked.feed()
    assert msgspec.json.decode(feed.body) == {
        "tokens": {"a": NOW, "b": NOW},
        "clients": {"c_2": 7},
        "not_before": 5,
    }
    assert feed.etag != empty.etag
    assert revoked.feed() is feed  # made once, however many poll
    revoked.forget_expired(NOW)
    assert msgspec.json.decode(revoked.feed().body)["tokens"] == {}


def test_workers_that_heard_in_another_order_give_the_same_feed() -> None:
    one, other = DenySet(), DenySet()
    marks = [mark(RevocationKind.CLIENT, each, 7) for each in ("c_1", "c_2", "c_3")]
    for each in marks:
        one.add(each)
    for each in reversed(marks):
        other.add(each)
    assert one.feed() == other.feed()


def test_a_mark_on_another_client_denies_nothing() -> None:
    revoked = DenySet()
    revoked.add(mark(RevocationKind.CLIENT, "c_2", NOW))
    assert not revoked.denies(CLAIMS)


@pytest.mark.parametrize(
    "caller",
    [
        pytest.param(client(), id="its-own"),
        pytest.param(client("c_2", "https://b"), id="an-api-it-serves"),
    ],
)
def test_a_live_token_is_active(caller: Client) -> None:
    answer = introspect(CLAIMS, caller, DenySet(), now=NOW)
    assert isinstance(answer, Active)
    assert (answer.client_id, answer.jti, answer.scope) == ("c_1", "j", "read")  # E7: the token's


@pytest.mark.parametrize(
    ("claims", "caller"),
    [
        pytest.param(None, client(), id="E3-unknown"),
        pytest.param(msgspec.structs.replace(CLAIMS, exp=NOW), client(), id="E3-expired"),
        pytest.param(CLAIMS, client("c_2"), id="E6-neither-its-own-nor-served"),
        pytest.param(CLAIMS, client("c_2", "https://c"), id="E6-serves-another"),
    ],
)
def test_everything_else_is_inactive_and_nothing_more(
    claims: AccessTokenClaims | None, caller: Client
) -> None:
    answer = introspect(claims, caller, DenySet(), now=NOW)
    assert msgspec.to_builtins(answer) == {"active": False}
    assert answer == Inactive()
