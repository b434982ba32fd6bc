"""E1 to E9: who may introspect and revoke what, and what they learn."""

import json
import time
from secrets import token_hex

import pytest

from tests.hostile.cases import WAYS, Answer, ask, assert_house_rules, authenticate
from tests.hostile.conftest import Place, Sender
from tests.support import MadeTenant

INACTIVE = (200, b'{"active":false}')
BOTH = ("introspect", "revoke")


def issue(send: Sender, tenant: MadeTenant) -> str:
    return str(json.loads(send(ask(tenant, "token")).body)["access_token"])


def introspect(send: Sender, tenant: MadeTenant, token: str, *as_client: str) -> Answer:
    made = ask(tenant, "introspect", token=token)
    if as_client:
        authenticate(made, "basic", *as_client)
    return send(made)


def is_active(send: Sender, tenant: MadeTenant, token: str) -> bool:
    return bool(json.loads(introspect(send, tenant, token).body)["active"])


@pytest.mark.parametrize("endpoint", BOTH)
@pytest.mark.parametrize("way", ["none", *WAYS])
def test_e1_without_good_credentials_it_is_401(
    send: Sender, place: Place, endpoint: str, way: str
) -> None:
    made = ask(place.tenant, endpoint, "none", issue(send, place.tenant))
    authenticate(made, way, place.other.client_id, "as_cs_wrong")
    assert_house_rules(send(made), 401, "invalid_client", place.tenant)


@pytest.mark.parametrize("endpoint", BOTH)
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("body", ["", "token=", "token_type_hint=access_token"])
def test_e2_without_a_token_it_is_400(
    send: Sender, place: Place, endpoint: str, way: str, body: str
) -> None:
    made = ask(place.tenant, endpoint, "none")
    made.body = body.encode()
    authenticate(made, way, *place.tenant.basic)
    assert_house_rules(send(made), 400, "invalid_request", place.tenant)


@pytest.mark.parametrize("endpoint", BOTH)
@pytest.mark.parametrize("size", [17 * 1024, 8 * 1024 * 1024])
def test_e2_a_token_that_is_too_large_is_413(
    send: Sender, place: Place, endpoint: str, size: int
) -> None:
    made = ask(place.tenant, endpoint, token="x" * size)
    assert_house_rules(send(made), 413, "invalid_request", place.tenant)


@pytest.mark.parametrize("text", ["garbage", "a.b.c", "-", token_hex(300), "é"])
def test_e3_what_is_no_token_is_inactive(send: Sender, place: Place, text: str) -> None:
    answer = introspect(send, place.tenant, text)
    assert (answer.status, answer.body) == INACTIVE


def test_e3_a_revoked_token_is_inactive(send: Sender, place: Place) -> None:
    token = issue(send, place.tenant)
    assert is_active(send, place.tenant, token)
    assert send(ask(place.tenant, "revoke", token=token)).status == 200
    deadline = time.monotonic() + 5  # the other worker hears of it within a second
    while json.loads((answer := introspect(send, place.tenant, token)).body)["active"]:
        assert time.monotonic() < deadline
    assert (answer.status, answer.body) == INACTIVE


@pytest.mark.parametrize("way", WAYS)
def test_e4_a_siblings_token_is_inactive(send: Sender, place: Place, way: str) -> None:
    answer = send(ask(place.tenant, "introspect", way, issue(send, place.sibling)))
    assert (answer.status, answer.body) == INACTIVE


@pytest.mark.parametrize("endpoint", ["token", *BOTH])
@pytest.mark.parametrize("way", WAYS)
def test_e5_credentials_of_one_tenant_are_unknown_at_another(
    send: Sender, place: Place, endpoint: str, way: str
) -> None:
    ours, unknown = (ask(place.sibling, endpoint, "none") for _ in range(2))
    authenticate(ours, way, *place.tenant.basic)
    authenticate(unknown, way, "c_" + token_hex(8), "as_cs_x")
    answers = [send(ours), send(unknown)]
    for answer in answers:
        assert_house_rules(answer, 401, "invalid_client", place.sibling)
    assert answers[0].body == answers[1].body


def test_e6_a_client_sees_no_tokens_of_others_and_an_api_those_for_it(
    send: Sender, place: Place
) -> None:
    token = issue(send, place.tenant)
    other = introspect(send, place.tenant, token, place.other.client_id, place.other.client_secret)
    assert (other.status, other.body) == INACTIVE
    guard = introspect(send, place.tenant, token, place.guard.client_id, place.guard.client_secret)
    assert json.loads(guard.body)["active"] is True


def test_e7_the_client_that_is_named_is_the_tokens(send: Sender, place: Place) -> None:
    token = issue(send, place.tenant)
    guard = introspect(send, place.tenant, token, place.guard.client_id, place.guard.client_secret)
    assert json.loads(guard.body)["client_id"] == place.tenant.client.client_id


@pytest.mark.parametrize("hint", ["access_token", "refresh_token", "nonsense", ""])
@pytest.mark.parametrize("endpoint", BOTH)
def test_e8_a_hint_changes_nothing(send: Sender, place: Place, hint: str, endpoint: str) -> None:
    token = issue(send, place.tenant) if endpoint == "introspect" else "unknown"
    plain, hinted = (ask(place.tenant, endpoint, token=token) for _ in range(2))
    hinted.form(f"token_type_hint={hint}")
    assert send(plain).body == send(hinted).body


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", ["unknown", "sibling", "twice"])
def test_e9_revoking_what_is_not_ours_or_gone_is_200_and_empty(
    send: Sender, place: Place, way: str, kind: str
) -> None:
    home = place.sibling if kind == "sibling" else place.tenant
    token = "unknown" if kind == "unknown" else issue(send, home)
    for _ in range(2):
        answer = send(ask(place.tenant, "revoke", way, token))
        assert (answer.status, answer.body) == (200, b"")
        assert answer.header("cache-control") == "no-store"
    if kind == "sibling":
        assert is_active(send, place.sibling, token)


@pytest.mark.parametrize("way", WAYS)
def test_e9_another_clients_token_is_400_and_stays(send: Sender, place: Place, way: str) -> None:
    token = issue(send, place.tenant)
    made = ask(place.tenant, "revoke", "none", token)
    authenticate(made, way, place.other.client_id, place.other.client_secret)
    assert_house_rules(send(made), 400, "invalid_request", place.tenant)
    assert is_active(send, place.tenant, token)
