"""One tenant with several clients for all of these tests, and what holds around each of them."""

import asyncio
import logging
import time
from collections.abc import Callable, Iterator

import asyncpg
import msgspec
import pytest

from control_plane.clients.actions import RegisteredClient, register_client
from control_plane.clients.rules import NewClient
from shared.runtime.config import read_config
from tests.hostile.cases import Answer, Ask, ask, exchange
from tests.support import MadeTenant, Server, make_tenant, opened

_log = logging.getLogger("tests.hostile")

_PATIENCE = 60.0  # seconds


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """What is there to be attacked."""

    server: Server
    tenant: MadeTenant
    sibling: MadeTenant  # another tenant
    other: RegisteredClient  # of the same tenant, for the same API
    guard: RegisteredClient  # of the same tenant: an API that introspects


@pytest.fixture(scope="session")
def place(server: Server) -> Place:
    async def make() -> Place:
        config = read_config(server.installation.environment(server.url))
        async with opened(server.installation.control_url) as database:
            tenant = await make_tenant(database, config)
            sibling = await make_tenant(database, config)

            async def client(new: NewClient) -> RegisteredClient:
                return await register_client(database, config.secret_peppers, tenant.tenant_id, new)

            audience = (tenant.audience,)

            return Place(
                server=server,
                tenant=tenant,
                sibling=sibling,
                other=await client(NewClient(name="other", apis=audience)),
                guard=await client(NewClient(name="guard", apis=(), serves=audience)),
            )

    return asyncio.run(make())


class Sender:
    """Sends requests to the place, counts the tokens that come back, and knows the slowest."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.tokens = 0
        self.slowest = (0.0, "")
        self.row = ""

    def __call__(self, made: Ask | bytes, *, head_only: bool = False) -> Answer:
        octets = made if isinstance(made, bytes) else made.octets()
        answer = exchange(self.place.server.url, octets, head_only=head_only)
        self.tokens += b'"access_token"' in answer.body
        self.slowest = max(self.slowest, (answer.seconds, self.row))
        return answer

    def succeeds(self) -> None:
        """Assert that the next valid request is served."""
        assert self(ask(self.place.tenant, "token")).status == 200


@pytest.fixture(scope="module")
def sender(place: Place) -> Iterator[Sender]:
    """Give the sender; in the end the ledger has the tokens that were answered, and no other."""
    made = Sender(place)
    before = asyncio.run(recorded(place))
    yield made
    end = time.monotonic() + _PATIENCE
    while (found := asyncio.run(recorded(place)) - before) < made.tokens:
        assert time.monotonic() < end, f"{found} of {made.tokens} are recorded"
        time.sleep(0.05)  # what a busy machine has spooled comes a little later
    assert found == made.tokens
    _log.info("slowest: %.1f ms in %s", made.slowest[0] * 1000, made.slowest[1])


async def recorded(place: Place) -> int:
    owner = await asyncpg.connect(place.server.installation.owner_url)
    tenants = [place.tenant.tenant_id, place.sibling.tenant_id]
    try:
        count = await owner.fetchval(
            "SELECT count(*) FROM ledger.issued WHERE tenant = ANY($1)", tenants
        )
        return int(count)
    finally:
        await owner.close()


@pytest.fixture
def send(sender: Sender, request: pytest.FixtureRequest) -> Iterator[Callable[..., Answer]]:
    """Give the sender, and assert after the row that the next valid request is served."""
    sender.row = request.node.name
    yield sender
    sender.row = "the request after it"
    sender.succeeds()
