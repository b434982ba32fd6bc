"""The first run: a tenant, its API and a client, each made once however often it is asked for.

Whoever is cut off half-way finds what was made, and the same form makes the rest.
"""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TypeAlias

import msgspec

from control_plane.apis.actions import create_api, list_apis
from control_plane.apis.rules import InvalidApi
from control_plane.audit.rules import Actor
from control_plane.clients.actions import first_client, register_first_client, show_client
from control_plane.clients.repository import ClientDetails
from control_plane.limits.actions import check_room
from control_plane.limits.rules import Limited, LimitReached
from control_plane.start import rules
from control_plane.start.rules import FirstUse
from control_plane.tenancy.actions import find_tenant
from control_plane.tenancy.repository import OwnTenant
from control_plane.tenants.actions import Generate, NewTenant, SlugTaken, create_tenant
from control_plane.usage.actions import list_log
from shared.runtime.config import Config
from shared.runtime.database import Database
from shared.runtime.sealing import Sealer

_LOOKED_AT = 50  # entries of the log


class Started(msgspec.Struct, frozen=True, kw_only=True):
    tenant: OwnTenant
    client_secret: str  # empty where the client was made before

    def __repr__(self) -> str:
        return f"Started({self.tenant.slug!r})"


# `set_up` with all that it takes but what is asked for
SetUp: TypeAlias = Callable[[NewTenant, Actor], Awaitable[Started]]


async def set_up(
    database: Database, config: Config, generate: Generate, new: NewTenant, by: Actor
) -> Started:
    """Make the tenant, its first API and its first client, or what of it is missing.

    Raises MalformedSlug, InvalidTenant, SlugTaken or LimitReached.
    """
    sealer = Sealer(config.master_keys)
    tenant = await _ensure_tenant(database, sealer, generate, new, by)
    apis = await list_apis(database, tenant.id)
    if not apis:
        with suppress(InvalidApi):  # another of our requests was first, with the same
            await create_api(database, sealer, tenant.id, rules.first_api(tenant.slug), by)
        apis = await list_apis(database, tenant.id)
    client = rules.first_client(apis[0].identifier)
    made = await register_first_client(database, config.secret_peppers, tenant.id, client, by)
    return Started(tenant=tenant, client_secret=made.client_secret if made else "")


async def show_first_client(database: Database, tenant: OwnTenant) -> ClientDetails | None:
    """Give the client that the tenant has had the longest."""
    client_id = await first_client(database, tenant.id)
    return None if client_id is None else await show_client(database, tenant.id, client_id)


async def show_first_use(database: Database, tenant: OwnTenant) -> FirstUse:
    return rules.first_use(await list_log(database, tenant.id, client_id=None, limit=_LOOKED_AT))


async def _ensure_tenant(
    database: Database, sealer: Sealer, generate: Generate, new: NewTenant, by: Actor
) -> OwnTenant:
    held = await find_tenant(database, new.account, new.slug)
    if held is not None:
        return held
    refusal: SlugTaken | LimitReached | None = None
    try:
        # all or nothing, but for who takes the room meanwhile: the same form then makes the rest
        await check_room(database, new.account, Limited.APIS, Limited.CLIENTS)
        await create_tenant(database, sealer, new, generate, by)
    except (SlugTaken, LimitReached) as error:  # or another of our requests was first
        refusal = error
    held = await find_tenant(database, new.account, new.slug)
    if held is None:
        raise refusal or SlugTaken(f"the slug {new.slug!r} is taken")
    return held
