"""Something for each kind of page to show: a client that proves itself in each way, an API key."""

from control_plane.clients.actions import register_client
from control_plane.clients.rules import ClientKeys, NewClient
from control_plane.management.actions import create_api_key
from control_plane.management.rules import NewApiKey
from shared.domain.client import AuthMethod
from shared.domain.ids import TenantId
from shared.runtime.config import Config
from shared.runtime.database import Database

_KEYS = {AuthMethod.PRIVATE_KEY_JWT: ClientKeys(jwks_uri="https://client.example/jwks")}


async def add_one_of_each(
    database: Database, config: Config, account: str, tenant: TenantId, audience: str, name: str
) -> None:
    for method in AuthMethod:
        client = NewClient(name=name, apis=(audience,), auth_method=method, keys=_KEYS.get(method))
        await register_client(database, config.secret_peppers, tenant, client)
    key = NewApiKey(account=account, name=name, scopes=frozenset({"read:tenants"}))
    await create_api_key(database, config, key)
