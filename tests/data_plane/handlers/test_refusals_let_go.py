"""What is refused is let go at once: a tenant over its limit must not hold up its neighbours."""

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from control_plane.clients.actions import change_client
from control_plane.clients.rules import ClientChange
from data_plane.protocol.errors import OAuthError
from shared.domain.limits import Rate
from shared.runtime.database import Database
from tests.data_plane.handlers.plane import Plane
from tests.hostile.cases import Ask, ask
from tests.support import MadeTenant

_ONE_AT_A_TIME = Rate(per_second=1, burst=1)

REFUSED: dict[str, tuple[int, Callable[[Ask], None]]] = {
    "over-a-limit": (429, lambda _: None),
    "wrong-secret": (401, lambda made: made.put(b"Authorization", b"Basic eDp5")),
    "wrong-scope": (400, lambda made: made.form("grant_type=client_credentials&scope=nope")),
    "malformed": (400, lambda made: made.form("%zz")),
}


@pytest.mark.parametrize(("status", "change"), REFUSED.values(), ids=REFUSED.keys())
async def test_a_refusal_leaves_nothing_to_the_garbage_collector(
    plane: Plane,
    database: Database,
    tenant: MadeTenant,
    status: int,
    change: Callable[[Ask], None],
) -> None:
    limit = ClientChange(rate=_ONE_AT_A_TIME) if status == 429 else ClientChange()
    await change_client(database, tenant.tenant_id, tenant.client.client_id, limit)
    made = ask(tenant, "token")
    assert (await plane.by_lane(made)).status == 200
    change(made)
    assert [(await plane.by_lane(made)).status for _ in range(3)][-1] == status
    with collected_objects() as collected:
        statuses = [(await plane.by_lane(made)).status for _ in range(10)]
    assert status in statuses  # on a slow machine the limit lets one pass now and then
    assert [each for each in collected if isinstance(each, OAuthError)] == []


@contextmanager
def collected_objects() -> Iterator[list[Any]]:
    """Give what the block leaves to the garbage collector, once it is left."""
    collected: list[Any] = []
    gc.collect()
    gc.disable()
    try:
        yield collected
        gc.set_debug(gc.DEBUG_SAVEALL)
        gc.collect()
        collected.extend(gc.garbage)
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.enable()
