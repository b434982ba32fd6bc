"""What the control plane's tests share: keys that cost little, and a tenant to change."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from control_plane.tenants import actions
from control_plane.tenants.actions import NewTenant, create_tenant
from shared.domain.ids import TenantId
from shared.domain.jwk import Algorithm
from shared.runtime.config import Config, Key, read_config
from shared.runtime.database import Database
from shared.runtime.sealing import Sealer
from tests.control_plane.console import Console, run_console
from tests.control_plane.support_app import Support, run_support
from tests.support import Installation, new_slug
from tests.valkey import RunningValkey, run_valkey

DEBIAN_POSTGRES = Path("/usr/lib/postgresql/15/bin")


@pytest.fixture(scope="session")
def settings(installation: Installation) -> Config:
    """The configuration where nothing is served."""
    return read_config(installation.environment())


@pytest.fixture(scope="session")
def sealer(settings: Config) -> Sealer:
    return Sealer(settings.master_keys)


@pytest.fixture(scope="session")
def peppers(settings: Config) -> tuple[Key, ...]:
    return settings.secret_peppers


@pytest.fixture(scope="session")
def valkey() -> Iterator[RunningValkey]:
    with run_valkey() as running:
        yield running


@pytest.fixture
def quick_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave RSA out of provisioning: it costs more than all the rest."""
    monkeypatch.setattr(actions, "_FIRST_KEYS", (Algorithm.ES256,))


@pytest.fixture
async def acme(database: Database, sealer: Sealer, quick_keys: None) -> TenantId:  # noqa: ARG001 - it acts by being there
    slug = new_slug()
    return await create_tenant(database, sealer, NewTenant(slug=slug, name=slug))


@pytest.fixture
async def console(installation: Installation, database: Database) -> AsyncIterator[Console]:
    """The console in this process, where no data plane is served."""
    async with run_console(installation, database, "http://127.0.0.1:1") as running:
        yield running


@pytest.fixture
async def support(installation: Installation, database: Database) -> AsyncIterator[Support]:
    """The support app in this process."""
    async with run_support(installation, database) as running:
        yield running
