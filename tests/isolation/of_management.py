"""Twins of API keys, which are clients of one tenant, and of the API that takes their tokens."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from control_plane.clients.actions import UnknownClient, remove_client
from control_plane.management import repository as management
from control_plane.management_api import repository as api
from control_plane.management_api.tokens import TokenClaims
from tests.isolation.calls import NO_CLIENT, NOW, Twin, in_control_plane
from tests.isolation.populated import Both


async def _remove_client(connection: AsyncConnection, both: Both) -> None:
    with pytest.raises(UnknownClient):
        await remove_client(connection, both.a.client_id)


def _claims(both: Both) -> TokenClaims:
    """A token of A's that is revoked, and of a client whose tokens are."""
    return TokenClaims(
        iss="",
        aud="",
        client_id=both.a.disabled_client_id,
        scope="",
        iat=0,
        exp=0,
        jti=both.a.revoked,
    )


async def _is_revoked(connection: AsyncConnection, both: Both) -> None:
    assert not await api.is_revoked(connection, _claims(both))


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
    api.public_keys: in_control_plane(lambda c, _: api.public_keys(c)),
    api.find_key: in_control_plane(lambda c, x: api.find_key(c, x.a.client_id)),
    api.is_revoked: in_control_plane(_is_revoked),
}

REFUSED: dict[Callable[..., Any], Twin] = {
    api.tenants_for: in_control_plane(
        lambda c, _: api.tenants_for(c, "operator", (), after="", limit=1000)
    ),
    api.begin_answer: in_control_plane(lambda c, _: api.begin_answer(c, NO_CLIENT, "k", b"")),
    api.find_answer: in_control_plane(lambda c, _: api.find_answer(c, NO_CLIENT, "k")),
    api.set_answer: in_control_plane(lambda c, _: api.set_answer(c, NO_CLIENT, "k", b"")),
    api.drop_answer: in_control_plane(lambda c, _: api.drop_answer(c, NO_CLIENT, "k")),
    api.forget_answers: in_control_plane(lambda c, _: api.forget_answers(c, NOW, 1000)),
}
