"""Outside issuers: their metadata names the key set, and must be their own."""

import json
import ssl
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest

from data_plane.key_sets import FetchedKeySets
from shared.domain.jwk import Algorithm, generate_private_key, public_jwk
from shared.domain.outbound_url import read_networks
from shared.runtime.outbound import Outbound
from tests.outside import Answer, Outside, outside, saying

EC = msgspec.to_builtins(public_jwk(generate_private_key(Algorithm.ES256)))
METADATA = "/.well-known/openid-configuration"


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
async def there() -> AsyncIterator[Outside]:
    async with outside() as serving:
        serving.answers["/jwks"] = saying(json.dumps({"keys": [EC]}).encode())
        yield serving


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def key_sets(clock: Clock) -> FetchedKeySets:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    return FetchedKeySets(Outbound(read_networks("127.0.0.0/8"), tls=tls).fetch_json, clock)


def metadata(there: Outside, **members: Any) -> Answer:
    document = {"issuer": there.url, "jwks_uri": f"{there.url}/jwks", "more": [1]} | members
    return saying(json.dumps(document).encode())


@pytest.mark.parametrize(
    ("path", "found_at"), [("", METADATA), ("/r/a", f"/r/a{METADATA}"), ("/r/", f"/r{METADATA}")]
)
async def test_an_issuers_keys_are_found_and_kept(
    there: Outside, key_sets: FetchedKeySets, path: str, found_at: str
) -> None:
    issuer = there.url + path
    there.answers[found_at] = metadata(there, issuer=issuer)
    for _ in range(3):
        (key,) = await key_sets.of_issuer(issuer, EC["kid"])
        assert key.kid == EC["kid"]
    assert there.paths == [found_at, "/jwks"]


@pytest.mark.parametrize(
    "members",
    [
        pytest.param({"issuer": "https://other.example"}, id="of-another"),
        pytest.param({"issuer": "<same>/"}, id="with-a-slash"),
        pytest.param({"issuer": None}, id="of-nobody"),
        pytest.param({"jwks_uri": None}, id="no-key-set"),
        pytest.param({"jwks_uri": 7}, id="key-set-number"),
        pytest.param({"jwks_uri": "http://10.0.0.1/jwks"}, id="H3-key-set-inside"),
        pytest.param({"jwks_uri": "file:///etc/passwd"}, id="H4-file"),
    ],
)
async def test_metadata_that_is_not_the_issuers_gives_no_key(
    there: Outside, key_sets: FetchedKeySets, members: dict[str, Any]
) -> None:
    if members.get("issuer") == "<same>/":
        members = {"issuer": f"{there.url}/"}
    there.answers[METADATA] = metadata(there, **members)
    assert await key_sets.of_issuer(there.url, EC["kid"]) == ()
    assert there.paths == [METADATA]


@pytest.mark.parametrize("body", [b"", b"[]", b"\xff", b'"', b"[" * 60_000, b'{"a":' * 9000])
async def test_metadata_that_cannot_be_read_gives_no_key(
    there: Outside, key_sets: FetchedKeySets, body: bytes
) -> None:
    there.answers[METADATA] = saying(body)
    assert await key_sets.of_issuer(there.url, None) == ()


async def test_an_issuer_with_a_query_is_not_asked(
    there: Outside, key_sets: FetchedKeySets
) -> None:
    for issuer in (f"{there.url}/?a=b", f"{there.url}/#f"):
        assert await key_sets.of_issuer(issuer, None) == ()
    assert there.heads == []


async def test_an_issuer_that_fails_keeps_its_keys(
    there: Outside, key_sets: FetchedKeySets, clock: Clock
) -> None:
    there.answers[METADATA] = metadata(there)
    held = await key_sets.of_issuer(there.url, None)
    there.answers[METADATA] = there.answers["/jwks"] = saying(b"", status="503 Down")
    clock.now += 7200
    assert await key_sets.of_issuer(there.url, EC["kid"]) == held != ()


async def test_an_issuer_may_move_its_key_set(
    there: Outside, key_sets: FetchedKeySets, clock: Clock
) -> None:
    there.answers[METADATA] = metadata(there)
    await key_sets.of_issuer(there.url, None)
    moved = json.dumps({"keys": [EC | {"kid": "moved"}]}).encode()
    there.answers["/moved"] = saying(moved)
    there.answers[METADATA] = metadata(there, jwks_uri=f"{there.url}/moved")
    clock.now += 3600
    (key,) = await key_sets.of_issuer(there.url, "moved")
    assert key.kid == "moved"
