"""Who may do what to a team, by every route (hostile-inputs.md I9, I10); invitations; accounts."""

import asyncio
import re

import pytest
from sqlalchemy import text

from control_plane.audit.actions import list_events, verify
from control_plane.audit.repository import Sought
from control_plane.audit.rules import ACCOUNT, Chain
from control_plane.members.rules import MATRIX, ROLE_NAMES, Permission, Role
from shared.domain.plan import PlanName
from shared.runtime.database import Database
from tests.control_plane.console import Browser, Console, make_account, text_of
from tests.control_plane.team.teams import invited, new_email, new_member, team_of
from tests.support import AUDIT_KEYS


@pytest.mark.parametrize("role", list(Role))
async def test_each_role_on_each_route(
    console: Console, database: Database, account: str, role: Role
) -> None:
    member = await new_member(database, account, Role.DEVELOPER)
    owner = await new_member(database, account, Role.OWNER)
    email, invited_one = new_email(), (await invited(console, account))[0]
    may = Permission.CHANGE_MEMBERS in MATRIX[role]
    async with console.signed_in(account, role) as browser:
        before = await team_of(database, account)
        sees = await browser.get("/team")
        assert sees.status_code == (403 if role is Role.BILLING else 200)
        assert ("/team/invite" in sees.text) is may
        assert (await browser.get("/accounts")).status_code == 200
        routes = [
            ("/team/invite", {"email": email, "role": "read_only"}),
            ("/team/withdraw", {"email": invited_one}),
            (f"/team/{member}/role", {"role": "read_only"}),
            (f"/team/{member}/remove", {}),
        ]
        for path, fields in routes:
            answer = await browser.post(path, **fields)
            assert answer.status_code == (303 if may else 403), path
        if not may:
            assert await team_of(database, account) == before
        await _only_owners_make_owners(browser, owner, role)
        if role is not Role.OWNER:
            assert (await team_of(database, account))[owner] == Role.OWNER


async def _only_owners_make_owners(browser: Browser, owner: str, role: Role) -> None:
    refused = {Role.OWNER: 303, Role.ADMIN: 422}.get(role, 403)
    for path, fields in (
        ("/team/invite", {"email": new_email(), "role": "owner"}),
        (f"/team/{owner}/role", {"role": "admin"}),
    ):
        assert (await browser.post(path, **fields)).status_code == refused
    expected = refused if role is not Role.OWNER else 303
    assert (await browser.post(f"/team/{owner}/remove")).status_code == expected


async def test_the_last_owner_neither_goes_nor_steps_down(
    console: Console, database: Database, account: str
) -> None:
    async with console.signed_in(account) as owner:
        before = await team_of(database, account)
        (me,) = before
        for answer in (
            await owner.post(f"/team/{me}/remove"),
            await owner.post(f"/team/{me}/role", role="admin"),
        ):
            assert answer.status_code == 422
            assert "the last owner cannot go" in answer.text
        assert await team_of(database, account) == before


async def test_two_owners_who_remove_each_other_leave_one(
    console: Console, database: Database, account: str
) -> None:
    async with console.signed_in(account) as one, console.signed_in(account) as other:
        ids = list(await team_of(database, account))
        page = (await one.get("/team")).text
        mine = next(each for each in ids if f"/team/{each}/role" in page and _is_me(page, each))
        (theirs,) = set(ids) - {mine}
        await asyncio.gather(one.post(f"/team/{theirs}/remove"), other.post(f"/team/{mine}/remove"))
    assert list((await team_of(database, account)).values()) == [Role.OWNER]


def _is_me(page: str, person_id: str) -> bool:
    return f'{person_id}@example.com <span class="pill">you</span>' in page


async def test_members_and_invitations_of_another_account_are_not_there(
    console: Console, database: Database, account: str
) -> None:
    other = await make_account(database, PlanName.GROWTH)
    foreign = await new_member(database, other, Role.DEVELOPER)
    email, _ = await invited(console, other)
    before = await team_of(database, other)
    async with console.signed_in(account) as owner:
        absent = await owner.post("/team/p_0000000000000000/remove")
        for path, fields in (
            (f"/team/{foreign}/remove", {}),
            (f"/team/{foreign}/role", {"role": "owner"}),
            ("/team/withdraw", {"email": email}),
            ("/accounts/switch", {"account_id": other}),
        ):
            answer = await owner.post(path, **fields)
            assert (answer.status_code, text_of(answer)) == (404, text_of(absent))
    assert await team_of(database, other) == before


