"""Clients, secrets and APIs by the management API: what the console and the commands do."""

from typing import Any

import httpx

from control_plane.audit.actions import list_events
from control_plane.audit.repository import Sought
from control_plane.audit.rules import TENANT, ActorKind, Chain
from tests.control_plane.management_api.conftest import Program, Scene


def refused(answer: httpx.Response, status: int, code: str) -> str:
    """Check the problem document, and give what it says."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["cache-control"] == "no-store"
    problem: dict[str, Any] = answer.json()
    assert problem.keys() == {"type", "title", "status", "code", "detail"}
    assert (problem["status"], problem["code"]) == (status, code)
    return str(problem["detail"])


async def test_a_client_from_its_registration_to_its_end(program: Program, scene: Scene) -> None:
    clients = f"{scene.path}/clients"
    made = await program.post(clients, json={"name": "worker", "apis": [scene.audience]})
    assert made.status_code == 201, made.text
    assert made.json()["client_secret"].startswith("as_cs_")
    assert made.headers["cache-control"] == "no-store"
    one = f"{clients}/{made.json()['client_id']}"
    shown = (await program.get(one)).json()
    assert shown["grants"] == {scene.audience: ["read", "write"]}
    assert "as_cs_" not in str(shown)
    change = {"name": "renamed", "apis": [scene.audience], "scopes": ["read"]}
    changed = (await program.patch(one, json=change)).json()
    assert changed["client"]["name"] == "renamed"
    assert changed["grants"] == {scene.audience: ["read"]}
    assert (await program.post(f"{one}/disable")).json()["client"]["enabled"] is False
    assert (await program.post(f"{one}/enable")).json()["client"]["enabled"] is True
    assert (await program.delete(one)).status_code == 204
    refused(await program.get(one), 404, "not_found")
    refused(await program.delete(one), 404, "not_found")


async def test_secrets_are_added_rotated_and_ended(program: Program, scene: Scene) -> None:
    one = f"{scene.path}/clients/{scene.client_id}"
    added = await program.post(f"{one}/secrets", json={"name": "second", "expires_in": 86400})
    assert (added.status_code, added.json()["name"]) == (201, "second")
    assert (await program.delete(f"{one}/secrets/second")).status_code == 204
    rotated = await program.post(f"{one}/rotate-secret", json={"name": "third", "overlap": 3600})
    assert rotated.json()["client_secret"].startswith("as_cs_")
    assert "finish or cancel it first" in refused(
        await program.post(f"{one}/rotate-secret", json={}), 422, "refused"
    )
    ended = await program.post(f"{one}/rotate-secret/finish")
    assert ended.json() == {"ended": ["first"]}
    left = (await program.get(f"{one}/secrets")).json()["items"]
    assert [each["name"] for each in left] == ["third"]
    assert "last live secret" in refused(
        await program.delete(f"{one}/secrets/third"), 422, "refused"
    )
    refused(await program.delete(f"{one}/secrets/none"), 404, "not_found")
    again = await program.post(f"{one}/rotate-secret", json={"name": "fourth"})
    assert again.status_code == 201
    cancelled = await program.post(f"{one}/rotate-secret/cancel")
    assert cancelled.json() == {"ended": ["fourth"]}


async def test_an_api_is_created_changed_and_deleted(program: Program, scene: Scene) -> None:
    apis, identifier = f"{scene.path}/apis", "https://other.example/v1?x=1"
    new = {"identifier": identifier, "name": "O", "scopes": {"a": "An a"}, "token_lifetime": 60}
    assert (await program.post(apis, json=new)).json()["scopes"] == {"a": "An a"}
    assert "there is an API" in refused(await program.post(apis, json=new), 422, "refused")
    asked = {"identifier": identifier}
    changed = await program.patch(apis, params=asked, json={"token_lifetime": 120})
    assert changed.json()["token_lifetime"] == 120
    listed = (await program.get(apis)).json()
    assert [each["identifier"] for each in listed["items"]] == [scene.audience, identifier]
    assert (await program.delete(apis, params=asked)).status_code == 204
    refused(await program.delete(apis, params=asked), 404, "not_found")
    used = await program.delete(apis, params={"identifier": scene.audience})
    assert "clients may ask for the API" in refused(used, 422, "refused")


async def test_lists_are_cut_into_pages(program: Program, scene: Scene) -> None:
    clients = f"{scene.path}/clients"
    for number in range(2):
        new = {"name": f"n {number}", "apis": [scene.audience]}
        assert (await program.post(clients, json=new)).status_code == 201
    seen: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page = (await program.get(clients, params={"limit": 2, "cursor": cursor})).json()
        seen += [each["client_id"] for each in page["items"]]
        cursor = page["next"]
    assert len(seen) == 3
    assert seen == sorted(set(seen))
    assert scene.client_id in seen


async def test_a_body_that_cannot_be_read_is_said_to_be_so(program: Program, scene: Scene) -> None:
    for body, words in (
        (b"{", ""),
        (b"[]", ""),
        (b'{"apis":[]}', "name"),
        (b'{"name":1,"apis":[]}', "name"),
        (b'{"name":"x","apis":[],"admin":true}', "admin"),
    ):
        answer = await program.post(f"{scene.path}/clients", content=body)
        assert words in refused(answer, 400, "malformed")


async def test_what_the_rules_refuse_is_said_in_their_words(program: Program, scene: Scene) -> None:
    new = {"name": "x", "apis": ["https://no.example"]}
    answer = await program.post(f"{scene.path}/clients", json=new)
    assert "there is no API" in refused(answer, 422, "refused")
    refused(await program.get(f"{scene.path}/clients?limit=101"), 400, "malformed")
    refused(await program.put(f"{scene.path}/clients"), 405, "method_not_allowed")
    refused(await program.get("/no-such-thing"), 404, "not_found")


async def test_the_key_stands_in_the_log_for_what_it_did(program: Program, scene: Scene) -> None:
    new = {"name": "worker", "apis": [scene.audience]}
    await program.post(f"{scene.path}/clients", json=new, headers={"X-Request-Id": "r-7"})
    (found,) = await list_events(
        scene.database, Chain(TENANT, scene.tenant), Sought(), before=2**62, limit=1
    )
    assert (found.action, found.actor_kind) == ("client.register", ActorKind.API_KEY)
    assert (found.request_id, bool(found.address)) == ("r-7", True)
    assert found.actor_id.startswith("c_")


async def test_what_is_malformed_within_a_member_is_refused(program: Program, scene: Scene) -> None:
    given = {"name": "", "apis": [], "auth_method": "client_secret", "keys": [None, None]}
    for keys in ([None, None], [], [1], {"jwks": [None]}, {"jwks": 1}, 7, "x"):
        answer = await program.post(f"{scene.path}/clients", json=given | {"keys": keys})
        refused(answer, 400, "malformed")
