"""Gathering what a tenant's overview shows, each from the feature that it belongs to."""

from datetime import datetime

import msgspec

from control_plane.accounts.actions import chosen_limits
from control_plane.audit.actions import LAST
from control_plane.audit.repository import Sought, list_events
from control_plane.audit.rules import TENANT, Chain, Event
from control_plane.http.signed_in import SignedIn
from control_plane.keys.repository import list_keys
from control_plane.keys.rules import Schedule
from control_plane.members.repository import list_invitations, list_members
from control_plane.overview.repository import what_is_made
from control_plane.overview.rules import Found, Rotation, Step, checklist, percentiles, rotations
from control_plane.team.rules import seats_of
from control_plane.tenancy.repository import OwnTenant
from control_plane.usage.actions import latencies_of, month_usage
from control_plane.usage.months import MonthUsage
from shared.runtime.database import Database

_EVENTS = 5  # of the audit log


class Overview(msgspec.Struct, frozen=True, kw_only=True):
    usage: MonthUsage
    latencies: list[tuple[str, float]]  # of today's tokens, in milliseconds; empty: there is none
    rotations: list[Rotation]
    events: list[Event]
    steps: list[Step]

    @property
    def is_set_up(self) -> bool:
        return all(each.done for each in self.steps)


async def look_over(
    database: Database, tenant: OwnTenant, signed_in: SignedIn, now: datetime
) -> Overview:
    """Two transactions: to begin and end one takes as long as three statements."""
    account_id, person_id = signed_in.account_id or "", signed_in.session.person_id
    async with database.control() as connection:
        seats = seats_of(await chosen_limits(connection, account_id))
        members = await list_members(connection, account_id)
        invited = await list_invitations(connection, account_id, now)
    async with database.tenant(tenant.id) as connection:
        made = await what_is_made(connection)
        usage = await month_usage(connection, f"{now:%Y-%m}")
        latencies = await latencies_of(connection, now.date())
        keys = await list_keys(connection)
        events = await list_events(
            connection, Chain(TENANT, tenant.id), Sought(), before=LAST, limit=_EVENTS
        )
    found = Found(
        apis=made.apis,
        clients=made.clients,
        tokens=made.tokens,
        colleagues=None if seats == 1 else len(members) + len(invited) > 1,
        second_factor=any(
            each.has_second_factor for each in members if each.person_id == person_id
        ),
    )
    return Overview(
        usage=usage,
        latencies=percentiles(latencies),
        rotations=rotations(keys, Schedule()),
        events=events,
        steps=checklist(found, tenant.slug),
    )
