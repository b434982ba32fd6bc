"""Twins of what the pages of APIs read."""

from collections.abc import Callable
from typing import Any

from control_plane.apis import repository
from control_plane.apis.rules import ApiOrder
from tests.isolation.calls import Twin, in_control_plane

SEES_NOTHING: dict[Callable[..., Any], Twin] = {
    repository.page_of_apis: in_control_plane(
        lambda c, _: repository.page_of_apis(c, "", ApiOrder.NAME, offset=0, limit=1000)
    ),
    repository.page_of_granted: in_control_plane(
        lambda c, x: repository.page_of_granted(c, x.a.tenant.audience, "", offset=0, limit=1000)
    ),
    repository.serving_clients: in_control_plane(
        lambda c, x: repository.serving_clients(c, x.a.tenant.audience, limit=1000)
    ),
    repository.count_holders: in_control_plane(
        lambda c, x: repository.count_holders(c, x.a.tenant.audience)
    ),
}