@pytest.mark.parametrize(
    "fields",
    [
        {"email": "ada@example.org", "role": "staff"},
        {"email": "ada@example.org", "role": ""},
        {"email": "no address", "role": "admin"},
        {"email": "a@example.org\r\nBcc: b@example.org", "role": "admin"},
    ],
    ids=["no-such-role", "no-role", "no-address", "header-injection"],
)
async def test_what_is_no_invitation_is_refused_and_changes_nothing(
    console: Console, database: Database, account: str, fields: dict[str, str]
) -> None:
    async with console.signed_in(account) as owner:
        before = await team_of(database, account)
        assert (await owner.post("/team/invite", **fields)).status_code == 422
        assert await team_of(database, account) == before


async def test_what_a_form_says_of_other_things_is_not_read(
    console: Console, database: Database, account: str
) -> None:
    other = await make_account(database)
    email = new_email()
    async with console.signed_in(account) as owner:
        fields = {"email": email, "role": "developer", "account_id": other, "plan": "business"}
        await owner.post("/team/invite", **fields)
    assert email in await team_of(database, account)
    assert await team_of(database, other) == {}


async def test_seats_are_those_of_the_plan_also_for_many_at_once(
    console: Console, database: Database
) -> None:
    account = await make_account(database, PlanName.STARTER)  # three members
    async with console.signed_in(account) as owner:
        answers = await asyncio.gather(
            *(owner.post("/team/invite", email=new_email(), role="developer") for _ in range(8))
        )
        codes = sorted(each.status_code for each in answers)
        assert codes == [303, 303, *[422] * 6]
        assert "3 of 3 seats taken" in (await owner.get("/team")).text
        (invited_one, *_) = [each for each in await team_of(database, account) if "@" in each]
        again = await owner.post("/team/invite", email=invited_one, role="admin")
        assert again.status_code == 303
    assert len(await team_of(database, account)) == 3


async def test_the_session_of_who_is_removed_or_changed_is_over_at_once(
    console: Console, account: str
) -> None:
    async with console.signed_in(account) as owner:
        for verb, fields in (("role", {"role": "read_only"}), ("remove", {})):
            async with console.signed_in(account, Role.ADMIN) as admin:
                page = await owner.get("/team")
                ids = re.findall(r"/team/(p_[0-9a-f]+)/remove", page.text)
                (person_id,) = [each for each in ids if await _is(admin, each)]
                assert (await admin.get("/team")).status_code == 200
                await owner.post(f"/team/{person_id}/{verb}", **fields)
                assert (await admin.get("/team")).status_code == 303  # to the sign-in


async def _is(browser: Browser, person_id: str) -> bool:
    return _is_me((await browser.get("/team")).text, person_id)


async def test_the_matrix_is_the_one_that_the_code_asks(console: Console, account: str) -> None:
    async with console.signed_in(account, Role.READ_ONLY) as browser:
        page = (await browser.get("/team")).text
    for permission in Permission:
        row = re.search(rf'<th scope="row">{permission.value}</th>(.*?)</tr>', page, re.DOTALL)
        assert row
        shown = ["yes" in cell for cell in re.findall(r"<td>(.*?)</td>", row[1])]
        assert shown == [permission in MATRIX[role] for role in ROLE_NAMES]


async def test_a_passkey_and_a_totp_are_second_factors(
    console: Console, database: Database, account: str
) -> None:
    with_passkey = await new_member(database, account, Role.DEVELOPER)
    with_totp = await new_member(database, account, Role.DEVELOPER)
    async with database.control() as connection:
        await connection.execute(
            text(
                "INSERT INTO control.passkey (credential_id, person_id, public_key, sign_count,"
                " name) VALUES (convert_to(:id, 'UTF8'), :id, '', 0, 'laptop')"
            ),
            {"id": with_passkey},
        )
        await connection.execute(
            text("UPDATE control.person SET totp_sealed = '\\x00' WHERE id = :id"),
            {"id": with_totp},
        )
    async with console.signed_in(account) as owner:
        page = (await owner.get("/team")).text
    assert page.count('<span class="pill good">on</span>') == 2
    assert page.count('<span class="pill warn">off</span>') == 1


async def test_every_change_of_the_team_is_in_the_accounts_log(
    console: Console, database: Database, account: str
) -> None:
    email, _ = await invited(console, account)
    member = await new_member(database, account, Role.DEVELOPER)
    async with console.signed_in(account) as owner:
        await owner.post("/team/withdraw", email=email)
        await owner.post(f"/team/{member}/role", role="admin")
        await owner.post(f"/team/{member}/remove")
    chain = Chain(ACCOUNT, account)
    found = await list_events(database, chain, Sought(action="member"), before=2**62, limit=10)
    assert [each.action for each in found] == [
        "member.remove",
        "member.change_role",
        "member.withdraw",
        "member.invite",
    ]
    assert (found[1].before, found[1].after) == ('{"role":"developer"}', '{"role":"admin"}')
    assert {each.actor_kind for each in found} == {"person"}
    assert (await verify(database, AUDIT_KEYS, chain)).broken is None
