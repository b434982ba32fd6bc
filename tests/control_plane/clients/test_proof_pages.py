"""Public keys, workload rules and limits of clients in the browser."""

import json
from collections.abc import AsyncIterator

import msgspec
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from control_plane.clients.actions import register_client, show_client
from control_plane.clients.repository import ClientRow
from control_plane.clients.rules import ClientKeys, NewClient
from control_plane.members.rules import Role
from shared.domain.client import AuthMethod
from shared.domain.client_jwk import thumbprint
from shared.domain.ids import ClientId
from shared.domain.workload_presets import PRESETS
from shared.runtime.database import Database
from tests.assertions import new_key_pair
from tests.control_plane.clients.console_pages import Site, make_site
from tests.control_plane.console import Browser, Console, text_of

pytestmark = pytest.mark.usefixtures("quick_keys")

FIRST, SECOND = new_key_pair("k1")[1], new_key_pair("k2")[1]
PUBLISHED = "https://client.example/jwks.json"


@pytest.fixture
async def site(console: Console, database: Database) -> Site:
    return await make_site(console, database)


@pytest.fixture
async def browser(site: Site) -> AsyncIterator[Browser]:
    async with site.browser() as opened:
        yield opened


async def register(site: Site, database: Database, method: AuthMethod) -> ClientId:
    keys = ClientKeys(jwks=(FIRST,)) if method is AuthMethod.PRIVATE_KEY_JWT else None
    new = NewClient(
        name="prover",
        apis=(f"https://api.{site.slug}.example",),
        auth_method=method,
        keys=keys,
    )
    peppers = site.console.config.secret_peppers
    return (await register_client(database, peppers, site.tenant, new)).client_id


@pytest.fixture
async def signer(site: Site, database: Database) -> ClientId:
    return await register(site, database, AuthMethod.PRIVATE_KEY_JWT)


@pytest.fixture
async def workload(site: Site, database: Database) -> ClientId:
    return await register(site, database, AuthMethod.WORKLOAD_IDENTITY)


async def held(site: Site, database: Database, client_id: ClientId) -> ClientRow:
    return (await show_client(database, site.tenant, client_id)).client


def pem() -> str:
    key = ec.generate_private_key(ec.SECP256R1()).public_key()
    kind = serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_bytes(serialization.Encoding.PEM, kind).decode()


async def test_keys_are_added_listed_and_removed(
    site: Site, database: Database, browser: Browser, signer: ClientId
) -> None:
    page = f"{site.clients}/{signer}/keys"
    shown = await browser.get(page)
    assert thumbprint(FIRST) in shown.text
    assert "Public keys" in shown.text
    for pasted in (msgspec.json.encode(SECOND).decode(), pem()):
        assert (await browser.post(page, keys=pasted)).status_code == 303
    assert len((await held(site, database, signer)).jwks or []) == 3
    assert "none: tried for each request" in (await browser.get(page)).text
    await browser.post(f"{page}/remove", thumbprint=thumbprint(FIRST))
    kids = [key.kid for key in (await held(site, database, signer)).jwks or []]
    assert kids == ["k2", None]


async def test_keys_move_to_an_address_and_back(
    site: Site, database: Database, browser: Browser, signer: ClientId
) -> None:
    page = f"{site.clients}/{signer}/keys"
    await browser.post(f"{page}/uri", uri=PUBLISHED)
    assert (await held(site, database, signer)).keys == ClientKeys(jwks_uri=PUBLISHED)
    assert PUBLISHED in (await browser.get(page)).text
    await browser.post(page, keys=msgspec.json.encode({"keys": [SECOND]}).decode())
    assert (await held(site, database, signer)).keys == ClientKeys(jwks=(SECOND,))


async def test_keys_that_cannot_be_are_refused_with_the_reason(
    site: Site, database: Database, browser: Browser, signer: ClientId
) -> None:
    page = f"{site.clients}/{signer}/keys"
    private = "-----BEGIN PRIVATE KEY-----\nMC4=\n-----END PRIVATE KEY-----"
    inside = "https://169.254.169.254/jwks.json"
    for path, fields, says in (
        (page, {"keys": "no key"}, "not JSON"),
        (page, {"keys": private}, "private key"),
        (page, {"keys": json.dumps({"kty": "oct", "k": "eA"})}, "private or secret member"),
        (page, {"keys": msgspec.json.encode(FIRST).decode()}, "already"),
        (f"{page}/remove", {"thumbprint": thumbprint(FIRST)}, "needs a key set"),
        (f"{page}/uri", {"uri": inside}, "private or reserved"),
        (f"{page}/uri", {"uri": "http://client.example/"}, "https"),
        (f"{page}/uri", {"uri": ""}, "https URL"),
    ):
        refused = await browser.post(path, **fields)
        assert (refused.status_code, says in text_of(refused)) == (422, True), fields
    assert (await held(site, database, signer)).keys == ClientKeys(jwks=(FIRST,))


async def test_a_client_that_signs_or_has_a_workload_is_created_in_the_browser(
    site: Site, browser: Browser
) -> None:
    fields = {"name": "new", f"api:https://api.{site.slug}.example": "1"}
    for proof in (
        {"method": "private_key_jwt", "keys": pem()},
        {"method": "private_key_jwt", "uri": PUBLISHED},
        {"method": "workload_identity", "keys": "left from the other choice"},
    ):
        made = await browser.post(f"{site.clients}/new", **fields, **proof)
        assert made.status_code == 200, text_of(made)
        assert "client_assertion" in made.text
        assert "as_cs_" not in made.text
    for wrong in (
        {"method": "private_key_jwt"},
        {"method": "private_key_jwt", "keys": "x"},
        {"method": "private_key_jwt", "uri": "https://127.0.0.1/"},
    ):
        refused = await browser.post(f"{site.clients}/new", **fields, **wrong)
        assert refused.status_code == 422
        assert 'value="private_key_jwt" checked' in refused.text


