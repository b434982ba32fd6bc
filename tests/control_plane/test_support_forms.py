"""The forms of the support app: that which asks for the reason, and all of them filled wrongly."""

import re
from urllib.parse import urlencode

import pytest

from control_plane.staff.rules import StaffRole
from shared.runtime.database import Database
from tests.control_plane.console import make_account
from tests.control_plane.support_app import Support
from tests.control_plane.test_support_routes import ask, closed, is_reasoned
from web import ROOT

_HIDDEN = re.compile(r'type="hidden" name="(\w+)" value="([^"]*)"')
_FIELD = re.compile(r'name="([a-z_]+)"')


@pytest.fixture
async def account(database: Database) -> str:
    return await make_account(database)


async def test_the_form_that_asks_for_the_reason_goes_on_with_what_was_typed(
    support: Support, account: str
) -> None:
    path = f"/support/accounts/{account}"
    async with support.signed_in(StaffRole.READER) as browser:
        asked = await browser.post(f"{path}/open", ticket="T-1", next=f"{path}/limits")
        assert asked.status_code == 403
        assert f'action="{path}/open"' in asked.text
        assert 'name="ticket" maxlength="60" autocomplete="off" value="T-1"' in asked.text
        kept = dict(_HIDDEN.findall(asked.text))
        assert kept.keys() == {"csrf", "next"}
        answer = await browser.client.post(f"{path}/open", data=kept | {"reason": "They asked"})
        assert answer.headers["location"] == f"{path}/limits"


def fields_of_forms() -> set[str]:
    """Name every field that a form of support's has."""
    forms = (ROOT / "templates" / "support").rglob("*.html")
    named = {name for form in forms for name in _FIELD.findall(form.read_text())}
    assert {"next", "q"} <= named
    return named - {"csrf", "reason", "ticket"}


@pytest.mark.parametrize(
    "nonsense",
    ["", "-1", "2026-99-99", "\ufffd" * 99, "a_1,b_2\n\u202e"],
    ids=["empty", "negative", "no-day", "long", "unprintable"],
)
async def test_what_is_filled_in_with_nonsense_is_no_mistake_of_ours(
    support: Support, account: str, nonsense: str
) -> None:
    fields = dict.fromkeys(fields_of_forms(), nonsense)
    async with support.signed_in(StaffRole.LEAD, account) as browser:
        for route in closed(support):
            if is_reasoned(route):
                answer = await ask(browser, route, account, reason="a test", **fields)
            elif route.method == "GET":
                path = route.path.replace("{account_id}", account)
                answer = await browser.get(f"{path}?{urlencode(fields | {'before': nonsense})}")
            else:
                continue
            assert answer.status_code < 500, (route, answer.text)
