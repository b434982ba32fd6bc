"""Twins of API keys, which are clients of one tenant."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from control_plane.clients.actions import UnknownClient, remove_client
from control_plane.management import repository as management
from tests.isolation.calls import NO_CLIENT, Twin, in_control_plane
from tests.isolation.populated import Both


async def _remove_client(connection: AsyncConnection, both: Both) -> None:
    with pytest.raises(UnknownClient):
        await remove_client(connection, both.a.client_id)


SEES_NOTHING: dict[Callable[..., Any], Twin] = {
    remove_client: in_control_plane(_remove_client),
    management.list_api_keys: in_control_plane(
        lambda c, _: management.list_api_keys(c, after=NO_CLIENT, limit=1000)
    ),
    management.api_keys_of: in_control_plane(lambda c, _: management.api_keys_of(c, "operator")),
    management.count_api_keys: in_control_plane(
        lambda c, _: management.count_api_keys(c, "operator")
    ),
    management.find_api_key: in_control_plane(
        lambda c, x: management.find_api_key(c, x.a.client_id)
    ),
}
