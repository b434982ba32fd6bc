"""C1 to C9: grants, scope and resource. C10 to C13 are of grants that are not offered."""

import json

import pytest

from tests.hostile.cases import CANARY, WAYS, Ask, Case, Change, ask, assert_house_rules, case
from tests.hostile.conftest import Place, Sender


def grant(value: str | None) -> Change:
    def change(made: Ask) -> None:
        wanted = b"" if value is None else b"grant_type=" + value.encode()
        made.body = made.body.replace(b"grant_type=client_credentials", wanted)

    return change


def more(text: str) -> Change:
    return lambda made: made.form(text)


UNKNOWN_GRANTS = {
    "C1-unknown": CANARY,
    "C1-upper-case": "CLIENT_CREDENTIALS",
    "C1-trailing-space": "client_credentials+",
    "C1-homoglyph": "client_%D1%81redentials",
    "C1-device": "urn:ietf:params:oauth:grant-type:device_code",
    "C2-password": "password&username=u&password=p",
    "C2-implicit": "implicit",
    "C10-code": "authorization_code&code=x",
    "C12-refresh": "refresh_token&refresh_token=x",
    "C13-exchange": "urn:ietf:params:oauth:grant-type:token-exchange",
    "F6-sql": "x';DROP TABLE ledger.issued--",
}
BAD_SCOPES = {
    "C5-not-granted": "admin",
    "C5-one-of-two": "read+admin",
    "C5-other-case": "READ",
    "C5-prefix": "rea",
    "C5-wildcard": "*",
    "C6-quote": "read+%22",
    "C6-backslash": "read%5C",
    "C6-line-feed": "read%0Awrite",
    "C6-tab": "read%09write",
    "C6-not-ascii": "r%C3%A9ad",
    "C6-double-space": "read++write",
    "C6-leading-space": "+read",
    "C6-trailing-space": "read+",
    "C6-only-space": "+",
    "C6-delete": "read%7F",
    "C6-comma": "read,write",
    "C6-many": "+".join(f"s{number}" for number in range(2000)),
    "C6-long": "s" * 10_000,
    "F6-sql-in-scope": "read'--",
    "C5-canary": CANARY,
}
BAD_TARGETS = {
    "C8-unknown": f"https://{CANARY}.example",
    "C8-relative": "/things",
    "C8-fragment": "{audience}%23x",
    "C8-query": "{audience}?x=1",
    "C8-trailing-slash": "{audience}/",
    "C8-other-case": "HTTPS://{name}",
    "C8-prefix": "https://api",
    "C8-no-uri": "things",
    "C8-sibling-tenant": "{sibling}",
    "C8-the-issuer": "{issuer}",
    "C8-sql": "{audience}'--",
    "C8-one-of-two": "{audience}&{parameter}=https://other.example",
}
TWICE = ("grant_type=client_credentials", "scope=read&scope=read", "scope=&scope=read", "a=1&%61=1")
WRONG = [
    case("C1-missing", grant(None)),
    case("C1-empty", grant("")),
    *(
        case(name, grant(each), 400, "unsupported_grant_type")
        for name, each in UNKNOWN_GRANTS.items()
    ),
    *(case(name, more(f"scope={each}"), 400, "invalid_scope") for name, each in BAD_SCOPES.items()),
    *(case(f"C3-{number}", more(each)) for number, each in enumerate(TWICE)),
    case("C3-audience-twice", more("audience=https://a.example&audience=https://a.example")),
]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("wrong", WRONG)
def test_a_request_for_what_is_not_to_be_had_is_refused(
    place: Place, send: Sender, way: str, wrong: Case
) -> None:
    made = ask(place.tenant, "token", way)
    wrong.change(made)
    assert_house_rules(send(made), wrong.status, wrong.error, place.tenant)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("target", BAD_TARGETS.values(), ids=BAD_TARGETS)
@pytest.mark.parametrize("parameter", ["resource", "audience"])
def test_a_resource_that_is_not_granted_is_refused(
    place: Place, send: Sender, way: str, target: str, parameter: str
) -> None:
    tenant = place.tenant
    given = target.format(
        audience=tenant.audience,
        name=tenant.audience.removeprefix("https://"),
        sibling=place.sibling.audience,
        issuer=tenant.issuer,
        parameter="resource",
    )
    made = ask(tenant, "token", way)
    made.form(f"{parameter}={given}")
    assert_house_rules(send(made), 400, "invalid_target", tenant)


FINE = {
    "C4-empty-scope": ("scope=", "read write"),
    "C4-no-value": ("scope", "read write"),
    "C4-empty-resource": ("resource=", "read write"),
    "C4-empty-audience": ("audience=", "read write"),
    "C5-less": ("scope=read", "read"),
    "C5-repeated-token": ("scope=read+read", "read"),
    "C7-unknown": (f"{CANARY}=1", "read write"),
    "C7-of-other-flows": ("redirect_uri=x&state=y&nonce=z&prompt=none", "read write"),
    "C7-prototype": ("__proto__=x&constructor=y", "read write"),
    "C7-brackets": ("scope[]=admin&client_id[$ne]=x", "read write"),
    "C7-claims": ("sub=admin&iss=evil&tenant_id=x", "read write"),
    "C8-same-twice": ("resource={audience}&resource={audience}", "read write"),
    "C8-both-names": ("resource={audience}&audience={audience}", "read write"),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("added", "scope"), FINE.values(), ids=FINE)
def test_what_changes_nothing_is_served_without_a_refresh_token(
    place: Place, send: Sender, way: str, added: str, scope: str
) -> None:
    made = ask(place.tenant, "token", way)
    made.form(added.format(audience=place.tenant.audience))
    answer = send(made)
    assert answer.status == 200, answer.body
    body = json.loads(answer.body)
    assert set(body) == {"access_token", "token_type", "expires_in", "scope"}
    assert body["scope"] == scope
    assert CANARY not in answer.body.decode()


@pytest.mark.parametrize("way", WAYS)
def test_c9_offline_access_is_a_scope_like_any_other(place: Place, send: Sender, way: str) -> None:
    # the catalogue says 200 without refresh_token; a scope that is not granted comes first (C5)
    made = ask(place.tenant, "token", way)
    made.form("scope=offline_access")
    assert_house_rules(send(made), 400, "invalid_scope", place.tenant)
