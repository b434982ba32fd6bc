"""Tenants, keys, usage, logs and audit by the management API."""

from datetime import UTC, datetime

from tests.control_plane.management_api.conftest import Program, Scene
from tests.control_plane.management_api.test_clients import refused
from tests.support import new_slug


async def test_a_tenant_is_created_suspended_and_resumed(program: Program, scene: Scene) -> None:
    slug = new_slug()
    made = await program.post("/tenants", json={"slug": slug, "name": "Second"})
    assert (made.status_code, made.json()["account_id"]) == (201, scene.account)
    taken = await program.post("/tenants", json={"slug": slug, "name": "Second"})
    refused(taken, 409, "taken")
    assert (await program.post(f"/tenants/{slug}/suspend")).json()["status"] == "suspended"
    assert (await program.post(f"/tenants/{slug}/resume")).json()["status"] == "active"
    listed = (await program.get("/tenants", params={"limit": 1})).json()
    assert len(listed["items"]) == 1
    rest = (await program.get("/tenants", params={"cursor": listed["next"]})).json()
    both = [listed["items"][0]["slug"], *(each["slug"] for each in rest["items"])]
    assert both == sorted([scene.slug, slug])
    assert rest["next"] is None


async def test_what_the_plan_has_no_room_for_is_refused(program: Program) -> None:
    answers = [
        await program.post(
            "/tenants", json={"slug": new_slug(), "name": "L", "environment": "live"}
        )
        for _ in range(3)
    ]
    assert [each.status_code for each in answers] == [201, 201, 409]
    refused(answers[2], 409, "limit_reached")


async def test_keys_are_listed_rotated_and_revoked(program: Program, scene: Scene) -> None:
    keys = f"{scene.path}/keys"
    (held,) = (await program.get(keys)).json()["items"]
    assert held["state"] == "current"
    states = {each["state"] for each in (await program.post(f"{keys}/rotate")).json()["items"]}
    assert states == {"current", "next"}
    assert (await program.delete(f"{keys}/{held['kid']}")).status_code == 204
    left = (await program.get(keys)).json()["items"]
    assert held["kid"] not in {each["kid"] for each in left}
    refused(await program.delete(f"{keys}/{held['kid']}"), 404, "not_found")


async def test_tokens_are_revoked_by_client_and_all(program: Program, scene: Scene) -> None:
    revoke = f"{scene.path}/revoke-tokens"
    one = await program.post(revoke, json={"client_id": scene.client_id})
    every = await program.post(revoke, json={"everything": True})
    assert (one.status_code, every.status_code) == (204, 204)
    refused(await program.post(revoke, json={}), 400, "malformed")
    both = {"client_id": scene.client_id, "everything": True}
    refused(await program.post(revoke, json=both), 400, "malformed")
    refused(await program.post(revoke, json={"client_id": "c_none"}), 404, "not_found")


async def test_usage_logs_and_audit_are_read(program: Program, scene: Scene) -> None:
    month = f"{datetime.now(UTC):%Y-%m}"
    usage = await program.get(f"{scene.path}/usage", params={"month": month})
    assert usage.json() == {"month": month, "items": []}
    refused(await program.get(f"{scene.path}/usage", params={"month": "2026-13"}), 422, "refused")
    assert (await program.get(f"{scene.path}/logs")).json() == {"items": [], "next": None}
    refused(await program.get(f"{scene.path}/logs?cursor=x"), 400, "malformed")
    first = (await program.get(f"{scene.path}/audit", params={"limit": 2})).json()
    assert [each["action"] for each in first["items"]] == ["client.register", "api.create"]
    assert first["items"][0]["after"]["grants"] == {scene.audience: ["read", "write"]}
    rest = (await program.get(f"{scene.path}/audit", params={"cursor": first["next"]})).json()
    assert [each["action"] for each in rest["items"]] == ["tenant.create"]
    refused(await program.get(f"{scene.path}/audit?cursor=x"), 400, "malformed")
    account = (await program.get("/audit")).json()["items"]
    assert {"account.create", "tenant.create", "api_key.create"} <= {
        each["action"] for each in account
    }
