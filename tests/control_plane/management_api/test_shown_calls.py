"""The curl under "API / CLI" of a page is of an operation that there is, and does what it says."""

import json
import re
import shlex
from collections.abc import AsyncIterator
from html import unescape
from urllib.parse import parse_qs, urlsplit

import httpx
import msgspec
import pytest

from control_plane.apis.rules import ref_of
from control_plane.http.api_calls import api_call
from control_plane.keys.actions import list_keys
from control_plane.management_api.of_clients import ChangeOfClient
from control_plane.management_api.router import openapi_document
from shared.domain.jwk import Algorithm, generate_private_key, public_jwk
from shared.domain.snapshot import KeyState
from tests.control_plane.console import CONSOLE_URL, Browser
from tests.control_plane.management_api.conftest import Program, Scene

NEW_API = "https://api.example.com"  # the one of the form's placeholder

SHOWN_SOMEWHERE = {
    "list_tenants",
    "create_tenant",
    "list_clients",
    "list_apis",
    "register_client",
    "change_client",
    "disable_client",
    "enable_client",
    "delete_client",
    "add_secret",
    "revoke_secret",
    "rotate_secret",
    "finish_rotation",
    "cancel_rotation",
    "create_api",
    "change_api",
    "delete_api",
    "list_keys",
    "rotate_keys",
    "revoke_key",
    "suspend_tenant",
    "resume_tenant",
    "revoke_tokens",
}


class Call(msgspec.Struct, frozen=True):
    method: str
    url: str
    body: str | None

    @property
    def operation(self) -> str:
        """Name the operation of the OpenAPI document that it is."""
        parts = urlsplit(self.url)
        for path, operations in openapi_document()["paths"].items():
            found = operations.get(self.method.lower())
            if found and re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", path), parts.path):
                known = {each["name"] for each in found["parameters"] if each["in"] == "query"}
                assert parse_qs(parts.query).keys() <= known, self.url
                assert (self.body is not None) is ("requestBody" in found), self.url
                return str(found["operationId"])
        pytest.fail(f"there is no {self.method} {self.url}")


def read_calls(commands: str) -> list[Call]:
    """Read each line as a shell does."""
    calls = []
    for line in commands.splitlines():
        if line.startswith("curl -X "):
            _, _, method, url, _, token, *sent = shlex.split(line)
            assert token == "Authorization: Bearer $TOKEN"
            assert url.startswith(f"{CONSOLE_URL}/api/v1/")
            assert sent[:3] in ([], ["-H", "Content-Type: application/json", "-d"])
            calls.append(Call(method, url, sent[3] if sent else None))
    return calls


class Walker:
    """Goes through pages, and sends what they show."""

    def __init__(self, browser: Browser, program: Program) -> None:
        self._browser = browser
        self._program = program
        self.seen: set[str] = set()

    async def calls(self, path: str) -> list[Call]:
        page = await self._browser.get(path)
        assert page.status_code == httpx.codes.OK, path
        blocks = re.findall(r"<pre[^>]*><code>(.*?)</code>", page.text, re.DOTALL)
        copied = re.findall(r'data-copy="([^"]*)"', page.text)
        found, buttons = (
            [call for text in texts for call in read_calls(unescape(text))]
            for texts in (blocks, copied)
        )
        assert found == buttons  # the one beside what is shown copies just that
        self.seen |= {each.operation for each in found}
        return found

    async def send(self, path: str) -> None:
        for call in await self.calls(path):
            await self.send_call(call)

    async def send_call(self, call: Call) -> None:
        headers = {"Content-Type": "application/json"} if call.body else {}
        answer = await self._program.request(
            call.method, call.url, content=call.body, headers=headers
        )
        assert answer.is_success, (call, answer.text)


@pytest.fixture
async def walker(scene: Scene, program: Program) -> AsyncIterator[Walker]:
    async with scene.console.signed_in(scene.account) as browser:
        yield Walker(browser, program)


async def add_client_with_a_key(scene: Scene, program: Program) -> str:
    key = msgspec.to_builtins(public_jwk(generate_private_key(Algorithm.ES256)))
    new = {"name": "signs", "apis": [scene.audience], "auth_method": "private_key_jwt"}
    made = await program.post(f"{scene.path}/clients", json=new | {"keys": {"jwks": [key]}})
    assert made.is_success, made.text
    return str(made.json()["client_id"])


async def test_what_pages_show_is_in_the_openapi_document_and_works(
    scene: Scene, program: Program, walker: Walker
) -> None:
    clients, apis, keys = (f"{scene.path}/{each}" for each in ("clients", "apis", "keys"))
    client = f"{clients}/{scene.client_id}"
    for path in ("/tenants", clients, apis):
        await walker.send(path)
    [create] = await walker.calls("/start/another")  # with a slug that may be somebody's
    assert json.loads(create.body or "").keys() == {"slug", "name", "environment"}
    for path in (f"{clients}/new", f"{client}/settings", f"{client}/apis", f"{client}/limits"):
        await walker.send(path)

    signing = await add_client_with_a_key(scene, program)
    [change] = await walker.calls(f"{clients}/{signing}/keys")  # its address is nobody's
    assert msgspec.json.decode(change.body or "", type=ChangeOfClient).keys is not None

    await walker.send(f"{client}/credentials")  # adds one, begins a rotation, ends the oldest
    _, finish, cancel, _ = await walker.calls(f"{client}/credentials")
    assert finish.operation == "finish_rotation"
    await walker.send_call(cancel)
    await walker.send(f"{client}/danger")  # ends with deleting it

    await walker.send(f"{apis}/new")
    for tab in ("", "/scopes", "/danger"):
        await walker.send(f"{apis}/{ref_of(NEW_API)}{tab}")

    await walker.send(keys)
    held = await list_keys(scene.database, scene.tenant)
    following = next(each for each in held if each.state is KeyState.NEXT)
    await walker.send(f"{keys}/{following.kid}/revoke")
    await walker.send(f"{scene.path}/settings")  # suspends it
    await walker.send(f"{scene.path}/settings")  # resumes it
    assert walker.seen == SHOWN_SOMEWHERE


async def test_what_a_client_may_ask_for_is_the_same_after_what_its_page_shows(
    scene: Scene, program: Program, walker: Walker
) -> None:
    path = f"{scene.path}/clients/{scene.client_id}"
    before = (await program.get(path)).json()
    await walker.send(f"{path}/apis")
    await walker.send(f"{path}/settings")
    assert (await program.get(path)).json() == before


def test_a_shell_reads_each_word_as_it_was_meant() -> None:
    name, identifier = "a/b 'c' \"$(reboot)\"\n#?", "urn:x?a=b&c=d e"
    body = {"name": name, "apis": [identifier], "scopes": frozenset({"read"})}
    shown = api_call(CONSOLE_URL, "PUT", ["secrets", name], body=body, identifier=identifier)
    [call] = read_calls(shown)
    url = urlsplit(call.url)
    assert url.path.count("/") == "/api/v1/secrets/x".count("/")
    assert parse_qs(url.query) == {"identifier": [identifier]}
    assert json.loads(call.body or "") == body | {"scopes": ["read"]}
