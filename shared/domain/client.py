"""The registered client, as both planes know it (RFC 7591 section 2)."""

from enum import StrEnum

import msgspec

from shared.domain.client_jwk import ClientJwk
from shared.domain.ids import ClientId
from shared.domain.jwk import Algorithm
from shared.domain.limits import Rate
from shared.domain.scope import Scope
from shared.domain.workload import WorkloadRule

MAXIMUM_LIVE_SECRETS = 5  # of a client: each costs every authentication a comparison
MINIMUM_TOKEN_LIFETIME, MAXIMUM_TOKEN_LIFETIME = 60, 24 * 3600  # seconds


class TokenProfile(StrEnum):
    """The `typ` of an API's tokens. Spring Security's default decoder refuses `at+jwt`."""

    AT_JWT = "at+jwt"  # RFC 9068 section 2.1
    JWT = "JWT"


class AuthMethod(StrEnum):
    """The one way in which a client proves itself at the token endpoint."""

    CLIENT_SECRET = "client_secret"  # client_secret_basic or client_secret_post
    PRIVATE_KEY_JWT = "private_key_jwt"
    WORKLOAD_IDENTITY = "workload_identity"  # a JWT of an outside issuer that the client trusts


class DpopUse(StrEnum):
    """Whether a client's tokens are bound to a key of its own, RFC 9449."""

    OPTIONAL = "optional"  # bound where the request has a proof
    REQUIRED = "required"
    NONCE_REQUIRED = "nonce_required"  # and each proof holds a nonce of ours (section 8)


class HeldSecret(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One live client_secret: its digest, and the pepper that the digest was made with."""

    digest: bytes
    pepper_id: str
    expires_at: int | None = None  # seconds since the epoch


class GrantedApi(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An API (resource server) for which a client may ask tokens, and with which scopes."""

    identifier: str  # the `aud`
    scope: Scope
    token_lifetime: int  # seconds
    algorithm: Algorithm
    profile: TokenProfile


class Client(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    client_id: ClientId
    enabled: bool
    secrets: tuple[HeldSecret, ...]
    apis: tuple[GrantedApi, ...]
    default_api: str | None  # identifier of the API meant when a request names none
    serves: frozenset[str] = frozenset()  # audiences whose tokens it may introspect
    auth_method: AuthMethod = AuthMethod.CLIENT_SECRET
    jwks: tuple[ClientJwk, ...] = ()  # of a private_key_jwt client; or, instead:
    jwks_uri: str | None = None
    legacy_assertions: bool = False  # the token endpoint's URL is taken as `aud`, for an hour
    dpop: DpopUse = DpopUse.OPTIONAL
    claims: bytes = b"{}"  # static claims of its tokens: a JSON object, without registered names
    workloads: tuple[WorkloadRule, ...] = ()
    rate: Rate | None = None  # its own limit, beside the tenant's
