"""Twins of what support reads: a tenant's role sees by it what is its own, or nothing at all."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import msgspec

from control_plane.support.abuse import repository as abuse
from control_plane.support.customer import repository as customer
from control_plane.support.customer.repository import Note
from control_plane.support.diagnosis import repository as diagnosis
from control_plane.support.diagnosis.repository import SupportedTenant
from control_plane.support.search import repository as search
from control_plane.support.search.rules import Kind
from shared.domain.plan import Environment
from shared.domain.snapshot import TenantStatus
from tests.isolation.calls import LONG_AGO, NOW, Twin, in_control_plane
from tests.isolation.populated import Both

_NOTE = Note(
    id="n_b",
    account_id="operator",
    tenant_id=None,
    staff_id="st_b",
    staff_email="b@staff.example",
    note="B's",
    created_at=NOW,
)


def _tenant_a(both: Both) -> SupportedTenant:
    return SupportedTenant(
        id=both.a.tenant_id,
        slug=both.a.tenant.slug,
        name="A",
        account_id="operator",
        environment=Environment.TEST,
        status=TenantStatus.ACTIVE,
        created_at=NOW,
        deleted_at=None,
        deletes_at=None,
        suspended=None,
        behind=False,
    )


SEES_NOTHING: dict[Callable[..., Any], Twin] = {
    diagnosis.find_client: in_control_plane(lambda c, x: diagnosis.find_client(c, x.a.client_id)),
    diagnosis.scopes_by_api: in_control_plane(lambda c, _: diagnosis.scopes_by_api(c)),
    diagnosis.counts_since: in_control_plane(
        lambda c, x: diagnosis.counts_since(c, LONG_AGO, x.a.client_id)
    ),
    diagnosis.last_changes: in_control_plane(
        lambda c, x: diagnosis.last_changes(
            c, [f"client {x.a.client_id}"], ["client.register", "client.disable"], 1000
        )
    ),
    diagnosis.find_revocation: in_control_plane(
        lambda c, x: diagnosis.find_revocation(c, x.a.revoked, x.a.disabled_client_id)
    ),
    customer.find_clients: in_control_plane(
        lambda c, x: customer.find_clients(c, x.a.client_id, offset=0, limit=1000)
    ),
}

REFUSED: dict[Callable[..., Any], Twin] = {
    search.find_accounts: in_control_plane(
        lambda c, x: search.find_accounts(c, x.a.tenant.slug, list(Kind), offset=0, limit=1000)
    ),
    search.places_of_client: in_control_plane(
        lambda c, x: search.places_of_client(c, x.a.client_id)
    ),
    search.places_of_request: in_control_plane(lambda c, _: search.places_of_request(c, "r_1")),
    search.places_of_token: in_control_plane(
        lambda c, x: search.places_of_token(c, UUID(x.a.issued))
    ),
    diagnosis.find_supported_tenant: in_control_plane(
        lambda c, x: diagnosis.find_supported_tenant(c, "operator", x.a.tenant.slug)
    ),
    diagnosis.find_elsewhere: in_control_plane(
        lambda c, x: diagnosis.find_elsewhere(
            c, msgspec.structs.replace(_tenant_a(x), id=x.b.tenant_id), x.a.client_id
        )
    ),
    customer.find_supported_account: in_control_plane(
        lambda c, _: customer.find_supported_account(c, "operator")
    ),
    customer.list_people: in_control_plane(lambda c, _: customer.list_people(c, "operator")),
    customer.last_subscription: in_control_plane(
        lambda c, _: customer.last_subscription(c, "operator")
    ),
    customer.list_tenants_of: in_control_plane(
        lambda c, _: customer.list_tenants_of(c, "operator", offset=0, limit=1000)
    ),
    customer.list_notes: in_control_plane(lambda c, _: customer.list_notes(c, "operator")),
    customer.add_note: in_control_plane(lambda c, _: customer.add_note(c, _NOTE)),
    abuse.busiest_tenants: in_control_plane(lambda c, _: abuse.busiest_tenants(c, LONG_AGO)),
    abuse.customers_of: in_control_plane(lambda c, x: abuse.customers_of(c, [x.a.tenant_id])),
    abuse.accounts_by_hour: in_control_plane(lambda c, _: abuse.accounts_by_hour(c, LONG_AGO)),
    abuse.accounts_by_domain: in_control_plane(lambda c, _: abuse.accounts_by_domain(c, LONG_AGO)),
    abuse.waiting_work: in_control_plane(lambda c, _: abuse.waiting_work(c, NOW)),
}
