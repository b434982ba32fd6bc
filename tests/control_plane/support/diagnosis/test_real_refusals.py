"""A refusal of the real data plane, found by its request id: the page says why."""

from collections.abc import Awaitable, Callable
from typing import TypeAlias

import httpx
import msgspec
import pytest
from sqlalchemy import update

from control_plane.accounts.actions import publish_limits, set_limits
from control_plane.accounts.rules import LimitsChange
from control_plane.clients.actions import disable_client
from control_plane.staff.rules import StaffRole
from control_plane.tenants.actions import suspend_tenant
from shared.domain.limits import Rate
from shared.domain.plan import PlanName
from shared.runtime.config import Config
from shared.runtime.database import Database
from shared.runtime.tables.control import account
from tests.control_plane.console import make_account, text_of
from tests.control_plane.support_app import StaffBrowser, Support
from tests.faults.load import claim_of, until_true
from tests.support import MadeTenant, basic_header, issued_token, make_tenant

pytestmark = pytest.mark.usefixtures("quick_keys")


class Customer(msgspec.Struct, frozen=True, kw_only=True):
    database: Database
    account_id: str
    made: MadeTenant

    @property
    def base(self) -> str:
        return f"/support/accounts/{self.account_id}/tenants/{self.made.slug}"


@pytest.fixture
async def customer(database: Database, config: Config) -> Customer:
    account_id = await make_account(database, PlanName.STARTER)
    made = await make_tenant(database, config, account=account_id)
    return Customer(database=database, account_id=account_id, made=made)


async def disable(customer: Customer) -> None:
    await disable_client(customer.database, customer.made.tenant_id, customer.made.client.client_id)


async def suspend(customer: Customer) -> None:
    await suspend_tenant(customer.database, customer.made.slug)


async def suspend_account(customer: Customer) -> None:
    async with customer.database.control() as connection:
        await connection.execute(
            update(account)
            .where(account.c.id == customer.account_id)
            .values(suspended="tokens", limits_version=account.c.limits_version + 1)
        )
    await publish_limits(customer.database, customer.account_id)


async def use_up(customer: Customer) -> None:
    await set_limits(customer.database, customer.account_id, LimitsChange(tokens=1))


async def slow_down(customer: Customer) -> None:
    await set_limits(customer.database, customer.account_id, LimitsChange(rate=Rate(1, 1)))


_ASKED: dict[str, tuple[dict[str, str], str]] = {
    "wrong scope": ({"scope": "read admin"}, "a scope that the client is not granted"),
    "wrong audience": (
        {"resource": "https://nobody.example"},
        "an API that the client is not granted",
    ),
    "wrong secret": ({"secret": "as_cs_no"}, "is none of the client's live ones"),
    "unknown client": (
        {"client": "c_nobody", "secret": "x"},
        "named no client that this tenant has",
    ),
    "nothing presented": ({"client": ""}, "neither a secret nor an assertion"),
    "another grant": ({"grant_type": "password"}, "Send grant_type=client_credentials"),
}


async def test_what_was_asked_wrongly_is_explained(
    customer: Customer, support: Support, http: httpx.AsyncClient
) -> None:
    refused = {name: await refusal(http, customer, asked) for name, (asked, _) in _ASKED.items()}
    async with support.signed_in(StaffRole.READER, customer.account_id) as browser:
        pages = {name: await explained(browser, answer) for name, answer in refused.items()}
    assert [name for name, (_, said) in _ASKED.items() if said not in pages[name]] == []


Arrange: TypeAlias = Callable[[Customer], Awaitable[None]]

_ARRANGED: dict[str, tuple[Arrange, str]] = {
    "disabled client": (disable, "is disabled"),
    "suspended tenant": (suspend, "The customer has suspended the tenant"),
    "suspended account": (suspend_account, "Support has suspended the account"),
    "month used up": (use_up, "are used up, for all its tenants"),
    "rate": (slow_down, "faster than the limit allows"),
}


@pytest.mark.parametrize(("arrange", "said"), _ARRANGED.values(), ids=_ARRANGED)
async def test_what_stops_a_right_request_is_explained(
    customer: Customer, support: Support, http: httpx.AsyncClient, arrange: Arrange, said: str
) -> None:
    await arrange(customer)
    refused = await refusal(http, customer, {})
    client_page = f"{customer.base}/clients/{customer.made.client.client_id}"
    async with support.signed_in(StaffRole.READER, customer.account_id) as browser:
        assert said in await explained(browser, refused)
        assert said in text_of(await browser.get(client_page))


async def test_a_token_is_found_by_its_jti(
    customer: Customer, support: Support, http: httpx.AsyncClient
) -> None:
    jti = str(claim_of(await issued_token(http, customer.made), "jti"))
    async with support.signed_in(StaffRole.READER, customer.account_id) as browser:
        page = await browser.get(await found(browser, jti))
    assert "Live" in text_of(page)
    assert customer.made.client.client_id in page.text


async def refusal(
    http: httpx.AsyncClient, customer: Customer, asked: dict[str, str]
) -> httpx.Response:
    """Ask for tokens until one is refused: what was arranged is known within a second."""
    client_id, secret = customer.made.basic
    basic = (asked.get("client", client_id), asked.get("secret", secret))
    form = {"grant_type": "client_credentials"} | {
        name: value for name, value in asked.items() if name not in {"client", "secret"}
    }
    answers: list[httpx.Response] = []

    async def is_refused() -> bool:
        headers = basic_header(*basic) if basic[0] else {}
        answers.append(await http.post(customer.made.token_endpoint, data=form, headers=headers))
        return answers[-1].status_code not in {200, 503}

    await until_true(is_refused, "nothing was refused")
    return answers[-1]


async def explained(browser: StaffBrowser, refused: httpx.Response) -> str:
    """Look for it by its request id, and give the text of the page that this leads to."""
    path = await found(browser, refused.headers["x-request-id"])
    assert "/refusals/" in path
    page = await browser.get(path)
    assert page.status_code == httpx.codes.OK
    text = text_of(page).replace("&#39;", "'")
    assert "Why it was refused" in text
    return text


async def found(browser: StaffBrowser, typed: str) -> str:
    """Search until the data plane has written it down; give where that leads."""
    answers: list[httpx.Response] = []

    async def is_found() -> bool:
        answers.append(await browser.client.get("/support/search", params={"q": typed}))
        return answers[-1].status_code == 303

    await until_true(is_found, f"{typed} was not found")
    return answers[-1].headers["location"]
