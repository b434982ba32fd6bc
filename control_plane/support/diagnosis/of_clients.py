"""Checks of one client: whether it is there, is let in, and proves who it is. Pure."""

from control_plane.support.diagnosis.seen import Seen, SeenSecret, Told, told_of
from shared.domain.client import AuthMethod

GUESSED = "too many wrong secrets"  # as the reason says it
NOTHING_PRESENTED = "client authentication is required"
_FAILED = "client authentication failed"
_TWO_WAYS = "more than one way"
_TOGGLES = {"client.disable", "client.enable"}
_SHOWN = 3  # changes
_METHODS = {
    AuthMethod.CLIENT_SECRET: "a secret",
    AuthMethod.PRIVATE_KEY_JWT: "a JWT that it signs with its own key (private_key_jwt)",
    AuthMethod.WORKLOAD_IDENTITY: "a JWT of an outside issuer (workload identity)",
}


def look_at_client(seen: Seen) -> Told | str:
    if seen.client is None:
        return _unknown(seen)
    client = seen.client
    if not client.enabled:
        return Told(
            found=f"The client “{client.name}” is disabled.",
            tell="Somebody of yours disabled it: enable it on its page, under Danger.",
            evidence=_toggled(seen),
        )
    toggled = [each for each in seen.later if each.action in _TOGGLES]
    if seen.is_refused_as("invalid_client") and toggled and toggled[0].action == "client.enable":
        return Told(
            found=f"The client “{client.name}” was disabled when the request came.",
            tell=f"It is enabled since {toggled[0].at:%Y-%m-%d %H:%M:%S} UTC. Try again.",
            evidence=_toggled(seen),
        )
    return f"“{client.name}” is enabled."


def _unknown(seen: Seen) -> Told | str:
    """Say of a client that is none of the tenant's where it is, as far as that is known."""
    named = seen.asked.client_id
    if named:
        where = (
            f"It is a client of {seen.elsewhere}, of the same account." if seen.elsewhere else ""
        )
        return Told(
            found=f"The tenant has no client {named}.",
            tell="Check the client id, and that the token endpoint is that of the tenant which has "
            "the client: test and live are two. It may have been deleted.",
            evidence=tuple(filter(None, (where,))),
        )
    if not seen.is_refused_as("invalid_client") or seen.reason != _FAILED:
        return ""
    return Told(
        found="The request named no client that this tenant has.",
        tell="Check the client id, and that the token endpoint is that of the tenant which has the "
        "client: test and live are two. It may have been deleted.",
        evidence=(
            "What was presented is not recorded: ask for the client id, and look it up.",
            "A JWT that was refused (private_key_jwt, workload identity) names no client here.",
        ),
    )


def look_at_guesses(seen: Seen) -> Told | str:
    wrong = seen.counts.get("refused:invalid_client", 0)
    said = f"{wrong:,} times not proved, this hour and the last."
    if GUESSED not in seen.reason:
        return said
    return Told(
        found="Ten different wrong secrets came from one site within a minute: it is locked out.",
        tell="It is let in again after a minute. Stop whatever sends secrets that are not right.",
        evidence=(said, f"The site: {seen.refusal.address if seen.refusal else ''}"),
    )


def look_at_authentication(seen: Seen) -> Told | str:
    """Whether it was proved in the way that the client has."""
    method = seen.client.auth_method if seen.client else None
    own = f"The client proves itself by {_METHODS[method]}." if method else ""
    if seen.is_refused_as("invalid_client") and seen.reason == NOTHING_PRESENTED:
        return Told(
            found="The request presented neither a secret nor an assertion.",
            tell="Send the client id and secret by HTTP Basic, or in the form: the client's quick "
            "start shows how. A proxy between may have taken the Authorization header away.",
            evidence=tuple(filter(None, (own,))),
        )
    if seen.is_refused_as("invalid_request") and _TWO_WAYS in seen.reason:
        return Told(
            found="The request proved the client in two ways at once.",
            tell="Send the secret by HTTP Basic or in the form, not both.",
            evidence=tuple(filter(None, (own,))),
        )
    by_other = method is not None and method is not AuthMethod.CLIENT_SECRET
    if by_other and seen.is_refused_as("invalid_client"):
        return Told(
            found="The client is not one that proves itself by a secret, and its JWT was refused.",
            tell="Send a JWT of the right issuer, audience and key, not expired and never used "
            "before. A client secret is refused, whatever it is.",
            evidence=(own,),
        )
    return own


def look_at_secrets(seen: Seen) -> Told | str:
    held = seen.client
    if held is None or held.auth_method is not AuthMethod.CLIENT_SECRET:
        return ""
    ended = [each for each in held.secrets if each.expires_at and each.expires_at <= seen.now]
    live = [each for each in held.secrets if each not in ended]
    if not live:
        return Told(
            found="The client has no live secret.",
            tell="Its last secret has expired or was revoked: make a new one under Credentials.",
            evidence=tuple(map(_described, ended)),
        )
    if seen.is_refused_as("invalid_client") and seen.reason == _FAILED:
        return Told(
            found="The secret that was sent is none of the client's live ones.",
            tell="Compare its last four characters with those below; if none fits, make a new one "
            "under Credentials, and change it wherever the service runs.",
            evidence=tuple(map(_described, [*live, *ended])),
        )
    return f"{len(live)} live."


def _described(secret: SeenSecret) -> str:
    ends = (
        "never expires"
        if secret.expires_at is None
        else f"ends {secret.expires_at:%Y-%m-%d %H:%M} UTC"
    )
    return f"“{secret.name}”, …{secret.last_four}, made {secret.created_at:%Y-%m-%d}, {ends}"


def _toggled(seen: Seen) -> tuple[str, ...]:
    return tuple(map(told_of, [each for each in seen.changes if each.action in _TOGGLES][-_SHOWN:]))
