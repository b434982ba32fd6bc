"""POST {issuer}/admin/revoke signed by an operator's key (RFC 9421): what does not count."""

import asyncio
from base64 import b64encode
from collections.abc import Iterator
from hashlib import sha512
from typing import Any

import httpx
import msgspec
import pytest

from data_plane.protocol.request_signature import COVERED
from shared.domain.jwk import Algorithm, generate_private_key
from shared.runtime.config import read_config
from shared.runtime.database import Database
from tests.conftest import run_server
from tests.management import KEYS, SignedRequest, content_digest, jwks_of
from tests.support import (
    Installation,
    MadeTenant,
    Server,
    introspect,
    issued_token,
    make_tenant,
    opened,
    post_raw,
)

_BODY = b"everything=true"
_NOTHING = b"reason=none"  # a signature that counts is answered 400


@pytest.fixture(scope="session")
def signed_server(installation: Installation) -> Iterator[Server]:
    """A data plane that knows operators' keys."""
    with run_server(installation, OPERATOR_KEYS=jwks_of(KEYS)) as running:
        yield running


class Scene(msgspec.Struct, frozen=True, kw_only=True):
    http: httpx.AsyncClient
    tenant: MadeTenant
    token: str

    @property
    def url(self) -> str:
        return f"{self.tenant.issuer}/admin/revoke"

    def signed(self, **changes: Any) -> SignedRequest:
        return SignedRequest(**({"url": self.url, "body": _BODY} | changes))

    async def send(self, headers: dict[str, str], body: bytes = _BODY) -> httpx.Response:
        return await post_raw(self.http, self.url, body, **headers)


@pytest.fixture
async def scene(http: httpx.AsyncClient, database: Database, signed_server: Server) -> Scene:
    """A scene for a test that revokes."""
    config = read_config(signed_server.installation.environment(signed_server.url))
    tenant = await make_tenant(database, config)
    token = await issued_token(http, tenant)
    return Scene(http=http, tenant=tenant, token=token)


@pytest.fixture(scope="module")
def held(signed_server: Server) -> tuple[MadeTenant, str]:
    """Make a tenant with a token that no test revokes: each asserts that it is active still."""

    async def make() -> tuple[MadeTenant, str]:
        config = read_config(signed_server.installation.environment(signed_server.url))
        async with (
            opened(signed_server.installation.control_url) as database,
            httpx.AsyncClient() as http,
        ):
            tenant = await make_tenant(database, config)
            return tenant, await issued_token(http, tenant)

    return asyncio.run(make())


@pytest.fixture
def lasting(http: httpx.AsyncClient, held: tuple[MadeTenant, str]) -> Scene:
    """A scene for tests that revoke nothing."""
    return Scene(http=http, tenant=held[0], token=held[1])


async def check_refused(scene: Scene, answer: httpx.Response) -> None:
    """Assert that one refusal is like the other, and that nothing was revoked."""
    assert (answer.status_code, answer.json()) == (
        401,
        {
            "error": "invalid_signature",
            "error_description": "the request's signature does not count here",
        },
    )
    assert answer.headers["www-authenticate"] == f'Bearer realm="{scene.tenant.issuer}"'
    assert (await introspect(scene.http, scene.tenant, scene.token)).json()["active"] is True


@pytest.mark.parametrize("kid", KEYS)
async def test_a_request_signed_by_hand_as_the_rfc_says_counts(scene: Scene, kid: str) -> None:
    answer = await scene.send(scene.signed(kid=kid).headers())
    assert answer.status_code == 200, answer.text
    assert (await introspect(scene.http, scene.tenant, scene.token)).json() == {"active": False}


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"parameters": ';alg="ecdsa-p256-sha256"'}, id="alg-of-the-key"),
        pytest.param({"parameters": ';tag="ops"'}, id="tag"),
        pytest.param({"created": -290}, id="old-but-not-too-old"),
        pytest.param({"created": 5}, id="clock-ahead"),
        pytest.param({"parameters": ";expires=99999999999"}, id="expires-later"),
        pytest.param({"covered": (*reversed(COVERED),)}, id="another-order"),
    ],
)
async def test_what_the_rfc_leaves_open_is_open(scene: Scene, changes: dict[str, Any]) -> None:
    assert (await scene.send(scene.signed(**changes).headers())).status_code == 200


