"""What is remembered of a verified token is of one version of one issuer, and bounded."""

import msgspec

from data_plane.protocol.access_token import AccessTokenClaims
from data_plane.protocol.revocation import DenySet
from data_plane.protocol.served_issuer import ServedIssuer, serve_issuer
from data_plane.protocol.verified import VerifiedTokens
from shared.domain.ids import ClientId, TenantId
from shared.domain.snapshot import IssuerSnapshot, TenantStatus

_MORE_THAN_KEPT = 10_000
CLAIMS = AccessTokenClaims(
    iss="i",
    sub="c",
    aud="a",
    client_id=ClientId("c"),
    azp=ClientId("c"),
    scope="",
    iat=1,
    exp=2,
    jti="j",
)


def issuer(tenant: str = "t_a", version: int = 1) -> ServedIssuer:
    snapshot = IssuerSnapshot(
        tenant_id=TenantId(tenant),
        slug="acme",
        version=version,
        status=TenantStatus.ACTIVE,
        signing_keys=(),
        scopes=(),
    )
    return serve_issuer(snapshot, "https://x.example", DenySet())


def test_another_version_or_issuer_finds_nothing() -> None:
    tokens = VerifiedTokens()
    tokens.remember(b"name", issuer(), CLAIMS)
    assert tokens.get(b"name", issuer()) == CLAIMS
    assert tokens.get(b"another", issuer()) is None
    assert tokens.get(b"name", issuer(version=2)) is None
    assert tokens.get(b"name", issuer("t_b")) is None


def test_their_number_is_bounded_and_the_last_ones_stay() -> None:
    tokens, of = VerifiedTokens(), issuer()
    for number in range(_MORE_THAN_KEPT):
        tokens.remember(b"%d" % number, of, msgspec.structs.replace(CLAIMS, iat=number))
    assert len(tokens) < _MORE_THAN_KEPT
    assert tokens.get(b"0", of) is None
    last = tokens.get(b"%d" % (_MORE_THAN_KEPT - 1), of)
    assert last is not None
    assert last.iat == _MORE_THAN_KEPT - 1
