"""A client that has the secret it was registered with."""

import msgspec
import pytest

from control_plane.apis.actions import create_api
from control_plane.apis.rules import NewApi
from control_plane.clients.actions import RegisteredClient, register_client
from control_plane.clients.rules import NewClient
from control_plane.secrets.actions import (
    MadeSecret,
    add_secret,
    list_secrets,
    start_rotation,
)
from control_plane.secrets.rules import AskedSecret, KeptSecret
from shared.domain.ids import ClientId, TenantId
from shared.runtime.config import Key
from shared.runtime.database import Database
from shared.runtime.sealing import Sealer

THINGS = "https://things.example"


class Holder(msgspec.Struct, frozen=True, kw_only=True):
    """A client with what its secrets are changed with."""

    database: Database
    peppers: tuple[Key, ...]
    tenant: TenantId
    client: RegisteredClient

    @property
    def client_id(self) -> ClientId:
        return self.client.client_id

    @property
    def whose(self) -> tuple[Database, TenantId, ClientId]:
        return self.database, self.tenant, self.client_id

    async def add(self, name: str = "", expires_in: int | None = None) -> MadeSecret:
        asked = AskedSecret(name=name, expires_in=expires_in, created_by="somebody")
        return await add_secret(self.database, self.peppers, self.tenant, self.client_id, asked)

    async def start(self, overlap: int, name: str = "") -> MadeSecret:
        asked = AskedSecret(name=name)
        return await start_rotation(
            self.database, self.peppers, self.tenant, self.client_id, asked, overlap
        )

    async def held(self) -> dict[str, KeptSecret]:
        return {each.name: each for each in await list_secrets(*self.whose)}


@pytest.fixture
async def holder(
    database: Database, sealer: Sealer, acme: TenantId, peppers: tuple[Key, ...]
) -> Holder:
    new = NewApi(identifier=THINGS, name="A", scopes={"read": ""}, token_lifetime=60)
    await create_api(database, sealer, acme, new)
    client = await register_client(database, peppers, acme, NewClient(name="a", apis=(THINGS,)))
    return Holder(database=database, peppers=peppers, tenant=acme, client=client)
