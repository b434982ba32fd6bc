"""Whoever is signed in stands in the log for what they change by the console's pages."""

from control_plane.audit.actions import list_events
from control_plane.audit.repository import Sought
from control_plane.audit.rules import TENANT, ActorKind, Chain
from shared.runtime.database import Database
from tests.control_plane.clients.console_pages import make_site
from tests.control_plane.console import Console, shown_secret


async def test_every_change_by_a_page_names_the_person_and_no_secret(
    console: Console,
    database: Database,
    quick_keys: None,  # noqa: ARG001 - it acts by being there
) -> None:
    site = await make_site(console, database)
    async with site.browser() as browser:
        made = await browser.post(f"{site.client}/credentials", name="second", expires="0")
        await browser.post(f"{site.client}/credentials/end", name="second")
        rotated = await browser.post(f"{site.client}/credentials/rotate", overlap="3600")
        await browser.post(f"{site.client}/credentials/finish")
        await browser.post(f"{site.client}/settings", name="renamed", dpop="required")
        await browser.post(f"{site.client}/disable")
        await browser.post(f"{site.client}/enable")
        await browser.post(f"{site.client}/revoke")
        await browser.post(f"{site.client}/delete", typed="renamed")
    found = await list_events(
        database, Chain(TENANT, site.tenant), Sought(), before=2**62, limit=100
    )
    assert [each.action for each in found[::-1]] == [
        "tenant.create",
        "api.create",
        "client.register",
        "secret.add",
        "secret.revoke",
        "secret.start_rotation",
        "secret.finish_rotation",
        "client.change",
        "client.disable",
        "client.enable",
        "client.revoke_tokens",
        "client.delete",
    ]
    assert {each.actor_kind for each in found} == {ActorKind.PERSON}
    assert all(each.actor_email.endswith("@example.com") for each in found)
    assert all(each.address and each.request_id for each in found)
    for answer in (made, rotated):
        assert shown_secret(answer) not in repr(found)
