"""`auth-service staff …`: who may sign in to the support app. No page of it changes that."""

from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from typing import Any, TypeVar

import click
import msgspec

from control_plane.cli.command import Terminal, command
from control_plane.cli.database import with_database
from control_plane.sessions.actions import Sessions
from control_plane.sessions.repository import STAFFS
from control_plane.staff.actions import StaffKeeper
from control_plane.staff.repository import StaffRow
from control_plane.staff.rules import ENROL_WITHIN, StaffRole
from shared.runtime.config import Config
from shared.runtime.database import Database

Result = TypeVar("Result")

_email = click.option("--email", required=True, help="The address of one of the staff.")
_role = click.option("--role", required=True, type=click.Choice([each.value for each in StaffRole]))


class Invited(msgspec.Struct, frozen=True, kw_only=True):
    email: str
    link: str  # opens the page where they set up how they sign in; a secret, and good once


class ShownStaff(msgspec.Struct, frozen=True, kw_only=True):
    email: str
    name: str
    role: StaffRole
    state: str  # active, invited, disabled
    signed_in_at: datetime | None


@click.group()
def staff() -> None:
    """Make, list, change and disable the accounts of our staff, who sign in to the support app."""


@command(staff, "create")
@_email
@click.option("--name", required=True, help="For people.")
@_role
def create(terminal: Terminal, email: str, name: str, role: str) -> None:
    """Add one of the staff, and print the link by which they set up how they sign in."""
    _invite(terminal, email, lambda keeper: keeper.create(email, name, StaffRole(role), _now()))


@command(staff, "list")
def list_(terminal: Terminal) -> None:
    """List the staff by address."""
    found = [_shown(each) for each in _with_keeper(terminal, lambda keeper: keeper.list_all())]
    lines = [f"{each.email:<32}  {each.role:<8}  {each.state:<8}  {each.name}" for each in found]
    terminal.show(
        {"staff": found},
        "\n".join(lines),
        "" if found else "auth-service staff create --email … --name … --role lead",
    )


@command(staff, "set-role")
@_email
@_role
def set_role(terminal: Terminal, email: str, role: str) -> None:
    """Give another role. They sign in anew."""
    _with_keeper(terminal, lambda keeper: keeper.set_role(email, StaffRole(role)))
    terminal.show({"email": email, "role": role}, f"{email} is {role} now.")


@command(staff, "disable")
@_email
def disable(terminal: Terminal, email: str) -> None:
    """Let somebody in no more. Their sessions, and whatever they have opened, end now."""
    _with_keeper(terminal, lambda keeper: keeper.disable(email, _now()))
    terminal.show(
        {"email": email, "state": "disabled"},
        f"{email} is disabled.",
        f"auth-service staff reset --email {email} lets them in again, by a new link",
    )


@command(staff, "reset")
@_email
def reset(terminal: Terminal, email: str) -> None:
    """Forget how somebody signs in, and print a new link: for who has lost it, or was disabled."""
    _invite(terminal, email, lambda keeper: keeper.reset(email, _now()))


def _invite(
    terminal: Terminal, email: str, invite: Callable[[StaffKeeper], Coroutine[Any, Any, str]]
) -> None:
    async def work(config: Config, database: Database) -> str:
        token = await invite(StaffKeeper(database, Sessions(STAFFS)))
        return f"{config.support_url}/support/enrol?token={token}"

    link = with_database(terminal, work)
    hours = int(ENROL_WITHIN.total_seconds()) // 3600
    terminal.show(
        Invited(email=email, link=link),
        f"Give this link to {email}, and to nobody else. It is good once, for {hours} hours:"
        f"\n\n  {link}",
    )


def _with_keeper(
    terminal: Terminal, work: Callable[[StaffKeeper], Coroutine[Any, Any, Result]]
) -> Result:
    async def run(_: Config, database: Database) -> Result:
        return await work(StaffKeeper(database, Sessions(STAFFS)))

    return with_database(terminal, run)


def _shown(held: StaffRow) -> ShownStaff:
    state = "active" if held.is_enrolled else "invited"
    return ShownStaff(
        email=held.email,
        name=held.name,
        role=held.role,
        state=state if held.disabled_at is None else "disabled",
        signed_in_at=held.signed_in_at,
    )


def _now() -> datetime:
    return datetime.now(UTC)
