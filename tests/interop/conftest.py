"""Fixtures: the issuers that every client meets, and Node with its packages."""

import asyncio

import pytest

from shared.runtime.config import read_config
from tests.interop.issuers import KINDS, LiveIssuer
from tests.interop.node import Node, install, skip_without_node
from tests.support import Server, make_tenant, opened


@pytest.fixture(scope="session")
def issuers(server: Server) -> dict[str, LiveIssuer]:
    """One tenant of each kind, made once: a client leaves nothing behind that another would see."""
    config = read_config(server.installation.environment(server.url))

    async def make() -> dict[str, LiveIssuer]:
        async with opened(server.installation.control_url) as database:
            return {
                name: LiveIssuer(
                    tenant=await make_tenant(
                        database, config, algorithm=kind.algorithm, profile=kind.profile
                    ),
                    kind=kind,
                )
                for name, kind in KINDS.items()
            }

    return asyncio.run(make())


@pytest.fixture(params=list(KINDS))
def live(request: pytest.FixtureRequest, issuers: dict[str, LiveIssuer]) -> LiveIssuer:
    """Each kind of issuer in turn."""
    return issuers[request.param]


@pytest.fixture
def default(issuers: dict[str, LiveIssuer]) -> LiveIssuer:
    """An issuer as a newcomer makes it."""
    return issuers["ES256"]


@pytest.fixture(scope="session")
def node() -> Node:
    skip_without_node()
    install()
    return Node()
