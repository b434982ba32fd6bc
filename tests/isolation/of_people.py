"""Twins of what is of people: a tenant's role reaches none of it."""

import inspect
from collections.abc import Callable
from typing import Any

from control_plane.mail import actions as mail
from control_plane.mail.rules import Letter
from control_plane.members import repository as members
from control_plane.members.rules import Role
from control_plane.passkeys import repository as passkeys
from control_plane.passkeys.repository import PasskeyRow
from control_plane.people import repository as people
from control_plane.people.actions import PeopleKeeper
from control_plane.people.passwords import Passwords
from control_plane.people.repository import PersonRow
from control_plane.people.rules import LinkPurpose
from control_plane.sessions.actions import Sessions, SessionStore, Visitor
from control_plane.sessions.repository import PEOPLES, StoredSessions
from control_plane.sessions.rules import Session, SessionKind
from tests.isolation.calls import NOW, SOON, Twin, in_control_plane
from tests.isolation.populated import Both

_PERSON = "p_a"
_DIGEST = b"d"
_SESSION = Session(
    public_id="s",
    kind=SessionKind.CONSOLE,
    person_id=_PERSON,
    account_id="operator",
    address="",
    agent="",
    created_at=NOW,
    seen_at=NOW,
    stepped_up_at=None,
    ends_at=SOON,
)

_PASSKEY = PasskeyRow(
    credential_id=_DIGEST,
    person_id=_PERSON,
    public_key=b"k",
    sign_count=0,
    name="A",
    created_at=NOW,
    used_at=None,
)

_ROW = PersonRow(
    id=_PERSON,
    email="a@example.org",
    password_hash=None,
    verified_at=NOW,
    totp_sealed=None,
    totp_last_step=0,
    recovery_digests=[],
    signed_in_at=None,
)

_SESSIONS = Sessions(PEOPLES)


def _keeper(both: Both) -> PeopleKeeper:
    return PeopleKeeper(both.database, _SESSIONS, Passwords(), mail.queue_letter, "")


REFUSED: dict[Callable[..., Any], Twin] = {
    mail.queue_letter: in_control_plane(
        lambda c, _: mail.queue_letter(c, Letter(to="a@example.org", subject="", words=()))
    ),
    members.add_member: in_control_plane(
        lambda c, _: members.add_member(c, "operator", _PERSON, Role.OWNER)
    ),
    members.first_account_of: in_control_plane(lambda c, _: members.first_account_of(c, _PERSON)),
    members.find_membership: in_control_plane(
        lambda c, _: members.find_membership(c, _PERSON, "operator")
    ),
    members.list_members: in_control_plane(lambda c, _: members.list_members(c, "operator")),
    passkeys.add_passkey: in_control_plane(lambda c, _: passkeys.add_passkey(c, _PASSKEY)),
    passkeys.find_passkey: in_control_plane(lambda c, _: passkeys.find_passkey(c, _DIGEST)),
    passkeys.passkeys_of: in_control_plane(lambda c, _: passkeys.passkeys_of(c, _PERSON)),
    passkeys.use_passkey: in_control_plane(
        lambda c, _: passkeys.use_passkey(c, _DIGEST, 1, NOW, NOW)
    ),
    passkeys.remove_passkey: in_control_plane(
        lambda c, _: passkeys.remove_passkey(c, _PERSON, _DIGEST)
    ),
    people.add_person: in_control_plane(
        lambda c, _: people.add_person(c, _PERSON, "b@example.org", None)
    ),
    people.find_by_email: in_control_plane(lambda c, _: people.find_by_email(c, "a@example.org")),
    people.find_person: in_control_plane(lambda c, _: people.find_person(c, _PERSON)),
    people.change_person: in_control_plane(
        lambda c, _: people.change_person(c, _PERSON, email="b@example.org")
    ),
    people.spend_step: in_control_plane(lambda c, _: people.spend_step(c, _PERSON, 1)),
    people.spend_recovery_code: in_control_plane(
        lambda c, _: people.spend_recovery_code(c, _PERSON, ["d"])
    ),
    people.add_link: in_control_plane(
        lambda c, _: people.add_link(c, _DIGEST, _PERSON, LinkPurpose.RESET, SOON)
    ),
    people.remove_links: in_control_plane(lambda c, _: people.remove_links(c, _PERSON)),
    people.spend_link: in_control_plane(
        lambda c, _: people.spend_link(c, _DIGEST, LinkPurpose.RESET, NOW)
    ),
    people.has_link: in_control_plane(
        lambda c, _: people.has_link(c, _DIGEST, LinkPurpose.RESET, NOW)
    ),
    PeopleKeeper.begin_signed_in: in_control_plane(
        lambda c, x: _keeper(x).begin_signed_in(
            c, _ROW, SessionKind.CONSOLE, Visitor("", ""), NOW, proof="password"
        )
    ),
    Sessions.begin: in_control_plane(
        lambda c, _: _SESSIONS.begin(
            c, SessionKind.CONSOLE, _PERSON, "operator", Visitor("", ""), NOW
        )
    ),
    Sessions.renew: in_control_plane(lambda c, _: _SESSIONS.renew(c, "token", NOW)),
    Sessions.move: in_control_plane(lambda c, _: _SESSIONS.move(c, "token", "operator", NOW)),
    Sessions.held: in_control_plane(lambda c, _: _SESSIONS.held(c, "token")),
    Sessions.find: in_control_plane(lambda c, _: _SESSIONS.find(c, "token", NOW)),
    Sessions.list_living: in_control_plane(lambda c, _: _SESSIONS.list_living(c, _PERSON, NOW)),
    Sessions.end: in_control_plane(lambda c, _: _SESSIONS.end(c, "token")),
    Sessions.end_one: in_control_plane(lambda c, _: _SESSIONS.end_one(c, _PERSON, "s")),
    Sessions.end_all: in_control_plane(lambda c, _: _SESSIONS.end_all(c, _PERSON)),
    Sessions.end_others: in_control_plane(lambda c, _: _SESSIONS.end_others(c, _PERSON, "token")),
    Sessions.end_in: in_control_plane(lambda c, _: _SESSIONS.end_in(c, _PERSON, "operator")),
    StoredSessions.add_session: in_control_plane(
        lambda c, _: PEOPLES.add_session(c, _DIGEST, _SESSION)
    ),
    StoredSessions.find_session: in_control_plane(lambda c, _: PEOPLES.find_session(c, _DIGEST)),
    StoredSessions.sessions_of: in_control_plane(lambda c, _: PEOPLES.sessions_of(c, _PERSON)),
    StoredSessions.note_use: in_control_plane(lambda c, _: PEOPLES.note_use(c, _DIGEST, NOW)),
    StoredSessions.remove_session: in_control_plane(
        lambda c, _: PEOPLES.remove_session(c, _DIGEST)
    ),
    StoredSessions.remove_by_public_id: in_control_plane(
        lambda c, _: PEOPLES.remove_by_public_id(c, _PERSON, "s")
    ),
    StoredSessions.remove_sessions_of: in_control_plane(
        lambda c, _: PEOPLES.remove_sessions_of(c, _PERSON)
    ),
    StoredSessions.remove_ended: in_control_plane(lambda c, _: PEOPLES.remove_ended(c, NOW, 10)),
}

TOUCHES_NO_TENANT: dict[Callable[..., Any], str] = {
    each: "what sessions.repository does, as a promise"
    for name, each in vars(SessionStore).items()
    if inspect.isfunction(each) and not name.startswith("_")
}
