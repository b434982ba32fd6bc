"""What a management token is asked with: a tenant, a live token of it, and a key that may."""

import httpx
import msgspec

from control_plane.management.actions import MadeApiKey
from shared.domain.management import OPERATOR, management_audience
from shared.runtime.config import Config, read_config
from tests.management import Forge, Forgery, api_key, bearer, fetch_token, forger
from tests.support import MadeTenant, Server, issued_token, make_tenant, opened, post_raw


class Scene(msgspec.Struct, frozen=True, kw_only=True):
    """A tenant of the operator's, a live token of it, and an API key that may revoke it."""

    http: httpx.AsyncClient
    config: Config
    tenant: MadeTenant
    token: str
    key: MadeApiKey
    management_token: str
    forge: Forge

    @property
    def url(self) -> str:
        return f"{self.tenant.issuer}/admin/revoke"

    @property
    def audience(self) -> str:
        return management_audience(self.config.console_url)

    def forgery(self, **changes: object) -> str:
        good = Forgery(client_id=self.key.client_id, audience=self.audience)
        return self.forge(msgspec.structs.replace(good, **changes))

    async def ask(self, token: str, body: str = "everything=true") -> httpx.Response:
        return await post_raw(self.http, self.url, body, **bearer(token))


async def set_scene(server: Server) -> Scene:
    """Make it; `http` is for a test to put in, as is its loop."""
    config = read_config(server.installation.environment(server.url))
    async with opened(server.installation.control_url) as database, httpx.AsyncClient() as http:
        tenant = await make_tenant(database, config)
        key = await api_key(database, config, OPERATOR)
        async with forger(server.installation, config) as forge:
            return Scene(
                http=http,
                config=config,
                tenant=tenant,
                token=await issued_token(http, tenant),
                key=key,
                management_token=await fetch_token(http, config, key),
                forge=forge,
            )
