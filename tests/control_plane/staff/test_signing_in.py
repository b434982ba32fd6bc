"""Staff enrol by a link that is good once, and sign in by passkey or by password and code."""

from datetime import timedelta
from secrets import token_hex

import pytest
from sqlalchemy import select

from control_plane.http.cookies import SUPPORT
from control_plane.sessions.actions import Sessions
from control_plane.sessions.repository import STAFFS
from control_plane.sessions.rules import LIFETIMES, SessionKind
from control_plane.staff.actions import StaffKeeper
from control_plane.staff.rules import StaffRefused, StaffRole
from shared.runtime.tables.staff import staff, staff_event, staff_link, staff_session
from tests.control_plane.console import text_of
from tests.control_plane.passkeys.authenticator import Authenticator
from tests.control_plane.staff.visiting import (
    PASSWORD,
    code,
    device,
    enrol_by_passkey,
    enrol_by_password,
    found,
    now,
    visiting,
)
from tests.control_plane.support_app import SUPPORT_URL, Support


@pytest.fixture
def keeper(support: Support) -> StaffKeeper:
    return StaffKeeper(support.database, Sessions(STAFFS))


@pytest.fixture
def email() -> str:
    return f"sam-{token_hex(4)}@staff.example"


@pytest.fixture
async def token(keeper: StaffKeeper, email: str) -> str:
    return await keeper.create(email, "Sam", StaffRole.AGENT, now())


async def recorded(support: Support, email: str) -> list[str]:
    """Give what the staff audit says was done by or to them, in order."""
    async with support.database.control() as connection:
        rows = await connection.execute(
            select(staff_event.c.action)
            .where(
                (staff_event.c.actor_email == email) | (staff_event.c.target == f"staff {email}")
            )
            .order_by(staff_event.c.seq)
        )
    return [row.action for row in rows]


async def test_a_passkey_enrols_signs_in_and_out(support: Support, email: str, token: str) -> None:
    made = device()
    async with visiting(support) as visit:
        assert (await enrol_by_passkey(visit, token, made)).headers["location"] == "/support"
        assert "Hello, Sam" in text_of(await visit.see("/support"))
        first = visit.session
        await visit.fill("/support/signout")
        assert visit.session == ""
        await visit.see("/support/signin")
        options = (await visit.client.get("/support/signin/passkey/options")).json()
        credential = made.get(options)
        answer = await visit.fill("/support/signin/passkey", credential=credential, next="")
        assert answer.headers["location"] == "/support"
        assert visit.session not in {"", first}
    assert await recorded(support, email) == [
        *("staff.create", "staff.enrol", "session.begin", "session.end", "session.begin"),
    ]


async def test_a_password_is_half_and_a_code_the_other_half(
    support: Support, email: str, token: str
) -> None:
    async with visiting(support) as visit:
        codes = await enrol_by_password(visit, token)
    async with visiting(support) as visit:
        await visit.see("/support/signin")
        answer = await visit.fill(
            "/support/signin", email=email, password=PASSWORD, next="/support/work"
        )
        assert answer.headers["location"] == "/support/signin/second?next=%2Fsupport%2Fwork"
        half = visit.session
        assert (await visit.see("/support")).headers["location"] == "/support/signin/second"
        await visit.see("/support/signin/second")
        used = await visit.fill("/support/signin/second", code=codes.spent, next="")
        assert used.status_code == 422, "the code of enrolment is spent"
        answer = await visit.fill(
            "/support/signin/second", code=code(codes.secret, 1), next="/support/work"
        )
        assert answer.headers["location"] == "/support/work"
        assert visit.session != half
        visit.client.cookies.set(SUPPORT.session, half)
        assert (await visit.see("/support")).headers["location"].startswith("/support/signin?")
    assert "session.refuse" in await recorded(support, email)


@pytest.mark.parametrize(
    ("name", "password"),
    [("", "another password"), ("nobody-", PASSWORD)],
    ids=["wrong", "unknown"],
)
async def test_what_does_not_belong_together_is_refused_in_one_way(
    support: Support, email: str, token: str, name: str, password: str
) -> None:
    async with visiting(support) as visit:
        await enrol_by_password(visit, token)
        await visit.see("/support")
        await visit.fill("/support/signout")
        await visit.see("/support/signin")
        answer = await visit.fill("/support/signin", email=name + email, password=password)
        assert answer.status_code == 422
        assert "the address or the password is not right" in text_of(answer)
        assert visit.session == ""
    assert ("session.refuse" in await recorded(support, email)) is (name == "")


async def test_a_link_is_good_once_and_for_two_days(
    support: Support, keeper: StaffKeeper, email: str, token: str
) -> None:
    async with visiting(support) as visit:
        await enrol_by_passkey(visit, token, device())
    async with visiting(support) as visit:
        assert (await visit.see(f"/support/enrol?token={token}")).status_code == 422
        again = await enrol_by_passkey(visit, token, device())
        assert again.status_code in {403, 422}
        assert visit.session == ""
    late = await keeper.reset(email, now() - timedelta(hours=48, seconds=1))
    async with visiting(support) as visit:
        assert (await visit.see(f"/support/enrol?token={late}")).status_code == 422
        assert (await visit.see("/support/enrol")).status_code == 422


