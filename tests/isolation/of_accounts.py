"""Twins of what is an account's: its limits, what it has already, its tenants and their lists."""

from collections.abc import Callable
from typing import Any

from control_plane.accounts import actions as account_actions
from control_plane.accounts import repository as accounts
from control_plane.audit.rules import BY_OPERATOR, Noted
from control_plane.billing.owed import owed_by
from control_plane.clients import listing
from control_plane.clients import repository as clients
from control_plane.clients.listing import Wanted
from control_plane.limits import actions as room
from control_plane.limits import repository as limits
from control_plane.limits.rules import Limited
from control_plane.secrets import repository as secrets
from control_plane.tenancy import repository as tenancy
from control_plane.tenants import actions as tenant_actions
from control_plane.tenants import repository as tenants
from shared.domain.plan import AccountLimits, Environment, PlanName
from tests.isolation.calls import NO_CLIENT, NOW, Twin, in_control_plane

_NOTED = Noted("tenant.rename", "tenant of B")


SEES_NOTHING: dict[Callable[..., Any], Twin] = {
    clients.oldest_client: in_control_plane(lambda c, _: clients.oldest_client(c)),
    listing.page_of_clients: in_control_plane(
        lambda c, _: listing.page_of_clients(c, Wanted(), offset=0, limit=1000)
    ),
    listing.count_tokens: in_control_plane(lambda c, x: listing.count_tokens(c, [x.a.client_id])),
    clients.list_granted: in_control_plane(
        lambda c, _: clients.list_granted(c, after=NO_CLIENT, limit=1000)
    ),
    secrets.forget_uses: in_control_plane(lambda c, _: secrets.forget_uses(c)),
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
    account_actions.chosen_limits: in_control_plane(
        lambda c, _: account_actions.chosen_limits(c, "operator")
    ),
    accounts.find_limits: in_control_plane(lambda c, _: accounts.find_limits(c, "operator")),
    accounts.lock_limits: in_control_plane(lambda c, _: accounts.lock_limits(c, "operator")),
    accounts.set_limits: in_control_plane(
        lambda c, _: accounts.set_limits(c, "operator", AccountLimits(plan=PlanName.SANDBOX))
    ),
    accounts.set_published: in_control_plane(lambda c, _: accounts.set_published(c, "operator", 0)),
    owed_by: in_control_plane(lambda c, _: owed_by(c, "operator", NOW)),
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
    tenants.set_name: in_control_plane(lambda c, x: tenants.set_name(c, x.a.tenant_id, "B's")),
    tenants.set_deletion: in_control_plane(
        lambda c, x: tenants.set_deletion(c, x.a.tenant_id, NOW)
    ),
    tenants.deletions_of: in_control_plane(lambda c, _: tenants.deletions_of(c, "operator")),
    tenants.deletions_due: in_control_plane(lambda c, _: tenants.deletions_due(c, NOW, 1000)),
    tenant_actions.record_both: in_control_plane(
        lambda c, _: tenant_actions.record_both(c, "operator", BY_OPERATOR, _NOTED)
    ),
    tenancy.find_own: in_control_plane(
        lambda c, x: tenancy.find_own(c, "operator", x.a.tenant.slug)
    ),
    tenancy.list_own: in_control_plane(
        lambda c, _: tenancy.list_own(c, "operator", "", offset=0, limit=1000)
    ),
    tenancy.search_own: in_control_plane(lambda c, _: tenancy.search_own(c, "operator", "", 1000)),
    limits.tokens_used: in_control_plane(lambda c, _: limits.tokens_used(c, "operator", "2026-11")),
    tenancy.ids_of_account: in_control_plane(lambda c, _: tenancy.ids_of_account(c, "operator")),
    tenancy.first_own: in_control_plane(lambda c, _: tenancy.first_own(c, "operator")),
    tenancy.is_slug_taken: in_control_plane(lambda c, x: tenancy.is_slug_taken(c, x.a.tenant.slug)),
}
