"""Twins of what is an account's: its limits, what it has already, its tenants and their lists."""

from collections.abc import Callable
from typing import Any

from control_plane.accounts import repository as accounts
from control_plane.clients import repository as clients
from control_plane.clients.rules import ClientOrder
from control_plane.limits import actions as room
from control_plane.limits import repository as limits
from control_plane.limits.rules import Limited
from control_plane.tenancy import repository as tenancy
from shared.domain.plan import AccountLimits, Environment, PlanName
from tests.isolation.calls import Twin, in_control_plane

SEES_NOTHING: dict[Callable[..., Any], Twin] = {
    clients.oldest_client: in_control_plane(lambda c, _: clients.oldest_client(c)),
    clients.page_of_clients: in_control_plane(
        lambda c, _: clients.page_of_clients(c, "", ClientOrder.NAME, offset=0, limit=1000)
    ),
    room.take_room: in_control_plane(
        lambda c, x: room.take_room(c, x.a.tenant_id, Limited.CLIENTS)
    ),
}

REFUSED: dict[Callable[..., Any], Twin] = {
    accounts.add_account: in_control_plane(lambda c, _: accounts.add_account(c, "a_b", "B's")),
    accounts.find_account: in_control_plane(lambda c, _: accounts.find_account(c, "operator")),
    accounts.list_accounts: in_control_plane(
        lambda c, _: accounts.list_accounts(c, after="", limit=1000)
    ),
    accounts.find_limits: in_control_plane(lambda c, _: accounts.find_limits(c, "operator")),
    accounts.lock_limits: in_control_plane(lambda c, _: accounts.lock_limits(c, "operator")),
    accounts.set_limits: in_control_plane(
        lambda c, _: accounts.set_limits(c, "operator", AccountLimits(plan=PlanName.SANDBOX))
    ),
    accounts.set_published: in_control_plane(lambda c, _: accounts.set_published(c, "operator", 0)),
    accounts.accounts_due: in_control_plane(lambda c, _: accounts.accounts_due(c, 1000)),
    limits.account_of: in_control_plane(lambda c, x: limits.account_of(c, x.a.tenant_id)),
    limits.lock_account: in_control_plane(lambda c, _: limits.lock_account(c, "operator")),
    limits.count_tenants: in_control_plane(
        lambda c, _: limits.count_tenants(c, "operator", Environment.TEST)
    ),
    limits.count_clients: in_control_plane(lambda c, _: limits.count_clients(c, "operator")),
    limits.count_apis: in_control_plane(lambda c, _: limits.count_apis(c, "operator")),
    room.take_room_for_tenant: in_control_plane(
        lambda c, _: room.take_room_for_tenant(c, "operator", Environment.TEST)
    ),
    tenancy.find_own: in_control_plane(
        lambda c, x: tenancy.find_own(c, "operator", x.a.tenant.slug)
    ),
    tenancy.list_own: in_control_plane(
        lambda c, _: tenancy.list_own(c, "operator", "", offset=0, limit=1000)
    ),
    tenancy.ids_of_account: in_control_plane(lambda c, _: tenancy.ids_of_account(c, "operator")),
    tenancy.first_own: in_control_plane(lambda c, _: tenancy.first_own(c, "operator")),
    tenancy.is_slug_taken: in_control_plane(lambda c, x: tenancy.is_slug_taken(c, x.a.tenant.slug)),
}
