"""D5, D6, D9 and F7: kids and keys of nobody, of another tenant, and of a slug's former owner."""

import asyncio
import json
from base64 import urlsafe_b64encode
from secrets import token_hex
from urllib.parse import urlsplit

import asyncpg
import httpx
import jwt
import pytest

from control_plane.benchmark.generator import Job, drive
from control_plane.benchmark.requests import post
from control_plane.tenants.deletion import delete_tenant
from shared.runtime.config import Config
from shared.runtime.database import Database
from tests.support import MadeTenant, Server, ask_token, introspect, issued_token, make_tenant

_UNKNOWN_KIDS = 10_000
_AT_ONCE = 20


def with_header(token: str, **members: object) -> str:
    """Change the header and leave the signature: enough for what is refused before it."""
    header = jwt.get_unverified_header(token) | members
    encoded = urlsafe_b64encode(json.dumps(header).encode()).rstrip(b"=").decode()
    return ".".join([encoded, *token.split(".")[1:]])


def introspections(tenant: MadeTenant, token: str, count: int) -> Job:
    """Ask of the token under so many kids: by what sends quickly, since they are many."""
    parts = urlsplit(tenant.issuer)
    assert parts.port is not None
    path, port = f"{parts.path}/oauth/introspect", parts.port
    requests = [
        post(port, path, tenant.basic, {"token": with_header(token, kid=token_hex(16))})
        for _ in range(count)
    ]
    return Job(port=port, requests=requests, count=count, kept=count, connections=_AT_ONCE)


async def counted(server: Server) -> int:
    """Count the look-ups of clients, by the transactions of the database."""
    owner = await asyncpg.connect(server.installation.owner_url)
    try:
        return int(
            await owner.fetchval(
                "SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()"
            )
        )
    finally:
        await owner.close()


@pytest.mark.parametrize(
    "kid",
    ["../../etc/passwd", "' OR 1=1 --", "\0", "x" * 5_000, ["a"], {"a": 1}, 7, None, True, ""],
    ids=["path", "sql", "nul", "long", "list", "object", "number", "null", "bool", "empty"],
)
async def test_d5_a_hostile_kid_is_inactive(
    http: httpx.AsyncClient, tenant: MadeTenant, kid: object
) -> None:
    token = await issued_token(http, tenant)
    answer = await introspect(http, tenant, with_header(token, kid=kid))
    assert (answer.status_code, answer.json()) == (200, {"active": False})
    assert (await introspect(http, tenant, token)).json()["active"] is True


async def test_d5_d9_another_tenants_kid_and_key_are_unknown_here(
    http: httpx.AsyncClient, tenant: MadeTenant, database: Database, config: Config
) -> None:
    other = await make_tenant(database, config)
    ours, theirs = [await issued_token(http, each) for each in (tenant, other)]
    their_kid = jwt.get_unverified_header(theirs)["kid"]
    for forged in (theirs, with_header(ours, kid=their_kid)):
        assert (await introspect(http, tenant, forged)).json() == {"active": False}
    kids = [
        {key["kid"] for key in (await http.get(url)).json()["keys"]}
        for url in (f"{each.issuer}/.well-known/jwks.json" for each in (tenant, other))
    ]
    assert kids[0].isdisjoint(kids[1])


async def test_d6_ten_thousand_unknown_kids_ask_nobody_and_push_nothing_out(
    http: httpx.AsyncClient, server: Server, tenant: MadeTenant
) -> None:
    token = await issued_token(http, tenant)
    before = await counted(server)
    load = await drive(introspections(tenant, token, _UNKNOWN_KIDS))
    assert load.statuses == {200: _UNKNOWN_KIDS}
    assert all(each.endswith(b'{"active":false}') for each in load.kept)
    assert len(load.kept) == _UNKNOWN_KIDS
    assert (await introspect(http, tenant, token)).json()["active"] is True
    # others' tests go on beside this one, and the workers poll; a query a request would show
    assert await counted(server) - before < _UNKNOWN_KIDS


async def test_f7_the_next_owner_of_a_slug_has_other_keys_and_no_old_tokens(
    http: httpx.AsyncClient, server: Server, tenant: MadeTenant, database: Database, config: Config
) -> None:
    old = await issued_token(http, tenant)
    await delete_tenant(database, tenant.slug)
    owner = await asyncpg.connect(server.installation.owner_url)
    await owner.execute(
        "UPDATE control.tenant SET deleted_at = now() - interval '91 days' WHERE id = $1",
        tenant.tenant_id,
    )
    await owner.close()
    heir = await make_tenant(database, config, slug=tenant.slug)
    assert heir.issuer == tenant.issuer
    assert heir.tenant_id != tenant.tenant_id
    async with asyncio.timeout(60):  # each worker hears of it
        while (answer := await ask_token(http, heir)).status_code != httpx.codes.OK:
            await asyncio.sleep(0.05)
    assert (await introspect(http, heir, old)).json() == {"active": False}
    old_kid = jwt.get_unverified_header(old)["kid"]
    keys = (await http.get(f"{heir.issuer}/.well-known/jwks.json")).json()["keys"]
    assert old_kid not in {key["kid"] for key in keys}
    assert jwt.get_unverified_header(answer.json()["access_token"])["kid"] != old_kid
    former = await http.post(
        heir.token_endpoint, data={"grant_type": "client_credentials"}, auth=tenant.basic
    )
    assert former.status_code == httpx.codes.UNAUTHORIZED
