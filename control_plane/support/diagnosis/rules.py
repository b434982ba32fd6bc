"""Why token requests fail: the checks, in the order in which the data plane refuses. Pure.

A check tells what is wrong, or says in a few words that nothing is. Where a request is asked about,
the cause is the first that is wrong and explains its error; else the first that is wrong.
"""

from collections.abc import Callable

import msgspec

from control_plane.support.diagnosis.of_clients import (
    look_at_authentication,
    look_at_client,
    look_at_guesses,
    look_at_secrets,
)
from control_plane.support.diagnosis.of_grants import look_at_apis, look_at_scopes
from control_plane.support.diagnosis.of_tenants import (
    look_at_account,
    look_at_keys,
    look_at_month,
    look_at_publishing,
    look_at_rate,
    look_at_tenant,
)
from control_plane.support.diagnosis.seen import Diagnosis, Finding, Seen, Told, told_of
from control_plane.usage.fixes import fix_of


class Check(msgspec.Struct, frozen=True):
    name: str
    explains: frozenset[str]  # wire codes
    look: Callable[[Seen], Told | str]  # str: what is well; '' where nothing was looked at


_CLIENT, _LIMIT = frozenset({"invalid_client"}), frozenset({"too_many_requests"})
_OURS = frozenset({"temporarily_unavailable"})

CHECKS = (
    Check("Account", _CLIENT, look_at_account),
    Check("Tenant", _CLIENT, look_at_tenant),
    Check("Client", _CLIENT, look_at_client),
    Check("Guessing", _LIMIT, look_at_guesses),
    Check("Proof of the client", _CLIENT | {"invalid_request"}, look_at_authentication),
    Check("Secrets", _CLIENT, look_at_secrets),
    Check("Tokens of the month", _LIMIT, look_at_month),
    Check("Rate", _LIMIT, look_at_rate),
    Check("APIs", frozenset({"invalid_target"}), look_at_apis),
    Check("Scopes", frozenset({"invalid_scope"}), look_at_scopes),
    Check("Signing keys", _OURS, look_at_keys),
    Check("Published", _CLIENT | _LIMIT, look_at_publishing),
)


def diagnose(seen: Seen) -> Diagnosis:
    looked = [(check, check.look(seen)) for check in CHECKS]
    wrong = [
        (check, _finding(check.name, told)) for check, told in looked if isinstance(told, Told)
    ]
    causes = [
        finding
        for check, finding in wrong
        if seen.refusal is None or seen.refusal.error in check.explains
    ]
    cause = causes[0] if causes else _unexplained(seen)
    return Diagnosis(
        cause=cause,
        also=[finding for _, finding in wrong if finding is not cause],
        fine=[
            Finding(name=each.name, found=said)
            for each, said in looked
            if isinstance(said, str) and said
        ],
    )


def _finding(name: str, told: Told) -> Finding:
    return Finding(name=name, found=told.found, tell=told.tell, evidence=told.evidence)


def _unexplained(seen: Seen) -> Finding | None:
    """Say what the request itself was told, where no check explains it."""
    if seen.refusal is None:
        return None
    reason = seen.reason
    changed = [told_of(each) for each in seen.later]
    since = ("Changed since then:", *changed) if changed else ()
    return Finding(
        name="The request",
        found=f"{reason[:1].upper()}{reason[1:]}.",
        tell=fix_of(seen.refusal.error),
        evidence=(f"It was refused with {seen.refusal.error}.", *since),
    )
