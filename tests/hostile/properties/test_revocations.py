"""A worker may hear of revocations in any order, and of some twice: it refuses the same tokens."""

import msgspec
from hypothesis import strategies as st

from data_plane.protocol.access_token import AccessTokenClaims
from data_plane.protocol.revocation import DenySet, Revocation, RevocationKind
from shared.domain.ids import ClientId
from tests.data_plane.protocol.test_revocation import CLAIMS
from tests.hostile.properties.registry import holds_for

_SUBJECTS = ("a", "b", "c")
_TIMES = st.integers(1, 6)
_REVOCATIONS = st.builds(
    Revocation,
    kind=st.sampled_from(RevocationKind),
    subject=st.sampled_from(_SUBJECTS),
    not_before=_TIMES,
    expires_at=_TIMES.map(lambda time: time + 10),
)
_TWO_ORDERS = st.lists(_REVOCATIONS, max_size=8).flatmap(
    lambda revocations: st.tuples(
        st.just(revocations),
        st.permutations(revocations + revocations[:2]),
    )
)


def set_of(revocations: list[Revocation]) -> DenySet:
    denied = DenySet()
    for each in revocations:
        denied.add(each)
    return denied


def token(jti: str, client_id: str, issued_at: int) -> AccessTokenClaims:
    return msgspec.structs.replace(CLAIMS, jti=jti, client_id=ClientId(client_id), iat=issued_at)


def is_denied(claims: AccessTokenClaims, revocations: list[Revocation]) -> bool:
    """Say it without any memory: one revocation is enough."""
    return any(
        {
            RevocationKind.TOKEN: each.subject == claims.jti,
            RevocationKind.CLIENT: each.subject == claims.client_id
            and claims.iat <= each.not_before,
            RevocationKind.TENANT: claims.iat <= each.not_before,
        }[each.kind]
        for each in revocations
    )


@holds_for(orders=_TWO_ORDERS, now=st.integers(10, 17))
def test_the_order_of_revocations_carries_no_meaning(
    orders: tuple[list[Revocation], list[Revocation]], now: int
) -> None:
    one, other = map(set_of, orders)
    assert one.feed() == other.feed()
    one.forget_expired(now)
    other.forget_expired(now)
    assert one.feed() == other.feed()


@holds_for(
    revocations=st.lists(_REVOCATIONS, max_size=8),
    jti=st.sampled_from(_SUBJECTS),
    client_id=st.sampled_from(_SUBJECTS),
    issued_at=st.integers(1, 8),
)
def test_a_token_is_refused_if_and_only_if_a_revocation_says_so(
    revocations: list[Revocation], jti: str, client_id: str, issued_at: int
) -> None:
    claims = token(jti, client_id, issued_at)
    assert set_of(revocations).denies(claims) is is_denied(claims, revocations)
