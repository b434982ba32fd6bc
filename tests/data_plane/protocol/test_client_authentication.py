"""RFC 6749 section 2.3.1, with no server and no database."""

from base64 import b64encode
from contextlib import suppress
from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_plane.protocol.client_authentication import (
    PresentedSecret,
    authenticate,
    read_client_authentication,
)
from data_plane.protocol.errors import InvalidClient, InvalidRequest, OAuthError
from data_plane.protocol.request_gate import Form
from shared.domain.client import Client, HeldSecret
from shared.domain.ids import ClientId
from shared.domain.secret_digest import digest_secret
from shared.runtime.config import Key
from shared.runtime.secrets import make_client_secret

NOW = 1_800_000_000
PEPPERS = {"new": b"n" * 32, "old": b"o" * 32}


def form(**values: str) -> Form:
    return Form(MappingProxyType(values), ())


def basic(text: str | bytes) -> bytes:
    return b"Basic " + b64encode(text if isinstance(text, bytes) else text.encode())


def held(secret: str, *, pepper: str = "new", expires_at: int | None = None) -> HeldSecret:
    return HeldSecret(
        digest=digest_secret(secret, PEPPERS[pepper]), pepper_id=pepper, expires_at=expires_at
    )


def client(*secrets: HeldSecret, enabled: bool = True) -> Client:
    return Client(
        client_id=ClientId("c_1"), enabled=enabled, secrets=secrets, apis=(), default_api=None
    )


@pytest.mark.parametrize(
    ("authorization", "expected"),
    [
        pytest.param(basic("c_1:s3cret"), ("c_1", "s3cret"), id="2.3.1"),
        pytest.param(basic("c_1:a:b"), ("c_1", "a:b"), id="colon-in-secret"),
        pytest.param(basic("c%5F1:s%2Bt+u"), ("c_1", "s+t u"), id="B5-form-encoded"),
        pytest.param(basic(":"), ("", ""), id="both-empty"),
        pytest.param(b"bAsIc " + b64encode(b"a:b"), ("a", "b"), id="B3-scheme-case"),
    ],
)
def test_basic_credentials_are_read(authorization: bytes, expected: tuple[str, str]) -> None:
    presented = read_client_authentication(authorization, form())
    assert presented == PresentedSecret(ClientId(expected[0]), expected[1])


def test_credentials_in_the_body_are_read() -> None:
    presented = read_client_authentication(None, form(client_id="c_1", client_secret="s"))
    assert presented == PresentedSecret(ClientId("c_1"), "s")


@pytest.mark.parametrize(
    "authorization",
    [
        pytest.param(b"Basic", id="B4-no-credentials"),
        pytest.param(b"Basic ", id="B4-empty"),
        pytest.param(b"Basic  " + b64encode(b"a:b"), id="B3-two-spaces"),
        pytest.param(b"Basic\t" + b64encode(b"a:b"), id="B3-tab"),
        pytest.param(b" Basic " + b64encode(b"a:b"), id="B3-leading-space"),
        pytest.param(basic("a:b") + b" extra", id="B4-extra-part"),
        pytest.param(basic("a:b") + b", " + basic("c:d"), id="B9-two-in-one"),
        pytest.param(b"Basic ???", id="B4-not-base64"),
        pytest.param(b"Basic YTpi=", id="B4-bad-padding"),
        pytest.param(b"Basic YTpiYw", id="B4-missing-padding"),
        pytest.param(basic("no colon"), id="B4-no-colon"),
        pytest.param(basic("a%zz:b"), id="B6-bad-escape"),
        pytest.param(basic(b"a\xff:b"), id="B6-not-utf8"),
        pytest.param(basic("a:b%00"), id="B10-nul"),
        pytest.param(basic("a\0:b"), id="B10-raw-nul"),
    ],
)
def test_malformed_basic_is_an_invalid_request(authorization: bytes) -> None:
    with pytest.raises(InvalidRequest):
        read_client_authentication(authorization, form())


