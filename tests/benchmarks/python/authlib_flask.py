"""What a team would write with Authlib and Flask: its grant, its JWT generator, one client.

A generator signs with one algorithm, so each has a server and a path of its own.
"""

import secrets
from functools import partial
from typing import Any

from authlib.integrations.flask_oauth2 import AuthorizationServer
from authlib.oauth2.rfc6749 import ClientMixin
from authlib.oauth2.rfc6749.grants import ClientCredentialsGrant
from authlib.oauth2.rfc9068 import JWTBearerTokenGenerator
from flask import Flask, Response, jsonify
from joserfc.jwk import ECKey, KeySet, RSAKey

from tests.benchmarks.python.settings import ALGORITHMS, CLIENT_ID, CLIENT_SECRET, ISSUER, LIFETIME

_AUDIENCES = {algorithm: audience for audience, algorithm in ALGORITHMS.items()}
_KEYS: dict[str, Any] = {
    "ES256": ECKey.generate_key("P-256", {"alg": "ES256", "use": "sig"}, auto_kid=True),
    "RS256": RSAKey.generate_key(2048, {"alg": "RS256", "use": "sig"}, auto_kid=True),
}


class Client(ClientMixin):  # type: ignore[misc]
    """The one client; what is asked of it is what Authlib's guide has."""

    def get_client_id(self) -> str:
        return CLIENT_ID

    def get_allowed_scope(self, scope: str) -> str:
        allowed = {"read", "write"}
        return " ".join(each for each in scope.split() if each in allowed)

    def check_client_secret(self, client_secret: str) -> bool:
        return secrets.compare_digest(client_secret, CLIENT_SECRET)

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        return (method, endpoint) == ("client_secret_basic", "token")

    def check_grant_type(self, grant_type: str) -> bool:
        return bool(grant_type == "client_credentials")


class Generator(JWTBearerTokenGenerator):  # type: ignore[misc]
    def get_jwks(self) -> Any:
        return KeySet([_KEYS[self.alg]])

    def get_audiences(self, client: Client, user: None, scope: str) -> str:
        del client, user, scope
        return _AUDIENCES[self.alg]


_CLIENTS = {CLIENT_ID: Client()}


def query_client(client_id: str) -> Client | None:
    return _CLIENTS.get(client_id)


def save_token(token: dict[str, Any], request: Any) -> None:
    """Record nothing: a JWT is verified without a look-up."""


def server_for(app: Flask, algorithm: str) -> Any:
    server = AuthorizationServer(app, query_client=query_client, save_token=save_token)
    server.register_grant(ClientCredentialsGrant)
    expires = lambda _client, _grant: LIFETIME  # noqa: E731
    generator = Generator(issuer=ISSUER, alg=algorithm, expires_generator=expires)
    server.register_token_generator("default", generator)
    return server


def jwks() -> Response:
    return jsonify(keys=[key.as_dict(private=False) for key in _KEYS.values()])


application = Flask(__name__)
for name in _KEYS:
    application.add_url_rule(
        f"/{name}/token",
        name,
        partial(server_for(application, name).create_token_response),
        methods=["POST"],
    )
application.add_url_rule("/jwks", "jwks", jwks)
