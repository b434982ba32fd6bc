"""A tenant's signing keys: which there are, in which states, and how they rest."""

import jwt
import msgspec
import pytest
from sqlalchemy import func
from sqlalchemy.exc import IntegrityError

from control_plane.apis.actions import create_api
from control_plane.apis.rules import NewApi
from control_plane.keys.actions import list_keys, make_signing_key, unopenable_keys
from control_plane.tenants.actions import NewTenant, create_tenant
from shared.domain.ids import Kid, TenantId
from shared.domain.jwk import Algorithm, private_key_from_der
from shared.domain.snapshot import KeyState
from shared.runtime.config import Key
from shared.runtime.database import Database
from shared.runtime.sealing import CannotOpen, Sealer
from shared.runtime.tables.tenant import signing_key
from tests.support import new_slug

_OTHER_MASTER_KEY = Key(b"o" * 32)


async def test_a_new_tenant_signs_es256_and_rs256(database: Database, sealer: Sealer) -> None:
    made = await create_tenant(database, sealer, NewTenant(slug=new_slug(), name="Acme"))
    keys = await list_keys(database, made)
    assert [(key.algorithm, key.state) for key in keys] == [
        (Algorithm.ES256, KeyState.CURRENT),
        (Algorithm.RS256, KeyState.CURRENT),
    ]
    assert all(key.current_at is not None and key.retired_at is None for key in keys)


async def test_the_first_eddsa_api_brings_a_key_that_signs_at_once(
    database: Database, sealer: Sealer, acme: TenantId
) -> None:
    new = NewApi(
        identifier="https://a.example",
        name="A",
        scopes={},
        token_lifetime=60,
        algorithm=Algorithm.EDDSA,
    )
    await create_api(database, sealer, acme, new)
    (key,) = [each for each in await list_keys(database, acme) if each.algorithm == Algorithm.EDDSA]
    assert key.state is KeyState.CURRENT
    assert key.current_at is not None


async def add_keys(
    database: Database, tenant: TenantId, algorithm: Algorithm, state: KeyState
) -> None:
    """Add two keys of a kind, as the SQL of a bug might."""
    async with database.tenant(tenant) as connection:
        for kid in ("a", "b"):
            await connection.execute(
                signing_key.insert().values(
                    kid=kid, algorithm=algorithm, state=state, jwk={}, sealed=b""
                )
            )


@pytest.mark.parametrize("state", [KeyState.CURRENT, KeyState.NEXT])
async def test_the_database_holds_one_key_of_an_algorithm_in_a_state(
    database: Database, acme: TenantId, state: KeyState
) -> None:
    with pytest.raises(IntegrityError, match="ix_signing_key_one_in_state"):
        await add_keys(database, acme, Algorithm.RS256, state)


async def test_a_tenant_may_have_many_retired_keys(database: Database, acme: TenantId) -> None:
    await add_keys(database, acme, Algorithm.ES256, KeyState.RETIRED)
    states = [key.state for key in await list_keys(database, acme)]
    assert sorted(states) == [KeyState.CURRENT, KeyState.RETIRED, KeyState.RETIRED]


async def test_private_keys_rest_sealed_for_their_tenant(
    database: Database, sealer: Sealer, acme: TenantId
) -> None:
    async with database.tenant(acme) as connection:
        rows = (await connection.execute(signing_key.select())).all()
    for row in rows:
        assert "d" not in row.jwk
        private = private_key_from_der(sealer.open(row.sealed, acme, Kid(row.kid)))
        signed = jwt.encode({}, private, algorithm=row.jwk["alg"])
        assert jwt.decode(signed, jwt.PyJWK(row.jwk), algorithms=[row.jwk["alg"]]) == {}
        with pytest.raises(CannotOpen):
            sealer.open(row.sealed, TenantId("aaaaaaaaaaaaa"), Kid(row.kid))


async def test_keys_that_no_master_key_opens_are_named(
    database: Database, sealer: Sealer, acme: TenantId
) -> None:
    kids = [key.kid for key in await list_keys(database, acme)]
    assert await unopenable_keys(database, acme, sealer) == []
    assert await unopenable_keys(database, acme, Sealer((_OTHER_MASTER_KEY,))) == kids


async def test_a_key_that_was_cut_short_counts_as_one_that_does_not_open(
    database: Database, sealer: Sealer, acme: TenantId
) -> None:
    async with database.tenant(acme) as connection:
        cut = func.substring(signing_key.c.sealed, 1, 12)
        await connection.execute(signing_key.update().values(sealed=cut))
    assert len(await unopenable_keys(database, acme, sealer)) == 1


@pytest.mark.parametrize("algorithm", Algorithm)
def test_a_new_key_is_current_and_shows_only_its_public_half(
    algorithm: Algorithm, sealer: Sealer
) -> None:
    made = make_signing_key(algorithm, TenantId("aaaaaaaaaaaaa"), sealer)
    assert made.state is KeyState.CURRENT
    assert made.jwk.alg is algorithm
    assert "d" not in msgspec.to_builtins(made.jwk)