OF_PRESETS = {
    "github": {"repository": "acme/app", "ref": "main"},
    "gitlab": {"project": "acme/app"},
    "kubernetes": {
        "issuer": "https://k8s.example",
        "namespace": "default",
        "service_account": "deployer",
    },
    "google": {"service_account": "a@b.iam.gserviceaccount.com"},
    "azure": {
        "azure_tenant": "t",
        "object_id": "o",
        "audience": "api://x",
        "token_version": "1",
    },
    "spiffe": {"issuer": "https://spire.example", "trust_domain": "example.org", "path": "/ns/*"},
    "own": {"issuer": "https://own.example", "claims": "sub=deployer\r\n/a/b = c*"},
}


async def test_a_rule_of_each_platform_is_added_and_removed(
    site: Site, database: Database, browser: Browser, workload: ClientId
) -> None:
    assert OF_PRESETS.keys() == {*PRESETS, "own"}
    page = f"{site.clients}/{workload}/workloads"
    assert "No rule yet" in (await browser.get(page)).text
    for preset, fields in OF_PRESETS.items():
        form = await browser.get(f"{page}?preset={preset}")
        assert all(f'name="{name}"' in form.text for name in fields)
        data = {"csrf": browser.csrf, "preset": preset, "name": preset} | fields
        added = await browser.client.post(page, data=data)  # one of the fields is named `path`
        assert added.status_code == 303, text_of(added)
    rules = {rule.name: rule for rule in (await held(site, database, workload)).workloads}
    assert rules.keys() == OF_PRESETS.keys()
    assert rules["github"].claims == {"repository": "acme/app", "ref": "refs/heads/main"}
    assert rules["own"].claims == {"sub": "deployer", "/a/b": "c*"}
    for name in OF_PRESETS:
        await browser.post(f"{page}/remove", name=name)
    assert (await held(site, database, workload)).workloads == []
    assert (await browser.post(f"{page}/remove", name="gone")).status_code == 422


async def test_a_rule_that_cannot_be_is_refused_and_nothing_typed_is_lost(
    site: Site, database: Database, browser: Browser, workload: ClientId
) -> None:
    page = f"{site.clients}/{workload}/workloads"
    for fields, says in (
        ({"preset": "github", "name": "kept", "repository": "**/app"}, "everybody has tokens"),
        ({"preset": "azure", "name": "kept", "azure_tenant": "t"}, "the rule needs"),
        ({"preset": "own", "name": "kept", "issuer": "https://x.example"}, "a pattern for 1 to"),
        ({"preset": "own", "name": "kept", "issuer": "https://x", "claims": "x"}, "claim=pattern"),
        (
            {"preset": "own", "name": "kept", "issuer": "https://x", "claims": "a=b", "keys": "{}"},
            "a key set is",
        ),
    ):
        refused = await browser.post(page, **fields)
        assert (refused.status_code, says in text_of(refused)) == (422, True), fields
        assert 'value="kept"' in refused.text
    assert (await held(site, database, workload)).workloads == []


async def test_a_dry_run_says_which_rule_takes_a_jwt_and_why_another_does_not(
    site: Site, browser: Browser, workload: ClientId
) -> None:
    page = f"{site.clients}/{workload}/workloads"
    for name, repository in (("app", "acme/app"), ("site", "acme/site")):
        await browser.post(page, preset="github", name=name, repository=repository)
    claims = {
        "iss": "https://token.actions.githubusercontent.com",
        "aud": f"{site.console.config.public_url}/t/{site.slug}",
        "repository": "acme/app",
        "secret": "never-shown",
    }
    tried = await browser.post(f"{page}/explain", token=json.dumps(claims))
    assert "Matches app" in text_of(tried)
    assert "No match site : the claim repository is" in text_of(tried)
    assert "never-shown" not in tried.text
    assert (await browser.post(f"{page}/explain", token="x.y")).status_code == 422
    async with site.browser(Role.READ_ONLY) as reader:
        assert "Matches app" in text_of(
            await reader.post(f"{page}/explain", token=json.dumps(claims))
        )
        assert (await reader.post(page, preset="github", name="x")).status_code == 403
        assert "Add a rule" not in (await reader.get(page)).text


async def test_a_clients_own_limit_is_set_shown_and_removed(
    site: Site, database: Database, browser: Browser
) -> None:
    page = f"{site.client}/limits"
    shown = text_of(await browser.get(page))
    assert "no limit of its own" in shown
    assert "200 token requests a second, 400 at once" in shown  # of the plan Growth
    assert "1,000,000" in shown
    await browser.post(page, rate="1500")
    row = await held(site, database, site.client_id)
    assert (row.token_rate, row.token_burst) == (1500, 3000)
    assert "1,500 token requests a second, 3,000 at once" in text_of(await browser.get(page))
    for wrong in ({"rate": "0"}, {"rate": "x"}, {"rate": "1", "burst": "-1"}, {}):
        assert (await browser.post(page, **wrong)).status_code == 422
    await browser.post(f"{page}/remove")
    assert (await held(site, database, site.client_id)).token_rate is None


async def test_it_is_said_which_apis_a_client_may_introspect_for(
    site: Site, database: Database, browser: Browser
) -> None:
    api = f"https://api.{site.slug}.example"
    await browser.post(f"{site.client}/apis", **{f"serves:{api}": "1", f"api:{api}": "1"})
    assert (await held(site, database, site.client_id)).serves == [api]
    await browser.post(f"{site.client}/apis", **{f"api:{api}": "1"})
    assert (await held(site, database, site.client_id)).serves == []
