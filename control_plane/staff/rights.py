"""What one of the staff may in the support app: the second half of its door.

A handler says `staff=StaffPermission.…`, or `signed_in=True` for one's own pages; and beside it
`grant=True` where it is about one account, which stands in the path as `account_id`. Then nobody
passes who has not opened that account, and each page is in the staff audit. A form that changes
something has a `reason`; one that changes nothing of anybody's says `unreasoned=True`.
"""

from datetime import datetime
from typing import Any
from urllib.parse import quote

from litestar import Response

from control_plane.audit.actions import record_of_staff
from control_plane.audit.rules import Noted
from control_plane.http.clock import Clock
from control_plane.http.door import SAFE, AnyRequest, refuse
from control_plane.http.forms import read_fields
from control_plane.http.rendering import Pages
from control_plane.http.visitors import Visitors
from control_plane.sessions.actions import Sessions
from control_plane.staff import repository
from control_plane.staff.rules import ReasonMissing, StaffPermission, reason_of, staff_may
from control_plane.staff.signed_in import GRANT, WHY, StaffSignedIn, staff_acting
from shared.runtime.database import Database

_NOT_SHOWN_AGAIN = ("csrf", "reason", "ticket")


class StaffRights:
    """A door.Rights."""

    def __init__(
        self,
        pages: Pages,
        visitors: Visitors,
        database: Database,
        sessions: Sessions,
        clock: Clock,
    ) -> None:
        self._pages = pages
        self._visitors = visitors
        self._database = database
        self._sessions = sessions
        self._clock = clock

    async def find(self, token: str, now: datetime) -> StaffSignedIn | None:
        async with self._database.control() as connection:
            session = await self._sessions.find(connection, token, now)
            if session is None:
                return None
            found = await repository.find_staff(connection, session.person_id)
        if found is None or found.disabled_at is not None:
            return None
        return StaffSignedIn(session=session, email=found.email, name=found.name, role=found.role)

    async def judge(self, request: AnyRequest, signed_in: StaffSignedIn) -> Response[Any] | None:
        opt = request.route_handler.opt
        if not signed_in.is_whole:
            return None if opt.get("half") else self._pages.go(request, "/support/signin/second")
        if not opt.get("signed_in") and not _may(signed_in, opt.get("staff")):
            return refuse(self._pages, request, "Your role does not allow this.")
        if opt.get("grant"):
            answer = await self._opened(request, signed_in)
            if answer is not None:
                return answer
        return await self._reasoned(request)

    async def _opened(self, request: AnyRequest, signed_in: StaffSignedIn) -> Response[Any] | None:
        """Let who has opened the account on, and record the page that they see of it."""
        account_id = str(request.path_params["account_id"])
        async with self._database.control() as connection:
            grant = await repository.find_live_grant(
                connection, signed_in.staff_id, account_id, self._clock()
            )
            if grant is not None and request.method in SAFE:
                by = staff_acting(request, self._visitors)
                noted = Noted(
                    "page.see",
                    f"account {account_id}",
                    after={"path": request.url.path, "grant": grant.id},
                )
                await record_of_staff(connection, by, noted)
        if grant is not None:
            request.scope[GRANT] = grant  # type: ignore[literal-required]
            return None
        if request.method in SAFE:
            back = quote(request.url.path)
            return self._pages.go(request, f"/support/accounts/{account_id}/open?next={back}")
        return refuse(
            self._pages, request, "You have not opened this account, or the hour is over."
        )

    async def _reasoned(self, request: AnyRequest) -> Response[Any] | None:
        """Ask for the reason of what is to change, keeping what the form had."""
        if request.method in SAFE or request.route_handler.opt.get("unreasoned"):
            return None
        fields = await read_fields(request)
        try:
            request.scope[WHY] = reason_of(fields["reason"], fields["ticket"])  # type: ignore[literal-required]
        except ReasonMissing as refusal:
            return self._pages.show(
                request,
                "support/reason.html",
                status=403,
                error=str(refusal),
                fields=fields.without(*_NOT_SHOWN_AGAIN),
                ticket=fields["ticket"],
            )
        return None


def _may(signed_in: StaffSignedIn, permission: StaffPermission | None) -> bool:
    return permission is not None and staff_may(signed_in.role, permission)
