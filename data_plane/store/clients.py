"""Clients, read one by one on first use and kept by the version of the issuer they belong to."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeAlias, TypeVar

import msgspec

from data_plane.protocol.served_issuer import ServedIssuer
from data_plane.store.pool import Pool, fetch_once
from shared.domain.bounded import keep
from shared.domain.client import AuthMethod, Client, DpopUse, GrantedApi, HeldSecret
from shared.domain.client_jwk import ClientJwk
from shared.domain.ids import ClientId, TenantId, schema_of
from shared.domain.limits import Rate
from shared.domain.static_claims import without_registered
from shared.domain.workload import MAXIMUM_ISSUER, WorkloadRule

_MAXIMUM_KEPT = 5_000  # clients of one issuer, and as many unknown ids
_MAXIMUM_CLIENT_ID = 200
_NONE: frozenset[str] = frozenset()  # an empty set is 200 bytes: one for all

# a tenant, the version of it, and the outside issuer
_WorkloadKey: TypeAlias = tuple[TenantId, int, str]
_Read = TypeVar("_Read")

_CLIENT = """
SELECT c.client_id, c.enabled, c.default_api, c.serves, c.auth_method, c.jwks_uri,
  c.legacy_assertions, c.dpop, c.claims::text, c.workloads::text, c.token_rate, c.token_burst,
  coalesce(c.jwks, '[]')::text AS jwks,
  (SELECT coalesce(json_agg(json_build_object(
     'digest', encode(s.digest, 'base64'), 'pepper_id', s.pepper_id,
     'expires_at', extract(epoch FROM s.expires_at)::bigint)), '[]')
   FROM "{schema}".client_secret s
   WHERE s.client_id = c.client_id AND (s.expires_at IS NULL OR s.expires_at > now())) AS secrets,
  (SELECT coalesce(json_agg(json_build_object(
     'identifier', a.identifier, 'scope', g.scopes, 'token_lifetime', a.token_lifetime,
     'algorithm', a.algorithm, 'profile', a.profile)), '[]')
   FROM "{schema}".client_grant g JOIN "{schema}".api a ON a.identifier = g.api
   WHERE g.client_id = c.client_id) AS apis
FROM "{schema}".client c WHERE c.client_id = $1
"""

_OF_WORKLOAD = """
SELECT client_id FROM "{schema}".client
WHERE workloads @> $1::jsonb AND enabled AND auth_method = 'workload_identity'
ORDER BY client_id
"""

_decode_secrets = msgspec.json.Decoder(tuple[HeldSecret, ...]).decode
_decode_jwks = msgspec.json.Decoder(tuple[ClientJwk, ...]).decode
_decode_workloads = msgspec.json.Decoder(tuple[WorkloadRule, ...]).decode
_decode_apis = msgspec.json.Decoder(tuple[GrantedApi, ...]).decode


class StoredClients:
    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._reading: dict[object, asyncio.Task[Any]] = {}
        self._of_workload: dict[_WorkloadKey, tuple[ClientId, ...]] = {}
        self._unknown_workloads: dict[_WorkloadKey, None] = {}  # apart, as in ServedIssuer

    async def get(self, issuer: ServedIssuer, client_id: ClientId) -> Client | None:
        """Give the client as of the issuer's version, or None where there is none."""
        held = issuer.clients.get(client_id)
        if held is not None or client_id in issuer.unknown_clients:
            return held
        if len(client_id) > _MAXIMUM_CLIENT_ID or not client_id.isascii():
            return None  # never one of ours: the database is not asked
        key = (issuer.tenant_id, issuer.snapshot.version, client_id)
        client = await self._read_once(key, lambda: self.read(issuer.tenant_id, client_id))
        if client is None:
            keep(issuer.unknown_clients, client_id, None, _MAXIMUM_KEPT)
        else:
            keep(issuer.clients, client_id, client, _MAXIMUM_KEPT)
        return client

    async def read(self, tenant: TenantId, client_id: ClientId) -> Client | None:
        """Read the client from the tenant's schema."""
        async with self._pool.tenant(tenant) as connection:
            statement = _CLIENT.format(schema=schema_of(tenant))
            rows = await fetch_once(connection, statement, client_id)
        return _client(rows[0]) if rows else None

    async def of_workload(self, issuer: ServedIssuer, workload_issuer: str) -> tuple[ClientId, ...]:
        """Name the enabled clients with a rule for it, as of the issuer's version."""
        key = (issuer.tenant_id, issuer.snapshot.version, workload_issuer)
        held = self._of_workload.get(key)
        if held is not None:
            return held
        if key in self._unknown_workloads or not _could_be_held(workload_issuer):
            return ()
        found = await self._read_once(
            ("workload", *key), lambda: self.read_of_workload(issuer.tenant_id, workload_issuer)
        )
        if found:
            keep(self._of_workload, key, found, _MAXIMUM_KEPT)
        else:
            keep(self._unknown_workloads, key, None, _MAXIMUM_KEPT)
        return found

    async def read_of_workload(
        self, tenant: TenantId, workload_issuer: str
    ) -> tuple[ClientId, ...]:
        """Read their ids from the tenant's schema."""
        wanted = msgspec.json.encode([{"issuer": workload_issuer}]).decode()
        async with self._pool.tenant(tenant) as connection:
            statement = _OF_WORKLOAD.format(schema=schema_of(tenant))
            rows = await fetch_once(connection, statement, wanted)
        return tuple(ClientId(row["client_id"]) for row in rows)

    async def _read_once(
        self, key: object, read: Callable[[], Coroutine[Any, Any, _Read]]
    ) -> _Read:
        """Read it once for all the requests that wait for it."""
        task: asyncio.Task[_Read] | None = self._reading.get(key)
        if task is None:
            task = asyncio.create_task(read())
            self._reading[key] = task
            task.add_done_callback(lambda _: self._reading.pop(key, None))
        # shielded: the one who gave up must not take the answer from the others
        return await asyncio.shield(task)


def _could_be_held(workload_issuer: str) -> bool:
    return (
        len(workload_issuer) <= MAXIMUM_ISSUER
        and workload_issuer.isascii()
        and workload_issuer.isprintable()
    )


def _client(row: Any) -> Client:
    return Client(
        client_id=ClientId(row["client_id"]),
        enabled=row["enabled"],
        secrets=_decode_secrets(row["secrets"]),
        apis=_decode_apis(row["apis"]),
        default_api=row["default_api"],
        serves=frozenset(row["serves"]) or _NONE,
        auth_method=AuthMethod(row["auth_method"]),
        jwks=_decode_jwks(row["jwks"]),
        jwks_uri=row["jwks_uri"],
        legacy_assertions=row["legacy_assertions"],
        dpop=DpopUse(row["dpop"]),
        claims=without_registered(row["claims"].encode()),
        workloads=_decode_workloads(row["workloads"]),
        rate=Rate(row["token_rate"], row["token_burst"]) if row["token_rate"] else None,
    )