_SHA_512 = f"sha-512=:{b64encode(sha512(_BODY).digest()).decode()}:"
_STRANGER = generate_private_key(Algorithm.ES256)
_WRONG = [
    *(
        pytest.param(
            {"covered": tuple(each for each in COVERED if each != left_out)},
            id=f"E-admin-not-covered-{left_out}",
        )
        for left_out in COVERED
    ),
    pytest.param({"covered": ()}, id="E-admin-nothing-covered"),
    pytest.param({"covered": (*COVERED, "@method")}, id="E-admin-covered-twice"),
    pytest.param({"method": "GET"}, id="E-admin-signed-another-method"),
    pytest.param({"method": "post"}, id="E-admin-signed-method-lower-case"),
    pytest.param({"created": -301}, id="E-admin-too-old"),
    pytest.param({"created": 20}, id="E-admin-from-the-future"),
    pytest.param({"created": None}, id="E-admin-created-missing"),
    pytest.param({"created": None, "parameters": ";created=1.5"}, id="E-admin-created-decimal"),
    pytest.param(
        {"created": None, "parameters": ";created=999999999999999"}, id="E-admin-created-huge"
    ),
    pytest.param({"parameters": ";expires=1"}, id="E-admin-expired"),
    pytest.param({"parameters": ";expires=?1"}, id="E-admin-expires-no-number"),
    pytest.param({"nonce": None}, id="E-admin-nonce-missing"),
    pytest.param({"nonce": None, "parameters": ';nonce=""'}, id="E-admin-nonce-empty"),
    pytest.param({"nonce": "n" * 201}, id="E-admin-nonce-long"),
    pytest.param({"nonce": None, "parameters": ";nonce=:AAAA:"}, id="E-admin-nonce-bytes"),
    pytest.param({"kid": "unknown", "key": _STRANGER}, id="E-admin-keyid-unknown"),
    pytest.param({"key": _STRANGER}, id="E-admin-another-key"),
    pytest.param({"key": KEYS["operator-ed"]}, id="E-admin-key-of-another-kid"),
    pytest.param({"parameters": ';alg="ed25519"'}, id="E-admin-alg-not-the-keys"),
    pytest.param({"parameters": ';alg="hmac-sha256"'}, id="E-admin-alg-hmac"),
    pytest.param({"parameters": ';odd="1"'}, id="E-admin-parameter-unknown"),
    pytest.param({"digest": content_digest(b"everything=false")}, id="E-admin-digest-of-another"),
    pytest.param({"digest": _SHA_512}, id="E-admin-digest-sha-512"),
    pytest.param({"digest": "sha-256=:AAAA:"}, id="E-admin-digest-short"),
    pytest.param({"digest": "nonsense"}, id="E-admin-digest-no-dictionary"),
    pytest.param({"url": "https://other.example/admin/revoke"}, id="E-admin-url-of-another-host"),
]


@pytest.mark.parametrize("changes", _WRONG)
async def test_a_signature_that_does_not_count_is_refused(
    lasting: Scene, changes: dict[str, Any]
) -> None:
    await check_refused(lasting, await lasting.send(lasting.signed(**changes).headers()))


async def test_the_host_header_decides_nothing(scene: Scene) -> None:
    """E-admin-host: signed for the Host that the request names, which is not as configured."""
    url = str(httpx.URL(scene.url).copy_with(port=9))
    headers = scene.signed(url=url).headers() | {"Host": "127.0.0.1:9"}
    await check_refused(scene, await scene.send(headers))
    ours = scene.signed().headers() | {"Host": "127.0.0.1:9"}
    assert (await scene.send(ours)).status_code == 200
    foreign = await scene.send(scene.signed().headers() | {"Host": "evil.example"})
    assert (foreign.status_code, foreign.json()["error"]) == (400, "invalid_request")


async def test_a_request_for_one_tenant_is_none_for_another(scene: Scene) -> None:
    """E-admin-url-of-another-tenant."""
    signed = scene.signed(url=scene.url.replace(scene.tenant.slug, "another-one"))
    await check_refused(scene, await scene.send(signed.headers()))


async def test_another_body_or_content_type_than_was_signed(scene: Scene) -> None:
    """E-admin-body-changed, E-admin-content-type-changed."""
    await check_refused(scene, await scene.send(scene.signed(body=_NOTHING).headers()))
    changed = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}
    await check_refused(scene, await scene.send(scene.signed().headers() | changed))


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"Signature": None}, id="E-admin-signature-missing"),
        pytest.param({"Signature-Input": None}, id="E-admin-input-missing"),
        pytest.param({"Signature": "sig=:AAAA:"}, id="E-admin-signature-short"),
        pytest.param({"Signature": "sig=AAAA"}, id="E-admin-signature-no-bytes"),
        pytest.param({"Signature": "other=:AAAA:"}, id="E-admin-label-differs"),
        pytest.param({"Signature-Input": "sig=("}, id="E-admin-input-open"),
        pytest.param({"Signature-Input": "sig=1"}, id="E-admin-input-no-list"),
        pytest.param({"Signature-Input": 'sig=(1 2);created=1;keyid="x"'}, id="E-admin-numbers"),
        pytest.param({"Signature-Input": "sig=()"}, id="E-admin-input-empty"),
        pytest.param({"Signature-Input": "(" * 8000}, id="E-admin-input-deep"),
        pytest.param({"Signature-Input": "Ä".encode("latin-1")}, id="E-admin-input-not-ascii"),
    ],
)
async def test_headers_that_are_no_signature(
    lasting: Scene, change: dict[str, str | bytes | None]
) -> None:
    given: dict[str, Any] = lasting.signed().headers() | change
    headers = {name: value for name, value in given.items() if value is not None}
    await check_refused(lasting, await lasting.send(headers))


async def test_two_signatures_are_not_chosen_from(scene: Scene) -> None:
    """E-admin-two-signatures."""
    one, two = scene.signed().headers(), scene.signed().headers()
    both = {
        name: f"{one[name]}, {two[name].replace('sig=', 'second=', 1)}"
        for name in ("Signature", "Signature-Input")
    }
    await check_refused(scene, await scene.send(one | both))


async def test_a_nonce_counts_once_however_many_come_at_once(scene: Scene) -> None:
    """E-admin-replay."""
    headers = scene.signed(body=_NOTHING).headers()
    answers = await asyncio.gather(*(scene.send(headers, _NOTHING) for _ in range(20)))
    told = [each.status_code for each in answers]
    heard = [each for each in told if each != 503]  # whose store a busy machine had too slow
    assert sorted(heard) == [400, *[401] * (len(heard) - 1)], told
    await check_refused(scene, await scene.send(headers, _NOTHING))


async def test_without_operator_keys_no_signature_counts(scene: Scene, server: Server) -> None:
    """E-admin-no-keys: the other server here was given none."""
    url = scene.url.replace(scene.tenant.issuer.partition("/t/")[0], server.url)
    headers = SignedRequest(url=url, body=_BODY).headers()
    answer = await post_raw(scene.http, url, _BODY, **headers)
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_signature")
