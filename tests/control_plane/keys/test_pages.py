"""A12: the page of a tenant's signing keys, rotating them and revoking one."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from control_plane.audit.actions import LAST, list_events
from control_plane.audit.repository import Sought
from control_plane.audit.rules import TENANT, Chain
from control_plane.keys.actions import KeyKeeper, list_keys
from control_plane.keys.rules import HeldKey, Schedule
from control_plane.members.rules import Role
from control_plane.tenants.actions import NewTenant, create_tenant
from shared.domain.ids import TenantId
from shared.domain.snapshot import KeyState
from shared.runtime.database import Database
from shared.runtime.sealing import Sealer
from tests.control_plane.console import Browser, Console, make_account, text_of
from tests.support import new_slug

pytestmark = pytest.mark.usefixtures("quick_keys")


class Issuer:
    def __init__(self, account: str, slug: str, tenant: TenantId, database: Database) -> None:
        self.account = account
        self.path = f"/tenants/{slug}/keys"
        self.tenant = tenant
        self._database = database

    async def keys(self) -> dict[KeyState, HeldKey]:
        held = await list_keys(self._database, self.tenant)
        return {each.state: each for each in held}

    async def last_events(self, count: int) -> list[tuple[str, str]]:
        chain = Chain(TENANT, self.tenant)
        found = await list_events(self._database, chain, Sought(), before=LAST, limit=count)
        return [(each.action, each.actor_kind.value) for each in found]


@pytest.fixture
async def issuer(database: Database, sealer: Sealer) -> Issuer:
    account, slug = await make_account(database), new_slug()
    new = NewTenant(slug=slug, name=slug, account=account)
    return Issuer(account, slug, await create_tenant(database, sealer, new), database)


@pytest.fixture
async def owner(console: Console, issuer: Issuer) -> AsyncIterator[Browser]:
    async with console.signed_in(issuer.account) as browser:
        yield browser


async def test_the_page_names_each_key_its_state_and_what_comes_next(
    owner: Browser, issuer: Issuer
) -> None:
    current = (await issuer.keys())[KeyState.CURRENT]
    page = await owner.get(issuer.path)
    text = text_of(page)
    assert page.status_code == 200
    assert current.kid in text
    assert "/.well-known/jwks.json" in text
    assert "the first API that signs with EdDSA brings its key" in text
    assert current.current_at is not None
    due = current.current_at + Schedule().signs_for - Schedule().published_before
    assert f"{due:%Y-%m-%d %H:%M:%S} UTC : a next key is published" in text


async def test_rotate_now_publishes_a_next_key_and_is_then_under_way(
    owner: Browser, issuer: Issuer
) -> None:
    before = await issuer.keys()
    answer = await owner.post(f"{issuer.path}/rotate")
    assert (answer.status_code, answer.headers["location"]) == (303, issuer.path)
    after = await issuer.keys()
    assert after[KeyState.CURRENT] == before[KeyState.CURRENT]
    page = await owner.get(issuer.path)
    assert after[KeyState.NEXT].kid in page.text
    assert "begins to sign, and the current key retires" in page.text
    assert "A rotation is under way" in page.text
    await owner.post(f"{issuer.path}/rotate")  # as from another window: nothing is left to do
    assert await issuer.keys() == after
    assert await issuer.last_events(1) == [("key.make_next", "person")]


async def test_retired_keys_say_when_they_leave_the_key_set(
    owner: Browser, issuer: Issuer, database: Database, sealer: Sealer
) -> None:
    later = datetime.now(UTC) + Schedule().published_before + timedelta(minutes=1)
    await owner.post(f"{issuer.path}/rotate")
    await KeyKeeper(database, sealer, lambda: later).advance(issuer.tenant)
    retired = (await issuer.keys())[KeyState.RETIRED]
    text = text_of(await owner.get(issuer.path))
    assert retired.retired_at is not None
    leaves = retired.retired_at + Schedule().kept_after
    assert f"leaves the key set {leaves:%Y-%m-%d %H:%M:%S} UTC" in text
    assert f"{retired.kid[:8]}… leaves the key set" in text


async def test_revoking_says_what_breaks_asks_for_the_key_and_puts_another_in_its_place(
    owner: Browser, issuer: Issuer
) -> None:
    kid = (await issuer.keys())[KeyState.CURRENT].kid
    path = f"{issuer.path}/{kid}/revoke"
    asked = text_of(await owner.get(path))
    assert "Every token that it signed stops verifying" in asked
    assert "A new key is made and signs from now on" in asked
    wrong = await owner.post(path, typed=kid[:7])
    assert (wrong.status_code, "Nothing was revoked" in wrong.text) == (422, True)
    assert (await issuer.keys())[KeyState.CURRENT].kid == kid
    answer = await owner.post(path, typed=kid[:8])
    assert answer.headers["location"] == issuer.path
    assert (await issuer.keys())[KeyState.CURRENT].kid != kid
    assert (await issuer.last_events(2))[1] == ("key.remove", "person")
    assert (await owner.post(path, typed=kid[:8])).status_code == 404


async def test_the_page_of_a_revocation_names_the_heir(owner: Browser, issuer: Issuer) -> None:
    await owner.post(f"{issuer.path}/rotate")
    keys = await issuer.keys()
    asked = text_of(await owner.get(f"{issuer.path}/{keys[KeyState.CURRENT].kid}/revoke"))
    assert f"The next key, {keys[KeyState.NEXT].kid[:8]}…" in asked
    of_next = text_of(await owner.get(f"{issuer.path}/{keys[KeyState.NEXT].kid}/revoke"))
    assert "nothing breaks" in of_next


async def test_who_signed_in_a_while_ago_confirms_it_first(
    console: Console, issuer: Issuer
) -> None:
    earlier = datetime.now(UTC) - timedelta(minutes=11)
    kid = (await issuer.keys())[KeyState.CURRENT].kid
    async with console.signed_in(issuer.account, now=earlier) as browser:
        for path in ("rotate", f"{kid}/revoke"):
            answer = await browser.post(f"{issuer.path}/{path}", typed=kid[:8])
            assert answer.headers["location"].startswith("/signin/again")
        page = await browser.get(issuer.path)
        assert "confirm that it is you" in page.text
        assert "Rotate now</button>" not in page.text
    assert list(await issuer.keys()) == [KeyState.CURRENT]


@pytest.mark.parametrize("role", [Role.DEVELOPER, Role.READ_ONLY])
async def test_who_may_not_change_keys_sees_them_and_is_offered_nothing(
    console: Console, issuer: Issuer, role: Role
) -> None:
    async with console.signed_in(issuer.account, role) as browser:
        page = await browser.get(issuer.path)
        assert page.status_code == 200
        assert "Rotate now" not in page.text
        assert "Revoke" not in text_of(page)
        assert (await browser.post(f"{issuer.path}/rotate")).status_code == 403
