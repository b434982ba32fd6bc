"""Client authentication, RFC 6749 section 2.3: by a secret (2.3.1), or by an assertion."""

import re
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Mapping
from hmac import compare_digest
from typing import TypeAlias

import msgspec

from data_plane.protocol.client_assertion import PresentedAssertion, read_assertion
from data_plane.protocol.errors import InvalidClient, InvalidRequest
from data_plane.protocol.proved import ProvedClient
from data_plane.protocol.request_gate import Form, decode_component
from shared.domain.client import MAXIMUM_LIVE_SECRETS, AuthMethod, Client, HeldSecret
from shared.domain.ids import ClientId
from shared.domain.secret_digest import digest_secret

METHODS = ("client_secret_basic", "client_secret_post", "private_key_jwt")

_BASIC = re.compile(rb"basic (?P<credentials>[A-Za-z0-9+/=]+)", re.IGNORECASE)
_SCHEME = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110 section 5.6.2

Peppers: TypeAlias = Mapping[str, bytes]  # pepper_id -> the pepper

# Two that no secret has: the one stands in for the digests of a client that has fewer, the other
# for the digest under a pepper that was taken out of the configuration.
_NO_DIGEST = b"\xff" * 32
_NOBODYS = (HeldSecret(digest=bytes(32), pepper_id=""),) * MAXIMUM_LIVE_SECRETS
_NOBODY = Client(
    client_id=ClientId(""), enabled=False, secrets=_NOBODYS[:1], apis=(), default_api=None
)

_NO_CREDENTIALS = "client authentication is required"
_FAILED = "client authentication failed"
_TWO_WAYS = "the client uses more than one way to authenticate"
_MALFORMED = "the Authorization header is malformed"


class PresentedSecret(msgspec.Struct, frozen=True):
    client_id: ClientId
    client_secret: str

    def __repr__(self) -> str:
        return f"PresentedSecret({self.client_id!r})"


Presented: TypeAlias = PresentedSecret | PresentedAssertion


def read_client_authentication(authorization: bytes | None, form: Form) -> Presented:
    """Find out who asks and by which one method; two at once are refused (section 2.3)."""
    in_body = form.get("client_secret")
    ways = (authorization, in_body, form.get("client_assertion"))
    if sum(way is not None for way in ways) > 1:
        raise InvalidRequest(_TWO_WAYS)
    if authorization is not None:
        presented = _read_basic(authorization)
        check_one_way(presented.client_id, form)
        return presented
    return read_assertion(form) or _in_body(form.get("client_id"), in_body)


def check_one_way(client_id: ClientId, form: Form) -> None:
    """Refuse a form that says who asks in another way than the Authorization header beside it."""
    if form.get("client_secret") is not None or form.get("client_assertion") is not None:
        raise InvalidRequest(_TWO_WAYS)
    if form.get("client_id") not in {None, client_id}:
        raise InvalidRequest("client_id differs from the Authorization header's")


def authenticate(
    client: Client | None, presented: PresentedSecret, peppers: Peppers, *, now: int
) -> ProvedClient:
    """Tell who it is, or refuse in the same words and work, whatever was wrong.

    The presented secret is digested once for each pepper, and compared with as many digests as a
    client can have: how many it has, or whether there is such a client, changes neither.
    """
    digests = {name: digest_secret(presented.client_secret, each) for name, each in peppers.items()}
    held = (client or _NOBODY).secrets
    live = [each for each in held if each.expires_at is None or each.expires_at > now]
    matching = [
        each
        for each in (*live, *_NOBODYS[len(live) :])
        if compare_digest(each.digest, digests.get(each.pepper_id, _NO_DIGEST))
    ]
    if client is None or not matching or not _may_use_secrets(client):
        raise InvalidClient(_FAILED)
    used = matching[0]
    if used.expires_at is None:
        return ProvedClient(client=client, digest=used.digest)
    return ProvedClient(client=client, digest=used.digest, until=used.expires_at)


def digest_of_guess(presented: PresentedSecret, peppers: Peppers) -> bytes:
    """Recognise a wrong secret when it comes again, without keeping it."""
    return digest_secret(presented.client_secret, next(iter(peppers.values())))[:8]


def _may_use_secrets(client: Client) -> bool:
    return client.enabled and client.auth_method is AuthMethod.CLIENT_SECRET


def _in_body(client_id: str | None, client_secret: str | None) -> PresentedSecret:
    if client_id is None or client_secret is None:
        raise InvalidClient(_NO_CREDENTIALS)
    return PresentedSecret(ClientId(client_id), client_secret)


def _read_basic(authorization: bytes) -> PresentedSecret:
    scheme = _SCHEME.match(authorization)
    if scheme is not None and scheme[0].lower() != b"basic":
        raise InvalidClient(_NO_CREDENTIALS)
    match = _BASIC.fullmatch(authorization)
    if match is None:
        raise InvalidRequest(_MALFORMED)
    try:
        credentials = b64decode(match["credentials"], validate=True)
    except Base64Error:
        raise InvalidRequest(_MALFORMED) from None
    user, colon, password = credentials.partition(b":")
    if not colon or b64encode(credentials) != match["credentials"]:  # one spelling, RFC 4648 s3.5
        raise InvalidRequest(_MALFORMED)
    return PresentedSecret(ClientId(decode_component(user)), decode_component(password))
