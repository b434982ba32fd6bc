"""Twins of members, invitations and the sessions that look at an account."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from control_plane.members import repository as members
from control_plane.members.repository import InvitationRow
from control_plane.members.rules import Role
from control_plane.sessions.repository import PEOPLES, StoredSessions
from tests.isolation.calls import NOW, Twin, in_control_plane
from tests.isolation.populated import Both


async def _invite(connection: AsyncConnection, _: Both) -> None:
    new = InvitationRow(
        account_id="operator",
        email="eve@example.org",
        role=Role.OWNER,
        invited_by="p_b",
        created_at=NOW,
        expires_at=NOW + timedelta(days=1),
    )
    await members.add_invitation(connection, b"digest", new)


REFUSED: dict[Callable[..., Any], Twin] = {
    members.find_role: in_control_plane(lambda c, _: members.find_role(c, "operator", "p_a")),
    members.count_members: in_control_plane(lambda c, _: members.count_members(c, "operator")),
    members.count_owners: in_control_plane(lambda c, _: members.count_owners(c, "operator")),
    members.set_role: in_control_plane(
        lambda c, _: members.set_role(c, "operator", "p_a", Role.OWNER)
    ),
    members.remove_member: in_control_plane(
        lambda c, _: members.remove_member(c, "operator", "p_a")
    ),
    members.is_member_by_email: in_control_plane(
        lambda c, _: members.is_member_by_email(c, "operator", "a@example.org")
    ),
    members.accounts_of: in_control_plane(lambda c, _: members.accounts_of(c, "p_a")),
    members.add_invitation: in_control_plane(_invite),
    members.list_invitations: in_control_plane(
        lambda c, _: members.list_invitations(c, "operator", NOW)
    ),
    members.find_invitation: in_control_plane(
        lambda c, _: members.find_invitation(c, b"digest", NOW)
    ),
    members.spend_invitation: in_control_plane(
        lambda c, _: members.spend_invitation(c, b"digest", NOW)
    ),
    members.remove_invitation: in_control_plane(
        lambda c, _: members.remove_invitation(c, "operator", "a@example.org")
    ),
    StoredSessions.remove_sessions_in: in_control_plane(
        lambda c, _: PEOPLES.remove_sessions_in(c, "p_a", "operator")
    ),
}
