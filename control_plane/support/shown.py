"""What the support app's pages have in common: who acts and why, recording it, and showing a page.

Every form that changes something has come with a reason: the door asks for it (staff.rights).
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypeAlias

import msgspec
from litestar import Request, Response
from sqlalchemy.ext.asyncio import AsyncConnection

from control_plane.audit.actions import record_of_staff
from control_plane.audit.rules import Actor, Facts, Noted
from control_plane.http.clock import Clock
from control_plane.http.rendering import Pages
from control_plane.http.visitors import Visitors
from control_plane.staff import repository
from control_plane.staff.grants import record_of_both
from control_plane.staff.rules import Opened, Reason
from control_plane.staff.signed_in import (
    GRANT,
    StaffSignedIn,
    grant_of,
    staff_acting,
    staff_of,
    why_of,
)
from shared.runtime.database import SupportDatabase

AnyRequest: TypeAlias = Request[Any, Any, Any]


class Act(msgspec.Struct, frozen=True, kw_only=True):
    """Something that one of the staff does now: who, and why."""

    by: Actor
    why: Reason

    async def note(
        self,
        connection: AsyncConnection,
        action: str,
        target: str,
        *,
        before: Facts | None = None,
        after: Facts | None = None,
    ) -> None:
        """Record what touches no customer, in the transaction that does it."""
        await record_of_staff(connection, self.by, self._noted(action, target, before, after))

    async def note_both(
        self,
        connection: AsyncConnection,
        account_id: str,
        action: str,
        target: str,
        *,
        before: Facts | None = None,
        after: Facts | None = None,
    ) -> None:
        """Record what touches a customer: in their account's log, and in ours."""
        noted = self._noted(action, target, before, after)
        await record_of_both(connection, account_id, self.by, noted)

    def _noted(self, action: str, target: str, before: Facts | None, after: Facts | None) -> Noted:
        return Noted(action, target, before, {**(after or {}), **self.why.facts})


class SupportShower:
    """Given to handlers as `support`."""

    def __init__(
        self, pages: Pages, visitors: Visitors, database: SupportDatabase, clock: Clock
    ) -> None:
        self.pages = pages
        self.database = database
        self._visitors = visitors
        self._clock = clock

    def now(self) -> datetime:
        return self._clock()

    def staff(self, request: AnyRequest) -> StaffSignedIn:
        return staff_of(request)

    def grant(self, request: AnyRequest) -> Opened:
        """Give the grant that the page is seen under; its handler says `grant=True`."""
        return grant_of(request)

    def acting(self, request: AnyRequest) -> Actor:
        return staff_acting(request, self._visitors)

    def act(self, request: AnyRequest) -> Act:
        """Give who does what the form asks for, and the reason that came with it."""
        return Act(by=self.acting(request), why=why_of(request))

    def show(
        self, request: AnyRequest, template: str, *, status: int = 200, **values: Any
    ) -> Response[str]:
        """Render `support/<template>`; under a grant its frame says whose page it is."""
        grant = request.scope.get(GRANT)
        return self.pages.show(request, f"support/{template}", status=status, grant=grant, **values)

    def go(self, request: AnyRequest, path: str) -> Response[None]:
        return self.pages.go(request, path)


async def defer(connection: AsyncConnection, task: str, arguments: Mapping[str, object]) -> None:
    """Have `serve jobs` do, with its rights, a task of control.support_task once this commits."""
    await repository.defer_job(connection, task, msgspec.json.encode(arguments))
