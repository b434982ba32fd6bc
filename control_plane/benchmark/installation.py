"""An installation to measure: its database, its bench tenant, and the server that serves both."""

import asyncio
import sys
import time
from collections.abc import Mapping
from secrets import token_hex

import asyncpg
import msgspec

from control_plane.accounts.actions import create_account, set_limits, set_plan
from control_plane.accounts.rules import LimitsChange
from control_plane.apis.actions import create_api
from control_plane.apis.rules import NewApi
from control_plane.benchmark.processes import Program
from control_plane.clients.actions import register_client
from control_plane.clients.rules import NewClient
from control_plane.tenants.actions import NewTenant, create_tenant
from shared.domain.issuer import issuer_url
from shared.domain.jwk import Algorithm
from shared.domain.limits import MAXIMUM_BURST, MAXIMUM_RATE, MAXIMUM_TOKENS, Rate
from shared.domain.plan import PlanName
from shared.runtime.config import Config, read_config
from shared.runtime.database import Database
from shared.runtime.sealing import Sealer

_LIFETIME = 3600  # seconds
_PATIENCE = 30.0  # seconds for the last records to stand in the ledger
_GLANCE = 0.05  # seconds
_QUIET = 1.0  # seconds without a new record; what was spooled is written again in less

_COUNT = "SELECT count(*) FROM ledger.issued"
_SIZE = """
SELECT coalesce(sum(pg_total_relation_size(relid)), 0)::bigint
FROM pg_partition_tree('ledger.issued')
"""
_PARTITIONS = "SELECT count(*) FROM pg_partition_tree('ledger.issued') WHERE isleaf"


class Installation(msgspec.Struct, frozen=True, kw_only=True):
    """A migrated database and the keys for it. `inherited`: what its processes' environments have
    besides, none of it ours.
    """

    owner_url: str
    control_url: str
    data_url: str
    master_key: str
    secret_pepper: str
    spool_dir: str
    inherited: Mapping[str, str]

    def environment(self, port: int, workers: int) -> dict[str, str]:
        return {
            **self.inherited,
            "DATABASE_URL": self.data_url,
            "MASTER_KEY": self.master_key,
            "SECRET_PEPPER": self.secret_pepper,
            "PUBLIC_URL": f"http://127.0.0.1:{port}",
            "BIND_ADDRESS": f"127.0.0.1:{port}",
            "WORKERS": str(workers),
            "LOG_LEVEL": "INFO",  # a line for each request, as in production
            "SPOOL_DIR": self.spool_dir,
            "DRAIN_DELAY": "0",  # no balancer has to hear of an end
        }

    def config(self, port: int) -> Config:
        """Give the control plane's view of it."""
        return read_config(self.environment(port, 1) | {"DATABASE_URL": self.control_url})


class Caller(msgspec.Struct, frozen=True, kw_only=True):
    """A client that asks for tokens of one algorithm."""

    client_id: str
    client_secret: str
    audience: str

    @property
    def basic(self) -> tuple[str, str]:
        return self.client_id, self.client_secret


class BenchTenant(msgspec.Struct, frozen=True, kw_only=True):
    slug: str
    callers: dict[Algorithm, Caller]

    @property
    def path(self) -> str:
        return f"/t/{self.slug}"


def make_bench_tenant(installation: Installation, port: int) -> BenchTenant:
    """Make the tenant that is measured, with an API and a client for each algorithm."""

    async def make(config: Config) -> BenchTenant:
        database, sealer = (
            Database(config.database_url, config.audit_keys),
            Sealer(config.master_keys),
        )
        slug = f"bench-{token_hex(4)}"
        try:
            account = await _limited_account(database)
            new_tenant = NewTenant(slug=slug, name="Bench", account=account)
            tenant = await create_tenant(database, sealer, new_tenant)
            callers = {}
            for algorithm in Algorithm:
                audience = f"https://{algorithm.value.lower()}.bench.example"
                api = NewApi(
                    identifier=audience,
                    name=algorithm.value,
                    scopes={"read": "", "write": ""},
                    token_lifetime=_LIFETIME,
                    algorithm=algorithm,
                )
                await create_api(database, sealer, tenant, api)
                new = NewClient(name=algorithm.value, apis=(audience,))
                made = await register_client(database, config.secret_peppers, tenant, new)
                callers[algorithm] = Caller(
                    client_id=made.client_id, client_secret=made.client_secret, audience=audience
                )
        finally:
            await database.close()
        return BenchTenant(slug=slug, callers=callers)

    return asyncio.run(make(installation.config(port)))


async def _limited_account(database: Database) -> str:
    """Make an account with a rate and a quota to be kept to, so wide that no request meets them."""
    account = await create_account(database, "Bench")
    await set_plan(database, account, PlanName.BUSINESS)
    wide = LimitsChange(rate=Rate(MAXIMUM_RATE, MAXIMUM_BURST), tokens=MAXIMUM_TOKENS)
    await set_limits(database, account, wide)
    return account


def data_plane(installation: Installation, port: int, workers: int, ready_path: str) -> Program:
    """The data plane as in production: `auth-service serve data`."""
    return Program(
        name="The data plane",
        # by name: the commands stand on this layer, not under it
        arguments=(sys.executable, "-m", "control_plane.cli.main", "serve", "data"),
        environment=installation.environment(port, workers),
        port=port,
        ready_path=ready_path,
    )


def issuer_of(tenant: BenchTenant, port: int) -> str:
    return issuer_url(f"http://127.0.0.1:{port}", tenant.slug)


class Ledger:
    """The ledger as its owner sees it: all tenants' rows, and what they take on disk."""

    def __init__(self, owner_url: str) -> None:
        self._url = owner_url

    def rows(self) -> int:
        return self._ask(_COUNT)

    def octets(self) -> int:
        """Give the bytes of all partitions, with their indexes."""
        return self._ask(_SIZE)

    def partitions(self) -> int:
        return self._ask(_PARTITIONS)

    def rows_once(self, expected: int) -> int:
        """Give the rows once they are as many as expected or more, or as they are after a while."""
        end = time.monotonic() + _PATIENCE
        while (rows := self.rows()) < expected and time.monotonic() < end:
            time.sleep(_GLANCE)
        return rows

    def settle(self) -> None:
        """Return once no more rows come: a token whose answer was 503 may be recorded yet."""
        before = -1
        while (rows := self.rows()) != before:
            before = rows
            time.sleep(_QUIET)

    def _ask(self, question: str) -> int:
        async def ask() -> int:
            connection = await asyncpg.connect(self._url)
            try:
                return int(await connection.fetchval(question))
            finally:
                await connection.close()

        return asyncio.run(ask())


def postgres_version(installation: Installation) -> str:
    async def ask() -> str:
        connection = await asyncpg.connect(installation.owner_url)
        try:
            return str(await connection.fetchval("SHOW server_version"))
        finally:
            await connection.close()

    return asyncio.run(ask())
