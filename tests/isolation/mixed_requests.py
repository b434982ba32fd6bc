"""Ten kinds of request, made from a number, and what each answer must say of its own tenant."""

from collections.abc import Callable
from urllib.parse import urlencode, urlsplit

import jwt
import msgspec

from tests.support import MadeTenant, basic_header


class Member(msgspec.Struct, frozen=True, kw_only=True):
    """A tenant among the others."""

    tenant: MadeTenant
    kept: str  # a token that nobody may revoke
    revoked: str  # a token that is revoked again and again
    keys: jwt.PyJWKSet


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    status: int
    body: bytes

    def says(self) -> dict[str, object]:
        said: dict[str, object] = msgspec.json.decode(self.body)
        return said


class Kind(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked of a member, of which the other is a neighbour, and what is right."""

    octets: Callable[[Member, Member], bytes]
    is_right: Callable[[Member, Answer], bool]


def get(path: str) -> Callable[[Member, Member], bytes]:
    def octets(member: Member, _: Member) -> bytes:
        place = f"{urlsplit(member.tenant.issuer).path}/{path}"
        return f"GET {place} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode()

    return octets


def post(member: Member, endpoint: str, basic: tuple[str, str], token: str = "") -> bytes:
    body = urlencode({"grant_type": "client_credentials", "token": token}).encode()
    headers = {
        **basic_header(*basic),
        "Host": "127.0.0.1",
        "Content-Type": "application/x-www-form-urlencoded",
        "Content-Length": str(len(body)),
    }
    place = f"{urlsplit(member.tenant.issuer).path}/oauth/{endpoint}"
    lines = [f"POST {place} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + body


def wrong(member: Member) -> tuple[str, str]:
    client_id, secret = member.tenant.basic
    return client_id, secret[::-1]


def is_own_token(member: Member, answer: Answer) -> bool:
    """Tell whether it is a token that verifies with this tenant's keys, and names it alone."""
    if answer.status != 200:
        return False
    token = str(answer.says()["access_token"])
    tenant = member.tenant
    try:
        key = member.keys[jwt.get_unverified_header(token)["kid"]]
        claims = jwt.decode(
            token, key, [key.algorithm_name], audience=tenant.audience, issuer=tenant.issuer
        )
    except (jwt.PyJWTError, KeyError):
        return False
    return bool(claims["client_id"] == claims["sub"] == tenant.client.client_id)


def is_own_active(member: Member, answer: Answer) -> bool:
    tenant = member.tenant
    said = answer.says()
    wanted = {
        "active": True,
        "iss": tenant.issuer,
        "aud": tenant.audience,
        "client_id": tenant.client.client_id,
    }
    return answer.status == 200 and wanted.items() <= said.items()


def is_own_key_set(member: Member, answer: Answer) -> bool:
    keys = jwt.PyJWKSet.from_json(answer.body.decode()).keys
    return {each.key_id for each in keys} == {each.key_id for each in member.keys.keys}


KINDS = {
    "token": Kind(
        octets=lambda own, _: post(own, "token", own.tenant.basic), is_right=is_own_token
    ),
    "introspect own": Kind(
        octets=lambda own, _: post(own, "introspect", own.tenant.basic, own.kept),
        is_right=is_own_active,
    ),
    "introspect foreign": Kind(
        octets=lambda own, other: post(own, "introspect", own.tenant.basic, other.kept),
        is_right=lambda _, answer: (answer.status, answer.body) == (200, b'{"active":false}'),
    ),
    "revoke own": Kind(
        octets=lambda own, _: post(own, "revoke", own.tenant.basic, own.revoked),
        is_right=lambda _, answer: answer.status == 200,
    ),
    "revoke foreign": Kind(
        octets=lambda own, other: post(own, "revoke", own.tenant.basic, other.kept),
        is_right=lambda _, answer: answer.status == 200,
    ),
    "wrong secret": Kind(
        octets=lambda own, _: post(own, "token", wrong(own)),
        is_right=lambda _, answer: answer.status == 401,
    ),
    "token with foreign credentials": Kind(
        octets=lambda own, other: post(own, "token", other.tenant.basic),
        is_right=lambda _, answer: answer.status == 401,
    ),
    "introspect with foreign credentials": Kind(
        octets=lambda own, other: post(own, "introspect", other.tenant.basic, other.kept),
        is_right=lambda _, answer: answer.status == 401,
    ),
    "key set": Kind(octets=get(".well-known/jwks.json"), is_right=is_own_key_set),
    "metadata": Kind(
        octets=get(".well-known/openid-configuration"),
        is_right=lambda own, answer: answer.says()["issuer"] == own.tenant.issuer,
    ),
}