async def test_what_is_refused_does_not_use_the_link_up(support: Support, token: str) -> None:
    async with visiting(support) as visit:
        page = (await visit.see(f"/support/enrol?token={token}")).text
        secret, sealed = (
            found(r'id="secret">([A-Z2-7]+)<', page),
            found(r'"sealed" value="(.*?)"', page),
        )
        form = {"token": token, "sealed": sealed, "password": PASSWORD, "code": code(secret)}
        for wrong in ({"password": "short"}, {"code": "000000"}, {"sealed": "AAAA"}):
            answer = await visit.fill("/support/enrol/password", **form | wrong)
            assert answer.status_code == 422, wrong
        unverified = Authenticator(host="support.test", origin=SUPPORT_URL, verifies=False)
        assert (await enrol_by_passkey(visit, token, unverified)).status_code == 422
        assert visit.session == ""
        await enrol_by_password(visit, token)


async def test_who_is_disabled_or_reset_is_out_at_once(
    support: Support, keeper: StaffKeeper, email: str, token: str
) -> None:
    made = device()
    async with visiting(support) as visit:
        await enrol_by_passkey(visit, token, made)
        await keeper.disable(email, now())
        assert (await visit.see("/support")).headers["location"].startswith("/support/signin?")
        await visit.see("/support/signin")
        options = (await visit.client.get("/support/signin/passkey/options")).json()
        answer = await visit.fill("/support/signin/passkey", credential=made.get(options))
        assert answer.status_code == 422
        link = await keeper.reset(email, now())
        options = (await visit.client.get("/support/signin/passkey/options")).json()
        answer = await visit.fill("/support/signin/passkey", credential=made.get(options))
        assert answer.status_code == 422, "the passkey of before is gone"
        assert (await enrol_by_passkey(visit, link, device())).headers["location"] == "/support"
    said = await recorded(support, email)
    assert [each for each in said if each.startswith("staff.")] == [
        *("staff.create", "staff.enrol", "staff.disable", "staff.reset", "staff.enrol")
    ]


async def test_another_role_asks_to_sign_in_anew(
    support: Support, keeper: StaffKeeper, email: str, token: str
) -> None:
    async with visiting(support) as visit:
        await enrol_by_passkey(visit, token, device())
        await keeper.set_role(email, StaffRole.LEAD)
        assert (await visit.see("/support")).status_code == 303


async def test_a_command_refuses_who_is_there_already_or_is_not(
    keeper: StaffKeeper, email: str, token: str
) -> None:
    assert token
    with pytest.raises(StaffRefused):
        await keeper.create(email.upper(), "Sam", StaffRole.LEAD, now())
    with pytest.raises(StaffRefused):
        await keeper.disable("nobody@staff.example", now())


async def test_a_session_ends_when_idle_and_in_any_case(support: Support) -> None:
    lifetime = LIFETIMES[SessionKind.STAFF]
    assert (lifetime.idle, lifetime.absolute) == (timedelta(minutes=15), timedelta(hours=4))
    for ago, used, lives in (
        (timedelta(minutes=14), False, True),
        (timedelta(minutes=15), False, False),
        (timedelta(hours=3, minutes=59), True, True),
        (timedelta(hours=4), True, False),
    ):
        async with support.signed_in(StaffRole.READER, now=now() - ago) as browser:
            if used:
                await support.keep_awake(browser)
            assert ((await browser.get("/support")).status_code == 200) is lives, ago


async def test_what_rests_is_no_secret_that_the_browser_has(
    support: Support, email: str, token: str
) -> None:
    async with visiting(support) as visit:
        await enrol_by_password(visit, token)
        async with support.database.control() as connection:
            rests = [
                repr((await connection.execute(select(each))).all())
                for each in (staff, staff_link, staff_session, staff_event)
            ]
        for secret in (token, PASSWORD, visit.session):
            assert secret not in "".join(rests)
    assert email in rests[0]


async def test_guessing_is_bounded(support: Support, email: str, token: str) -> None:
    async with visiting(support) as visit:
        await enrol_by_password(visit, token)
    async with visiting(support) as visit:
        await visit.see("/support/signin")
        guess = {"email": email, "password": "wrong wrong wrong"}
        answers = [await visit.fill("/support/signin", **guess) for _ in range(11)]
        assert {each.status_code for each in answers} == {422, 429}
        answer = await visit.fill("/support/signin", email=email, password=PASSWORD)
        assert answer.status_code == 429
        assert int(answer.headers["retry-after"]) > 0
        assert visit.session == ""


async def test_a_planted_session_id_is_not_taken_up(support: Support, token: str) -> None:
    planted = "planted-by-somebody-else"
    async with visiting(support) as visit:
        visit.client.cookies.set(SUPPORT.session, planted, domain="support.test", path="/")
        await enrol_by_passkey(visit, token, device())
        assert visit.session not in {"", planted}
    async with visiting(support) as other:
        other.client.cookies.set(SUPPORT.session, planted)
        assert (await other.see("/support")).status_code == 303


async def test_a_page_of_another_site_leads_nowhere_but_to_support(
    support: Support, token: str
) -> None:
    made = device()
    async with visiting(support) as visit:
        await enrol_by_passkey(visit, token, made)
        for target in ("//evil.example", "https://evil.example", "/\\evil", "/tenants", ""):
            await visit.see("/support")
            await visit.fill("/support/signout")
            await visit.see("/support/signin")
            options = (await visit.client.get("/support/signin/passkey/options")).json()
            answer = await visit.fill(
                "/support/signin/passkey", credential=made.get(options), next=target
            )
            assert answer.headers["location"] == "/support", target
