"""Each cause of a refused token request, by what is seen of it; and what is not one."""

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from control_plane.support.diagnosis.of_clients import GUESSED, NOTHING_PRESENTED
from control_plane.support.diagnosis.of_tenants import MONTH_USED, RATE_USED
from control_plane.support.diagnosis.rules import CHECKS, diagnose
from control_plane.support.diagnosis.seen import Asked
from data_plane.limits import admission, wrong_secrets
from data_plane.protocol import client_authentication
from shared.domain.client import AuthMethod
from shared.domain.ids import Kid
from shared.domain.limits import Rate
from shared.domain.snapshot import KeyState, TenantStatus
from shared.domain.suspension import SuspensionKind
from tests.control_plane.support.diagnosis.sights import (
    API,
    NOW,
    OTHER,
    WELL,
    ago,
    changed,
    client,
    key,
    refused,
    secret,
    seen,
)

_FAILED = "client authentication failed"
_UNGRANTED_SCOPE = "the client is not granted every scope it asked for"
_UNGRANTED_API = "the client is not granted every resource it asked for"

_NO_CLIENT = {"client": None, "asked": Asked()}
_FAILING = refused("invalid_client", _FAILED)
_LIMITED = {"counts": {"limited": 30}}

# what is seen -> the check that is the cause, and a piece of what it says
_CAUSES = {
    "account suspended": (
        {"suspended": SuspensionKind.TOKENS, **_NO_CLIENT},
        ("Account", "Support has suspended the account"),
    ),
    "account suspended fully, by request": (
        {"suspended": SuspensionKind.FULL, **refused("invalid_client", _FAILED, "")},
        ("Account", "Support has suspended the account"),
    ),
    "tenant suspended": (
        {"status": TenantStatus.SUSPENDED, **_FAILING},
        ("Tenant", "The customer has suspended the tenant"),
    ),
    "tenant going": (
        {"deletes_at": NOW + timedelta(days=6)},
        ("Tenant", "on its way out"),
    ),
    "tenant deleted": (
        {"status": TenantStatus.DELETED, "keys": (), **_NO_CLIENT},
        ("Tenant", "is deleted"),
    ),
    "tenant suspended then": (
        {
            "changes": (
                changed("tenant.set_status", ago(minutes=1), '{"status":"suspended"}', "{}"),
            ),
            **_FAILING,
        },
        ("Tenant", "was suspended when the request came"),
    ),
    "month used up": (
        {"used": 11_000, **refused("too_many_requests", f"the plan's {MONTH_USED} are used up")},
        ("Tokens of the month", "are used up, for all its tenants"),
    ),
    "month used up, by client": ({"used": 11_000}, ("Tokens of the month", "are used up")),
    "month used up then": (
        refused("too_many_requests", f"the plan's {MONTH_USED} are used up"),
        ("Tokens of the month", "there is room again"),
    ),
    "rate": (
        refused("too_many_requests", f"the plan's {RATE_USED} is exceeded: try again later"),
        ("Rate", "The tenant's clients ask"),
    ),
    "rate of the client": (
        {
            **refused("too_many_requests", f"the client's {RATE_USED} is exceeded"),
            "client": client(rate=Rate(1, 2)),
        },
        ("Rate", "The client asks"),
    ),
    "rate, by client": (_LIMITED, ("Rate", "faster than the limit")),
    "client unknown": ({"client": None}, ("Client", "The tenant has no client c_1")),
    "client unknown, by request": (
        {**_NO_CLIENT, **refused("invalid_client", _FAILED, "")},
        ("Client", "named no client that this tenant has"),
    ),
    "client disabled": ({"client": client(enabled=False)}, ("Client", "is disabled")),
    "client disabled, by request": (
        {"client": client(enabled=False), **_FAILING},
        ("Client", "is disabled"),
    ),
    "client disabled then": (
        {"changes": (changed("client.enable", ago(minutes=2)),), **_FAILING},
        ("Client", "was disabled when the request came"),
    ),
    "guessing": (
        refused("too_many_requests", f"{GUESSED}: try again later"),
        ("Guessing", "locked out"),
    ),
    "nothing presented": (
        refused("invalid_client", NOTHING_PRESENTED),
        ("Proof of the client", "neither a secret nor an assertion"),
    ),
    "two ways": (
        refused("invalid_request", "the client uses more than one way to authenticate"),
        ("Proof of the client", "in two ways at once"),
    ),
    "other method": (
        {"client": client(auth_method=AuthMethod.PRIVATE_KEY_JWT, secrets=()), **_FAILING},
        ("Proof of the client", "not one that proves itself by a secret"),
    ),
    "no secret": ({"client": client(secrets=())}, ("Secrets", "no live secret")),
    "secret expired": (
        {"client": client(secrets=(secret(expires_at=ago(hours=1)),)), **_FAILING},
        ("Secrets", "no live secret"),
    ),
    "wrong secret": (_FAILING, ("Secrets", "none of the client's live ones")),
    "no API": ({"client": client(grants={}, default_api=None)}, ("APIs", "granted no API")),
    "no default API": ({"client": client(default_api=None)}, ("APIs", "no default API")),
    "API not granted, by request": (
        refused("invalid_target", _UNGRANTED_API),
        ("APIs", "asked for an API that the client is not granted"),
    ),
    "API not granted": (
        {"asked": Asked(client_id="c_1", audience=OTHER)},
        ("APIs", f"not granted the API {OTHER}"),
    ),
    "audience unknown": (
        {"asked": Asked(client_id="c_1", audience=f"{API}/")},
        ("APIs", f"has no API {API}/"),
    ),
    "scope not granted, by request": (
        refused("invalid_scope", _UNGRANTED_SCOPE),
        ("Scopes", "a scope that the client is not granted"),
    ),
    "scope not granted": (
        {"asked": Asked(client_id="c_1", scope="read write")},
        ("Scopes", "not granted: write"),
    ),
    "no key": ({"keys": ()}, ("Signing keys", "no key that signs")),
    "rotation overdue": (
        {"keys": (key(), key(kid=Kid("k2"), state=KeyState.NEXT, signs_at=ago(hours=2)))},
        ("Signing keys", "overdue"),
    ),
    "published late": ({"applying": True}, ("Published", "not in what the data plane serves")),
    "a request that is none": (
        refused("unsupported_grant_type", "the grant type is not supported"),
        ("The request", "The grant type is not supported."),
    ),
    "nothing explains it": (
        {
            **refused("invalid_dpop_proof", "the DPoP proof is not valid"),
            "suspended": SuspensionKind.CONSOLE,
        },
        ("The request", "The DPoP proof is not valid."),
    ),
}


