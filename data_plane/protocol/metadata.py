"""Authorization Server Metadata, RFC 8414 section 2, which OpenID clients read too."""

import msgspec

from data_plane.protocol.client_authentication import METHODS
from data_plane.protocol.signed_introspection import INTROSPECTION_ALGORITHM
from data_plane.protocol.token_request import GRANT_TYPES
from shared.domain.jwk import Algorithm
from shared.domain.jws import FOREIGN_ALGORITHMS
from shared.domain.snapshot import IssuerSnapshot


class Metadata(msgspec.Struct, frozen=True, kw_only=True):
    issuer: str
    token_endpoint: str
    jwks_uri: str
    introspection_endpoint: str
    revocation_endpoint: str
    grant_types_supported: tuple[str, ...] = GRANT_TYPES
    token_endpoint_auth_methods_supported: tuple[str, ...] = METHODS
    token_endpoint_auth_signing_alg_values_supported: tuple[str, ...] = FOREIGN_ALGORITHMS
    introspection_endpoint_auth_methods_supported: tuple[str, ...] = METHODS
    introspection_endpoint_auth_signing_alg_values_supported: tuple[str, ...] = FOREIGN_ALGORITHMS
    revocation_endpoint_auth_methods_supported: tuple[str, ...] = METHODS
    revocation_endpoint_auth_signing_alg_values_supported: tuple[str, ...] = FOREIGN_ALGORITHMS
    scopes_supported: tuple[str, ...]
    response_types_supported: tuple[str, ...] = ()
    subject_types_supported: tuple[str, ...] = ("public",)
    dpop_signing_alg_values_supported: tuple[str, ...] = FOREIGN_ALGORITHMS
    introspection_signing_alg_values_supported: tuple[Algorithm, ...] = (INTROSPECTION_ALGORITHM,)
    # go-oidc reads here which algorithms a token may have
    id_token_signing_alg_values_supported: tuple[Algorithm, ...]


def metadata(issuer: str, snapshot: IssuerSnapshot) -> Metadata:
    algorithms = dict.fromkeys(key.algorithm for key in snapshot.signing_keys)
    return Metadata(
        issuer=issuer,
        token_endpoint=f"{issuer}/oauth/token",
        jwks_uri=f"{issuer}/.well-known/jwks.json",
        introspection_endpoint=f"{issuer}/oauth/introspect",
        revocation_endpoint=f"{issuer}/oauth/revoke",
        scopes_supported=snapshot.scopes,
        id_token_signing_alg_values_supported=tuple(algorithms),
    )
