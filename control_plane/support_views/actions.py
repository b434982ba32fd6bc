"""Taking a view over from the support app, finding it again, and recording each page of it.

Both sides' logs have each page: the staff's, and the account's own, which the customer reads.
"""

import secrets
from datetime import datetime

from control_plane.accounts import repository as accounts
from control_plane.audit.rules import Actor, ActorKind, Noted
from control_plane.http.signed_in import SignedIn, SupportView
from control_plane.members.rules import Role
from control_plane.sessions.actions import Visitor, digest_of
from control_plane.sessions.rules import Session, SessionKind
from control_plane.staff.grants import record_of_both
from control_plane.staff.rules import Reason
from control_plane.support_views import repository
from control_plane.support_views.rules import PREFIX, ViewRefused, ViewRow
from shared.runtime.database import Database

_TOKEN_BYTES = 32


class SupportViews:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def begin(self, handover: str, visitor: Visitor, now: datetime) -> str:
        """Spend the one-time token and give what the cookie is to hold. Raises ViewRefused."""
        token = PREFIX + secrets.token_urlsafe(_TOKEN_BYTES)
        async with self._database.control() as connection:
            view = await repository.take_over(
                connection, digest_of(handover), digest_of(token), now
            )
            if view is None:
                raise ViewRefused("this hand-over is too old or was used: begin again in support")
            by = _actor(view.staff_id, view.staff_email, visitor)
            until = {"until": view.ends_at.isoformat(timespec="seconds")}
            facts = Reason(reason=view.reason, ticket=view.ticket).facts | until
            noted = Noted("support.view", f"account {view.account_id}", after=facts)
            await record_of_both(connection, view.account_id, by, noted)
        return token

    async def find(self, token: str, now: datetime) -> SignedIn | None:
        """Give the view as the pages know somebody who reads; None where it is over."""
        async with self._database.control() as connection:
            view = await repository.find_view(connection, digest_of(token), now)
            if view is None:
                return None
            account = await accounts.find_account(connection, view.account_id)
        if account is None:
            return None
        return SignedIn(
            session=_session(view, now),
            email=view.staff_email,
            account_id=view.account_id,
            account_name=account.name,
            plan=account.plan,
            role=Role.READ_ONLY,
            view=SupportView(reason=view.reason, ends_at=view.ends_at),
        )

    async def note_page(
        self, signed_in: SignedIn, visitor: Visitor, path: str, now: datetime
    ) -> None:
        """Record it; to look is to use the support app's session, which goes idle otherwise."""
        account_id = signed_in.account_id or ""
        noted = Noted("support.view_page", f"account {account_id}", after={"path": path})
        async with self._database.control() as connection:
            await repository.note_use(connection, signed_in.session.public_id, now)
            await record_of_both(connection, account_id, _acting(signed_in, visitor), noted)

    async def end(self, signed_in: SignedIn, visitor: Visitor, now: datetime) -> None:
        account_id, by = signed_in.account_id or "", _acting(signed_in, visitor)
        async with self._database.control() as connection:
            if await repository.end_views(connection, by.id, account_id, now):
                noted = Noted("support.end_view", f"account {account_id}")
                await record_of_both(connection, account_id, by, noted)


def _acting(signed_in: SignedIn, visitor: Visitor) -> Actor:
    return _actor(signed_in.session.person_id, signed_in.email, visitor)


def _actor(staff_id: str, email: str, visitor: Visitor) -> Actor:
    return Actor(
        kind=ActorKind.STAFF,
        id=staff_id,
        email=email,
        address=visitor.address,
        request_id=visitor.request_id,
    )


def _session(view: ViewRow, now: datetime) -> Session:
    """Give what the pages ask of a session: it proves nothing, and no row has it."""
    return Session(
        public_id=view.id,
        kind=SessionKind.STAFF,
        person_id=view.staff_id,
        account_id=view.account_id,
        address="",
        agent="",
        created_at=view.created_at,
        seen_at=now,
        stepped_up_at=None,
        ends_at=view.ends_at,
    )
