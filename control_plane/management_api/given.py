"""What the handlers of the management API are given: the tenant of the address, and who asks."""

from typing import Annotated, Any, Generic, TypeAlias, TypeVar

import msgspec
from litestar import Request
from litestar.di import NamedDependency
from litestar.params import FromPath, QueryParameter, SkipValidation

from control_plane.audit.rules import Actor
from control_plane.http.clock import Clock
from control_plane.http.visitors import Visitors
from control_plane.management_api.holder import acting_key, holder_of
from control_plane.management_api.problems import Absent
from control_plane.management_api.repeats import Repeats
from control_plane.tenants.actions import show_tenant
from control_plane.tenants.repository import TenantRow
from shared.domain.management import SYSTEM_SLUG
from shared.runtime.config import Config
from shared.runtime.database import Database
from shared.runtime.sealing import Sealer

AnyRequest: TypeAlias = Request[Any, Any, Any]


class Work(msgspec.Struct, frozen=True, kw_only=True):
    """What the handlers work with; made once."""

    database: Database
    config: Config
    sealer: Sealer
    repeats: Repeats
    clock: Clock


GivenTenant: TypeAlias = SkipValidation[NamedDependency[TenantRow]]
GivenActor: TypeAlias = SkipValidation[NamedDependency[Actor]]
GivenWork: TypeAlias = SkipValidation[NamedDependency[Work]]

Limit: TypeAlias = Annotated[
    int, QueryParameter(ge=1, le=100, description="How many there are on a page.")
]
Cursor: TypeAlias = Annotated[
    str, QueryParameter(description="`next` of the page before.", max_length=200)
]

Row = TypeVar("Row")


class Page(msgspec.Struct, Generic[Row], frozen=True, kw_only=True):
    """One page of a list."""

    items: list[Row]
    next: str | None  # what the next page is asked for by, as `cursor`; null on the last


def page_of(rows: list[Row], limit: int, cursor_of: Any) -> Page[Row]:
    """Make a page of what was asked for with one row more than fits."""
    shown = rows[:limit]
    return Page(items=shown, next=str(cursor_of(shown[-1])) if len(rows) > limit else None)


async def tenant_of(request: AnyRequest, work: GivenWork, slug: FromPath[str]) -> TenantRow:
    """Find the tenant. One that the key is not for answers as one that is not there: 404."""
    found = await show_tenant(work.database, slug)
    if slug == SYSTEM_SLUG or not holder_of(request).key.covers(found.account_id, slug):
        raise Absent("there is no such tenant")
    return found


async def actor_of(request: AnyRequest, visitors: NamedDependency[Visitors]) -> Actor:
    return acting_key(request, visitors)
