"""Every store method has a twin: called for a second tenant, it sees and changes nothing of A.

The methods are found, not listed, so a new one fails here until twins.py has its twin.
"""

from types import ModuleType

import asyncpg
import pytest
from sqlalchemy.exc import DBAPIError

from control_plane.clients.repository import list_clients
from control_plane.keys.repository import list_keys
from data_plane.store.revoked import revocations_since
from tests.isolation.calls import FROM_THE_FIRST, NO_CLIENT, Twin
from tests.isolation.patient_pool import opened_pool
from tests.isolation.populated import Both
from tests.isolation.twins import REFUSED, SEES_NOTHING, TOUCHES_NO_TENANT, Method
from tests.isolation.walk import methods_of, name_of, store_methods

_WITH_TWIN = {name_of(each) for each in (*SEES_NOTHING, *REFUSED, *TOUCHES_NO_TENANT)}


def each_of(twins: dict[Method, Twin]) -> pytest.MarkDecorator:
    cases = [pytest.param(twin, id=name_of(method)[1]) for method, twin in twins.items()]
    return pytest.mark.parametrize("twin", cases)


def test_every_store_method_has_a_twin() -> None:
    lacking = [".".join(name) for name in store_methods() if name not in _WITH_TWIN]
    assert not lacking, (
        "These reach the store and have no twin. Add to tests/isolation/twins.py"
        " a call of each for tenant B with the ids of tenant A: to SEES_NOTHING where B may"
        " make it, to REFUSED where the database must not let B."
    )


def test_a_new_method_is_found() -> None:
    written = "class StoredThings:\n    async def read(self): ...\n\nasync def list_things(): ..."
    module = ModuleType("data_plane.store.things")
    exec(written, vars(module))  # noqa: S102 - the text above
    assert list(methods_of(module)) == [
        ("data_plane.store.things", "StoredThings.read"),
        ("data_plane.store.things", "list_things"),
    ]


def test_every_twin_is_of_a_method_that_is_found() -> None:
    assert set(store_methods()) >= _WITH_TWIN
    assert len(_WITH_TWIN) == len(SEES_NOTHING) + len(REFUSED) + len(TOUCHES_NO_TENANT)


@each_of(SEES_NOTHING)
async def test_for_tenant_b_it_sees_and_changes_nothing_of_tenant_a(twin: Twin, both: Both) -> None:
    before = both.dump_of_a()
    result = await twin(both)
    assert both.a.traces_in(result) == []
    assert both.dump_of_a() == before


@each_of(REFUSED)
async def test_tenant_b_may_not_do_it_at_all(twin: Twin, pair: Both) -> None:
    before = pair.dump_of_a()
    with pytest.raises((DBAPIError, asyncpg.InsufficientPrivilegeError)) as refusal:
        await twin(pair)
    assert any(
        words in str(refusal.value)
        for words in ("permission denied", "must be owner", "row-level security")
    )
    assert pair.dump_of_a() == before


async def test_tenant_a_itself_is_seen_so_the_search_for_traces_finds_them(pair: Both) -> None:
    async with pair.database.tenant(pair.a.tenant_id) as connection:
        clients = await list_clients(connection, after=NO_CLIENT, limit=10)
        keys = await list_keys(connection)
    assert {pair.a.client_id, pair.a.disabled_client_id} <= set(pair.a.traces_in(clients))
    assert pair.a.traces_in(keys) == list(pair.a.kids)


async def test_the_dump_of_tenant_a_has_something_of_everything(pair: Both) -> None:
    dump = pair.dump_of_a()
    assert {"api", "client", "client_secret", "client_grant", "signing_key"} <= dump.keys()
    assert [name for name, rows in dump.items() if not rows] == []
    assert len(dump["ledger.issued"]) == len(dump["ledger.revocation"]) == 2


async def test_the_feed_of_all_tenants_labels_each_row_with_its_tenant(pair: Both) -> None:
    async with (
        opened_pool(pair.installation.data_url) as pool,
        pool.connection() as connection,
    ):
        everything = await revocations_since(connection, FROM_THE_FIRST)
    of_a = [each for each in everything if each.tenant == pair.a.tenant_id]
    others = [each.revocation for each in everything if each.tenant != pair.a.tenant_id]
    assert pair.a.traces_in(of_a) == [
        pair.a.tenant_id,
        pair.a.disabled_client_id,
        pair.a.revoked,
    ]
    assert pair.a.revoked not in [each.subject for each in others]
