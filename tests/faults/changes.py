"""Changes of a tenant's configuration, each with the question that shows who has seen it."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeAlias

import httpx
import msgspec

from control_plane.apis.actions import create_api
from control_plane.apis.rules import NewApi
from control_plane.clients.actions import disable_client, enable_client
from control_plane.secrets.actions import start_rotation
from control_plane.secrets.rules import AskedSecret
from control_plane.tenants.actions import resume_tenant, suspend_tenant
from control_plane.tenants.deletion import delete_tenant
from data_plane.protocol.revocation import Revocation, RevocationKind
from data_plane.store.revoked import StoredRevocations
from shared.domain.jwk import Algorithm
from shared.runtime.config import Config
from shared.runtime.database import Database
from shared.runtime.sealing import Sealer
from tests.faults.load import claim_of
from tests.isolation.patient_pool import opened_pool
from tests.support import (
    Installation,
    MadeTenant,
    ask_token,
    introspect,
    issued_token,
    make_tenant,
    new_slug,
)

_PATIENCE = 60.0  # seconds
_PAUSE = 0.005  # seconds between questions


class Stage(msgspec.Struct, frozen=True, kw_only=True):
    """Where changes are made, and a tenant of their own.

    The tenant's issuer is a path here, so that one question can be put to several servers.
    """

    url: str
    installation: Installation
    database: Database
    config: Config
    tenant: MadeTenant

    @property
    def sealer(self) -> Sealer:
        return Sealer(self.config.master_keys)


Act: TypeAlias = Callable[[], Awaitable[object]]
Question: TypeAlias = Callable[[httpx.AsyncClient], Awaitable[bool]]


class Change(msgspec.Struct, frozen=True):
    act: Act
    seen: Question  # does the worker that answers this connection know of it?


Prepare: TypeAlias = Callable[[Stage], Awaitable[Change]]


async def all_answer(lines: list[httpx.AsyncClient], seen: Question, *, expected: bool) -> bool:
    """Ask each worker until one answers otherwise."""
    for line in lines:
        if await seen(line) is not expected:
            return False
    return True


async def until_all_see(lines: list[httpx.AsyncClient], seen: Question) -> float:
    """Ask until each worker has seen it; give the seconds to the last answer that had not."""
    start = last = time.monotonic()
    while not await all_answer(lines, seen, expected=True):
        last = time.monotonic()
        assert last - start < _PATIENCE, "a worker never sees it"
        await asyncio.sleep(_PAUSE)
    return last - start


def token_status(stage: Stage, status: int) -> Question:
    async def seen(http: httpx.AsyncClient) -> bool:
        return (await ask_token(http, stage.tenant)).status_code == status

    return seen


def document_status(issuer: str, status: int) -> Question:
    async def seen(http: httpx.AsyncClient) -> bool:
        return (await http.get(f"{issuer}/.well-known/jwks.json")).status_code == status

    return seen


async def new_token(stage: Stage) -> str:
    async with httpx.AsyncClient(base_url=stage.url, timeout=_PATIENCE) as http:
        return await issued_token(http, stage.tenant)


def inactive(stage: Stage, token: str) -> Question:
    async def seen(http: httpx.AsyncClient) -> bool:
        return bool((await introspect(http, stage.tenant, token)).json() == {"active": False})

    return seen


async def token_revoked(stage: Stage) -> Change:
    token = await new_token(stage)

    async def act() -> None:
        url = f"{stage.tenant.issuer}/oauth/revoke"
        async with httpx.AsyncClient(base_url=stage.url, timeout=_PATIENCE) as http:
            answer = await http.post(url, data={"token": token}, auth=stage.tenant.basic)
        assert answer.status_code == httpx.codes.OK, answer.text

    return Change(act, inactive(stage, token))


async def token_revoked_elsewhere(stage: Stage) -> Change:
    """As another replica does it: no worker of ours has a hand in it."""
    token = await new_token(stage)

    async def act() -> None:
        now = int(time.time())
        revocation = Revocation(
            kind=RevocationKind.TOKEN,
            subject=claim_of(token, "jti"),
            not_before=now,
            expires_at=now + 3600,
        )
        async with opened_pool(stage.installation.data_url) as pool:
            await StoredRevocations(pool).add(stage.tenant.tenant_id, revocation)

    return Change(act, inactive(stage, token))


async def client_disabled(stage: Stage) -> Change:
    async def act() -> None:
        await disable_client(stage.database, stage.tenant.tenant_id, stage.tenant.client.client_id)

    return Change(act, token_status(stage, httpx.codes.UNAUTHORIZED))


async def client_enabled(stage: Stage) -> Change:
    await (await client_disabled(stage)).act()

    async def act() -> None:
        await enable_client(stage.database, stage.tenant.tenant_id, stage.tenant.client.client_id)

    return Change(act, token_status(stage, httpx.codes.OK))


async def tenant_suspended(stage: Stage) -> Change:
    async def act() -> None:
        await suspend_tenant(stage.database, stage.tenant.slug)

    return Change(act, token_status(stage, httpx.codes.UNAUTHORIZED))


async def tenant_resumed(stage: Stage) -> Change:
    await suspend_tenant(stage.database, stage.tenant.slug)

    async def act() -> None:
        await resume_tenant(stage.database, stage.tenant.slug)

    return Change(act, token_status(stage, httpx.codes.OK))


async def tenant_deleted(stage: Stage) -> Change:
    async def act() -> None:
        await delete_tenant(stage.database, stage.tenant.slug)

    return Change(act, document_status(stage.tenant.issuer, httpx.codes.NOT_FOUND))


async def tenant_created(stage: Stage) -> Change:
    """Its slug has been asked for before, and every worker knows that there is no such tenant."""
    slug = new_slug()

    async def act() -> None:
        await make_tenant(stage.database, stage.config, slug=slug)

    issuer = stage.tenant.issuer.replace(stage.tenant.slug, slug)
    return Change(act, document_status(issuer, httpx.codes.OK))


async def secret_rotated(stage: Stage) -> Change:
    async def act() -> None:
        await start_rotation(
            stage.database,
            stage.config.secret_peppers,
            stage.tenant.tenant_id,
            stage.tenant.client.client_id,
            AskedSecret(),
            0,
        )

    return Change(act, token_status(stage, httpx.codes.UNAUTHORIZED))


async def api_with_a_new_key_created(stage: Stage) -> Change:
    async def act() -> None:
        new = NewApi(
            identifier="https://new.example",
            name="New",
            scopes={"fresh": ""},
            token_lifetime=60,
            algorithm=Algorithm.EDDSA,
        )
        await create_api(stage.database, stage.sealer, stage.tenant.tenant_id, new)

    async def seen(http: httpx.AsyncClient) -> bool:
        documents = [
            (await http.get(f"{stage.tenant.issuer}/.well-known/{path}")).text
            for path in ("jwks.json", "openid-configuration")
        ]
        return "EdDSA" in documents[0] and "fresh" in documents[1]

    return Change(act, seen)


CHANGES: tuple[Prepare, ...] = (
    token_revoked_elsewhere,
    client_disabled,
    client_enabled,
    tenant_suspended,
    tenant_resumed,
    tenant_deleted,
    tenant_created,
    secret_rotated,
    api_with_a_new_key_created,
)
