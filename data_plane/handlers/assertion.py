"""Finding the client of a JWT that is presented as its assertion (RFC 7523 section 3)."""

from collections.abc import Sequence
from typing import Any

import msgspec

from data_plane.handlers.given import Given
from data_plane.protocol.client_assertion import (
    PresentedAssertion,
    check_own_claims,
    check_times,
    own_client_id,
)
from data_plane.protocol.errors import InvalidClient, InvalidRequest
from data_plane.protocol.served_issuer import ServedIssuer
from shared.domain.client import AuthMethod, Client
from shared.domain.client_jwk import ClientJwk
from shared.domain.ids import ClientId
from shared.domain.workload import Match, WorkloadRule, match_workload

_FAILED = "client authentication failed"

# Stands in for the keys of a client that is unknown, so that the work is the same.
_NOBODYS = ClientJwk(
    kty="EC",
    crv="P-256",
    x="f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
    y="x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
)


async def client_of_assertion(
    presented: PresentedAssertion, issuer: ServedIssuer, given: Given
) -> Client:
    """Give the client that the assertion proves, or raise InvalidClient."""
    if presented.is_own:
        return await _own(presented, issuer, given)
    return await _of_workload(presented, issuer, given)


async def _own(presented: PresentedAssertion, issuer: ServedIssuer, given: Given) -> Client:
    client = await given.clients.get(issuer, own_client_id(presented))
    usable = client if client is not None and _may_sign(client) else None
    keys = (_NOBODYS,) if usable is None else await _keys(usable, presented, given)
    signed = _is_signed(presented, keys, given)
    if usable is None or not signed:
        raise InvalidClient(_FAILED)
    now, endpoint = given.clock(), f"{issuer.issuer}/oauth/token"
    spend = check_own_claims(presented.claims, usable, issuer.issuer, endpoint, now=now)
    if not await given.replays.spend(issuer.tenant_id, spend):
        raise InvalidClient(_FAILED)
    return usable


def _may_sign(client: Client) -> bool:
    return client.enabled and client.auth_method is AuthMethod.PRIVATE_KEY_JWT


async def _keys(client: Client, presented: PresentedAssertion, given: Given) -> Sequence[ClientJwk]:
    if client.jwks_uri is None:
        return client.jwks
    return await given.key_sets.of_uri(client.jwks_uri, presented.jws.header.kid)


def _is_signed(presented: PresentedAssertion, keys: Sequence[ClientJwk], given: Given) -> bool:
    """Tell whether one of the keys made the signature: those with its kid, where it names one."""
    header = presented.jws.header
    named = [key for key in keys if header.kid is None or key.kid in {None, header.kid}]
    return any(given.verifier.verify(presented.jws, header.alg, key) for key in named)


async def _of_workload(presented: PresentedAssertion, issuer: ServedIssuer, given: Given) -> Client:
    """Find the one client whose rules take the outside issuer's JWT.

    Its `jti` is not spent: a platform gives a workload one token for many requests.
    """
    check_times(presented.claims, now=given.clock())
    claims = msgspec.json.decode(presented.jws.payload, type=dict[str, Any])
    proved = [
        client
        for client in await _trusting(presented, issuer, given)
        if await _takes(client, presented, claims, issuer, given)
    ]
    if not proved:
        raise InvalidClient(_FAILED)
    if len(proved) > 1:
        raise InvalidRequest("this workload stands for several clients: say which by client_id")
    return proved[0]


async def _trusting(
    presented: PresentedAssertion, issuer: ServedIssuer, given: Given
) -> list[Client]:
    """Find the clients that trust the assertion's issuer; all of them, where none is named."""
    ids: Sequence[ClientId] = (
        (presented.client_id,)
        if presented.client_id is not None
        else await given.clients.of_workload(issuer, presented.claims.iss)
    )
    found = [await given.clients.get(issuer, each) for each in ids]
    return [
        client
        for client in found
        if client is not None
        and client.enabled
        and client.auth_method is AuthMethod.WORKLOAD_IDENTITY
    ]


async def _takes(
    client: Client,
    presented: PresentedAssertion,
    claims: dict[str, Any],
    issuer: ServedIssuer,
    given: Given,
) -> bool:
    for rule in client.workloads:
        if isinstance(match_workload(rule, claims, issuer.issuer), Match):
            keys = await _outside_keys(rule, presented, given)
            if _is_signed(presented, keys, given):
                return True
    return False


async def _outside_keys(
    rule: WorkloadRule, presented: PresentedAssertion, given: Given
) -> Sequence[ClientJwk]:
    if rule.jwks:
        return rule.jwks
    return await given.key_sets.of_issuer(rule.issuer, presented.jws.header.kid)
