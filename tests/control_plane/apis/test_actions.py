"""Creating APIs on a real database."""

import asyncio

import pytest

from control_plane.apis.actions import create_api, list_apis
from control_plane.apis.rules import InvalidApi, NewApi
from control_plane.keys.actions import list_keys
from control_plane.publishing.snapshots import UnknownTenant
from shared.domain.client import TokenProfile
from shared.domain.ids import TenantId
from shared.domain.jwk import Algorithm
from shared.runtime.database import Database
from shared.runtime.sealing import Sealer


def new_api(identifier: str = "https://api.example", **changes: object) -> NewApi:
    given: dict[str, object] = {
        "identifier": identifier,
        "name": "Things",
        "scopes": {"read": "Läs \"things\" 'now'; --"},
        "token_lifetime": 600,
    }
    return NewApi(**(given | changes))  # type: ignore[arg-type]


async def test_an_api_is_listed_as_it_was_made(
    database: Database, sealer: Sealer, acme: TenantId
) -> None:
    made = new_api(profile=TokenProfile.JWT)
    await create_api(database, sealer, acme, made)
    (found,) = await list_apis(database, acme)
    assert (found.identifier, found.name, found.scopes) == (made.identifier, made.name, made.scopes)
    assert (found.token_lifetime, found.algorithm) == (600, Algorithm.ES256)
    assert found.profile is TokenProfile.JWT


async def test_an_identifier_is_taken_once_in_a_tenant(
    database: Database, sealer: Sealer, acme: TenantId
) -> None:
    await create_api(database, sealer, acme, new_api())
    with pytest.raises(InvalidApi, match=r"https://api\.example already"):
        await create_api(database, sealer, acme, new_api(name="Another"))
    (kept,) = await list_apis(database, acme)
    assert kept.name == "Things"


async def test_an_api_made_twice_at_once_is_made_once(
    database: Database, sealer: Sealer, acme: TenantId
) -> None:
    outcomes = await asyncio.gather(
        *(create_api(database, sealer, acme, new_api()) for _ in range(4)), return_exceptions=True
    )
    assert outcomes.count(None) == 1
    assert sum(isinstance(each, InvalidApi) for each in outcomes) == 3


async def test_the_first_api_of_an_algorithm_brings_its_key_and_the_second_none(
    database: Database, sealer: Sealer, acme: TenantId
) -> None:
    for number in range(2):
        made = new_api(f"https://{number}.example", algorithm=Algorithm.EDDSA)
        await create_api(database, sealer, acme, made)
        keys = await list_keys(database, acme)
        assert [key.algorithm for key in keys] == [Algorithm.ES256, Algorithm.EDDSA]


async def test_first_apis_of_an_algorithm_made_at_once_share_one_key(
    database: Database, sealer: Sealer, acme: TenantId
) -> None:
    await asyncio.gather(
        *(
            create_api(
                database, sealer, acme, new_api(f"https://{n}.example", algorithm=Algorithm.EDDSA)
            )
            for n in range(4)
        )
    )
    keys = await list_keys(database, acme)
    assert [key.algorithm for key in keys].count(Algorithm.EDDSA) == 1


async def test_a_tenant_that_is_not_there_gets_no_api(database: Database, sealer: Sealer) -> None:
    with pytest.raises(UnknownTenant):
        await create_api(database, sealer, TenantId("aaaaaaaaaaaaa"), new_api())


async def test_a_malformed_api_is_refused_before_the_database_is_asked(sealer: Sealer) -> None:
    unreachable = Database("postgresql://nobody@127.0.0.1:1/none")
    with pytest.raises(InvalidApi):
        await create_api(unreachable, sealer, TenantId("aaaaaaaaaaaaa"), new_api("no-uri"))