@pytest.mark.parametrize("authorization", [b"Bearer x", b"Digest x", b"Basix YTpi", b"null"])
def test_another_scheme_is_no_authentication(authorization: bytes) -> None:
    with pytest.raises(InvalidClient, match="required"):
        read_client_authentication(authorization, form())


@pytest.mark.parametrize(
    "given_form", [form(), form(client_id="c_1"), form(client_secret="s")], ids=str
)
def test_half_credentials_are_no_authentication(given_form: Form) -> None:
    with pytest.raises(InvalidClient, match="required"):
        read_client_authentication(None, given_form)


@pytest.mark.parametrize(
    "given_form",
    [
        pytest.param(form(client_secret="s"), id="B7-secret-twice"),
        pytest.param(form(client_id="c_1", client_secret="s"), id="B7-both-methods"),
        pytest.param(form(client_id="c_2"), id="B8-another-client-id"),
    ],
)
def test_two_methods_at_once_are_refused(given_form: Form) -> None:
    with pytest.raises(InvalidRequest):
        read_client_authentication(basic("c_1:s"), given_form)


def test_the_same_client_id_in_the_body_is_fine() -> None:
    assert read_client_authentication(basic("c_1:s"), form(client_id="c_1")).client_id == "c_1"


@given(st.binary(max_size=200))
def test_any_header_is_read_or_refused(authorization: bytes) -> None:
    with suppress(OAuthError):
        assert isinstance(read_client_authentication(authorization, form()), PresentedSecret)


@pytest.mark.parametrize(
    "known",
    [
        pytest.param(client(held("right")), id="one-secret"),
        pytest.param(client(held("other"), held("right")), id="B12-second-of-two"),
        pytest.param(client(*map(held, "abcd"), held("right")), id="fifth-of-five"),
        pytest.param(client(held("right", pepper="old")), id="older-pepper"),
        pytest.param(client(held("right", expires_at=NOW + 1)), id="B12-overlap"),
    ],
)
def test_a_live_secret_proves_the_client(known: Client) -> None:
    assert (
        authenticate(known, PresentedSecret(ClientId("c_1"), "right"), PEPPERS, now=NOW).client
        is known
    )


@pytest.mark.parametrize(
    "known",
    [
        pytest.param(None, id="B2-unknown-client"),
        pytest.param(client(held("other")), id="B2-wrong-secret"),
        pytest.param(client(held("right", expires_at=NOW)), id="B12-expired"),
        pytest.param(client(held("right"), enabled=False), id="B13-disabled"),
        pytest.param(client(), id="no-secret"),
        pytest.param(
            client(HeldSecret(digest=bytes(32), pepper_id="gone")), id="pepper-not-configured"
        ),
    ],
)
def test_every_failure_has_the_same_words(known: Client | None) -> None:
    with pytest.raises(InvalidClient, match=r"^client authentication failed$"):
        authenticate(known, PresentedSecret(ClientId("c_1"), "right"), PEPPERS, now=NOW)


def test_a_secret_outlives_a_new_pepper_and_ends_with_its_own() -> None:
    old, new = Key(b"o" * 32), Key(b"n" * 32)
    before, after = make_client_secret((old,)), make_client_secret((new, old))
    known = client(before.held, after.held)

    def authenticated_by(text: str, *configured: Key) -> bytes:
        peppers = {each.key_id: each.octets for each in configured}
        presented = PresentedSecret(ClientId("c_1"), text)
        return authenticate(known, presented, peppers, now=NOW).digest

    for configured in [(new, old), (old, new)]:
        assert authenticated_by(before.text, *configured) == before.held.digest
        assert authenticated_by(after.text, *configured) == after.held.digest
    assert authenticated_by(after.text, new) == after.held.digest
    with pytest.raises(InvalidClient):
        authenticated_by(before.text, new)


def test_what_was_presented_is_not_printed() -> None:
    assert "s3cret" not in repr(PresentedSecret(ClientId("c_1"), "s3cret"))
