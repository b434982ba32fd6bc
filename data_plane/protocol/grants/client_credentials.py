"""Client Credentials Grant, RFC 6749 section 4.4, for the APIs named by RFC 8707 `resource`."""

import msgspec

from data_plane.protocol.errors import InvalidScope, InvalidTarget
from data_plane.protocol.token_request import ClientCredentialsRequest
from shared.domain.client import Client, GrantedApi, TokenProfile
from shared.domain.jwk import Algorithm
from shared.domain.scope import Scope

_OFFLINE_ACCESS: Scope = frozenset({"offline_access"})  # OpenID Connect Core section 11


class Issue(msgspec.Struct, frozen=True, kw_only=True):
    """The decision to issue: everything about the token that a rule decides."""

    client: Client
    audience: tuple[str, ...]
    scope: Scope
    lifetime: int  # seconds
    algorithm: Algorithm
    profile: TokenProfile


def decide(asked: ClientCredentialsRequest, client: Client) -> Issue:
    """Decide what is issued, or raise InvalidTarget or InvalidScope."""
    apis = _targets(asked, client)
    granted = frozenset[str]().union(*(api.scope for api in apis))
    scope = _without_offline_access(asked.scope, granted)
    if scope is not None and not scope <= granted:
        raise InvalidScope("the client is not granted every scope it asked for")
    return Issue(
        client=client,
        audience=tuple(api.identifier for api in apis),
        scope=granted if scope is None else scope,  # s3.3: a pre-defined default
        lifetime=min(api.token_lifetime for api in apis),
        algorithm=apis[0].algorithm,
        profile=apis[0].profile,
    )


def _without_offline_access(asked: Scope | None, granted: Scope) -> Scope | None:
    """Leave out what asks for a refresh token: this grant gives none (section 4.4.3)."""
    if asked is None or granted >= _OFFLINE_ACCESS:
        return asked
    return asked - _OFFLINE_ACCESS or None


def _targets(asked: ClientCredentialsRequest, client: Client) -> tuple[GrantedApi, ...]:
    """Find the APIs that the token is for: at least one, so that no token is without `aud`."""
    named = asked.resources or ((client.default_api,) if client.default_api else ())
    by_identifier = {api.identifier: api for api in client.apis}
    if not named:
        raise InvalidTarget("the client has no default API: name one with 'resource'")
    apis = tuple(by_identifier[each] for each in named if each in by_identifier)
    if len(apis) != len(named):
        raise InvalidTarget("the client is not granted every resource it asked for")
    if len({(api.algorithm, api.profile) for api in apis}) > 1:
        raise InvalidTarget("these resources need tokens of different kinds: ask one by one")
    return apis
