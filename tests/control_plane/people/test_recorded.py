"""What people do about their own sign-in is in the log of each account that they are in."""

from control_plane.audit.actions import list_events, verify
from control_plane.audit.repository import Sought
from control_plane.audit.rules import ACCOUNT, Chain, Event
from control_plane.members.repository import accounts_of, add_member
from control_plane.members.rules import Role
from control_plane.people.repository import find_by_email
from tests.control_plane.console import make_account
from tests.control_plane.passkeys.authenticator import Authenticator, register
from tests.control_plane.people.browsing import PASSWORD, Console, new_email, token_of
from tests.control_plane.people.browsing_second import half_signed_in, set_up
from tests.support import AUDIT_KEYS


async def account_of(console: Console, email: str) -> str:
    async with console.database.control() as connection:
        person = await find_by_email(connection, email)
        assert person is not None
        (held,) = await accounts_of(connection, person.id)
    return held.account_id


async def logged(console: Console, account: str) -> list[Event]:
    found = await list_events(
        console.database, Chain(ACCOUNT, account), Sought(), before=2**62, limit=100
    )
    return found[::-1]


def actions(events: list[Event]) -> list[str]:
    return [each.action for each in events]


async def test_from_sign_up_to_sign_out(console: Console) -> None:
    email = new_email()
    browser = await console.signed_up(email)
    account = await account_of(console, email)
    await browser.fill("/signout")
    again = await console.signed_in(email)
    await again.fill("/you/password", current=PASSWORD, new="another horse battery")
    await again.see("/you")
    await again.fill("/you/sessions/end-others")
    events = await logged(console, account)
    assert actions(events) == [
        "account.create",
        "person.confirm_address",
        "session.begin",
        "session.end",
        "session.begin",
        "person.change_password",
        "session.end_others",
    ]
    assert {each.actor_email for each in events} == {email}
    assert all(each.address and each.request_id for each in events)
    assert '"proof":"password"' in str(events[4].after)
    assert "horse" not in repr(events)
    assert (await verify(console.database, AUDIT_KEYS, Chain(ACCOUNT, account))).broken is None


async def test_failed_sign_ins_are_one_row_for_a_while(console: Console) -> None:
    email = new_email()
    await console.signed_up(email)
    account = await account_of(console, email)
    stranger = console.browser("203.0.113.9")
    await stranger.see("/signin")
    for _ in range(3):
        answer = await stranger.fill("/signin", email=email.upper(), password="wrong horse battery")
        assert answer.status_code == 422
    await stranger.fill("/signin", email=new_email(), password="wrong horse battery")
    refused = [each for each in await logged(console, account) if each.action == "session.refuse"]
    assert [(each.address, each.actor_email) for each in refused] == [("203.0.113.9", email)]


async def test_failed_passkeys_are_one_row_for_a_while(console: Console) -> None:
    email, device = new_email(), Authenticator()
    await register(await console.signed_up(email), device)
    copied = Authenticator(credential_id=device.credential_id)  # whose key is another
    stranger = console.browser("203.0.113.9")
    await stranger.see("/signin")
    for each in (Authenticator(), copied, copied):
        options = (await stranger.get("/signin/passkey/options")).json()
        answer = await stranger.fill("/signin/passkey", credential=each.get(options))
        assert answer.status_code == 422
    events = await logged(console, await account_of(console, email))
    refused = [each for each in events if each.action == "session.refuse"]
    assert [(each.address, each.actor_email) for each in refused] == [("203.0.113.9", email)]
    assert '"proof":"passkey"' in str(refused[0].after)


async def test_a_passkey_that_is_no_fresh_proof_is_in_the_log(console: Console) -> None:
    email, device = new_email(), Authenticator()
    browser = await console.signed_up(email)
    await register(browser, device)
    options = (await browser.get("/signin/passkey/options")).json()  # for another purpose
    answer = await browser.fill("/signin/again/passkey", credential=device.get(options))
    assert answer.status_code == 422
    events = await logged(console, await account_of(console, email))
    assert events[-1].action == "session.refuse"
    assert '"proof":"step-up"' in str(events[-1].after)


async def test_a_reset_names_who_reset_it_and_from_where(console: Console) -> None:
    email = new_email()
    browser = await console.signed_up(email)
    await browser.see("/reset")
    await browser.fill("/reset", email=email)
    link = await console.last_link(email)
    await browser.see(link)
    await browser.fill("/reset/choose", token=token_of(link), password="another horse battery")
    events = await logged(console, await account_of(console, email))
    assert events[-1].action == "person.reset_password"
    assert events[-1].address == "192.0.2.1"


async def test_a_second_factor_from_on_to_off(console: Console) -> None:
    email = new_email()
    browser = await console.signed_up(email)
    app, _ = await set_up(browser)
    await browser.see("/you/second-factor")
    await browser.fill("/you/second-factor/codes")
    other = await half_signed_in(console, email)
    await other.fill("/signin/second", code="000000")
    await other.fill("/signin/second", code=app.code)
    await browser.fill("/you/second-factor/off")
    events = await logged(console, await account_of(console, email))
    assert actions(events)[3:] == [
        "second_factor.turn_on",
        "second_factor.renew_codes",
        "session.refuse",
        "session.begin",
        "second_factor.turn_off",
    ]
    assert '"proof":"second factor"' in str(events[-2].after)
    assert app.secret not in repr(events)


async def test_it_is_in_each_account_that_they_are_in(console: Console) -> None:
    email = new_email()
    browser = await console.signed_up(email)
    own, other = await account_of(console, email), await make_account(console.database)
    async with console.database.control() as connection:
        person = await find_by_email(connection, email)
        assert person is not None
        await add_member(connection, other, person.id, Role.READ_ONLY)
    await browser.fill("/accounts/switch", account_id=other)
    await browser.see("/you")
    await browser.fill("/signout")
    assert actions(await logged(console, own))[-1] == "session.end"
    assert actions(await logged(console, other))[-2:] == ["session.switch", "session.end"]
