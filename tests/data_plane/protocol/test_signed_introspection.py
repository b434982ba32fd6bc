"""Who is answered by a JWT: the Accept header, RFC 9110 section 12.5.1."""

import pytest

from data_plane.protocol.signed_introspection import wants_jwt

JWT = "application/token-introspection+jwt"


@pytest.mark.parametrize(
    "accept",
    [
        JWT,
        JWT.upper(),
        f"{JWT};q=0.1",
        f"{JWT} ; Q=1.000",
        f"{JWT}, application/json",
        f"application/json;q=0.9, {JWT}",
        f"text/html,, {JWT};q=0.8, */*;q=0.5",
        f"application/json;q=0, {JWT};q=0.1",
        f"{JWT};q=0.5, application/json;q=0.4, */*",
    ],
)
def test_a_caller_that_names_the_jwt_first_gets_it(accept: str) -> None:
    assert wants_jwt([(b"accept", accept.encode())])


@pytest.mark.parametrize(
    "accept",
    [
        "",
        "*/*",
        "application/*",
        "application/json",
        "application/jwt",
        f"{JWT};q=0",
        f"{JWT};q=0.000",
        f"{JWT};q=2",
        f"{JWT};q=nan",
        f"{JWT};q=-1",
        f"{JWT};q=",
        f"application/json, {JWT};q=0.9",
        f"{JWT};q=0.5, */*",
        f"{JWT}x",
    ],
)
def test_every_other_caller_gets_json(accept: str) -> None:
    assert not wants_jwt([(b"accept", accept.encode())])


def test_several_headers_are_one_list_and_none_is_json() -> None:
    assert wants_jwt([(b"accept", b"application/json;q=0.5"), (b"accept", JWT.encode())])
    assert not wants_jwt([(b"accept", JWT.encode() + b";q=0.5"), (b"accept", b"application/json")])
    assert not wants_jwt([])