@pytest.mark.parametrize(("given", "cause"), _CAUSES.values(), ids=_CAUSES)
def test_a_cause_is_told_by_what_is_seen(given: dict[str, Any], cause: tuple[str, str]) -> None:
    found = diagnose(seen(**given)).cause
    assert found is not None
    assert found.name == cause[0]
    assert cause[1] in found.found
    assert found.tell


def test_where_all_is_well_each_check_says_what_it_saw() -> None:
    found = diagnose(WELL)
    assert (found.cause, found.also) == (None, [])
    assert [each.name for each in found.fine] == [each.name for each in CHECKS]


def test_every_check_has_a_case() -> None:
    named = {cause for _, (cause, _) in _CAUSES.values()}
    assert named == {each.name for each in CHECKS} | {"The request"}


def test_the_cause_explains_the_request_and_the_rest_is_told_beside_it() -> None:
    found = diagnose(
        seen(client=client(enabled=False), **refused("invalid_scope", _UNGRANTED_SCOPE))
    )
    assert found.cause is not None
    assert found.cause.name == "Scopes"
    assert [each.name for each in found.also] == ["Client"]


def test_what_may_have_been_asked_for_is_named() -> None:
    found = diagnose(seen(**refused("invalid_scope", _UNGRANTED_SCOPE))).cause
    assert found is not None
    assert f"Granted for {API}: read." in found.evidence
    assert f"Not granted, though {API} has it: write." in found.evidence


def test_a_client_of_the_accounts_other_tenant_is_told() -> None:
    found = diagnose(seen(client=None, elsewhere="acme-live")).cause
    assert found is not None
    assert found.evidence == ("It is a client of acme-live, of the same account.",)


def test_what_was_changed_since_an_unexplained_refusal_is_told() -> None:
    later = changed("client.change", ago(minutes=1), after='{"dpop":"required"}')
    before = changed("client.change", ago(hours=1), after='{"name":"x"}')
    given = refused("invalid_dpop_proof", "the DPoP proof is not valid")
    found = diagnose(seen(changes=(before, later), **given)).cause
    assert found is not None
    assert [line for line in found.evidence if "client.change" in line] == [
        "2026-11-28 11:59:00 UTC: client.change by ada@acme.example (dpop required)"
    ]


def test_a_closed_console_and_observed_limits_stop_no_token() -> None:
    limits = msgspec.structs.replace(WELL.limits, observed=True)
    found = diagnose(seen(suspended=SuspensionKind.CONSOLE, limits=limits, used=20_000))
    assert found.cause is None


def test_the_words_looked_for_are_those_of_the_data_plane() -> None:
    of_limits = admission._REFUSALS  # noqa: SLF001 - what it says is what we read
    assert MONTH_USED in of_limits["month"]
    assert all(RATE_USED in of_limits[each] for each in ("rate", "client"))
    assert GUESSED in wrong_secrets._TOO_MANY  # noqa: SLF001
    assert client_authentication._NO_CREDENTIALS == NOTHING_PRESENTED  # noqa: SLF001
    assert client_authentication._FAILED == _FAILED  # noqa: SLF001
