"""Checks of what a client may ask for: APIs, by their audience, and scopes. Pure."""

from control_plane.support.diagnosis.seen import Seen, SeenClient, Told

_UNRECORDED = "What was asked for is not recorded: ask for it, and look again with it as the {}."
_ASK_LESS = "Ask only for what is granted, or grant it on the client's page, under APIs & scopes."


def look_at_apis(seen: Seen) -> Told | str:
    held = seen.client
    if held is None:
        return ""
    granted = f"Granted: {', '.join(sorted(held.grants)) or 'none'}."
    if not held.grants:
        return Told(
            found="The client is granted no API.",
            tell="Grant it one on its page, under APIs & scopes.",
            evidence=(_tenants(seen),),
        )
    return _wrong_target(seen, held, granted) or granted


def _wrong_target(seen: Seen, held: SeenClient, granted: str) -> Told | None:
    wanted = seen.asked.audience
    if wanted and wanted not in held.grants:
        return _not_granted(seen, wanted, granted)
    if held.default_api is None and not wanted:
        return Told(
            found="The client has no default API, and the request must name one.",
            tell=f"Send resource= with one of: {', '.join(sorted(held.grants))}.",
            evidence=(granted,),
        )
    if seen.is_refused_as("invalid_target"):
        return Told(
            found="The request asked for an API that the client is not granted.",
            tell="Name an API that the client is granted, letter for letter, or leave it out: the "
            f"default is {held.default_api}.",
            evidence=(granted, _tenants(seen), _UNRECORDED.format("audience")),
        )
    return None


def _not_granted(seen: Seen, wanted: str, granted: str) -> Told:
    if wanted in seen.apis:
        return Told(
            found=f"The client is not granted the API {wanted}.",
            tell="Grant it on the client's page, under APIs & scopes.",
            evidence=(granted,),
        )
    return Told(
        found=f"The tenant has no API {wanted}.",
        tell="An audience is compared letter for letter: look for a slash, or for http where https "
        "is meant.",
        evidence=(granted, _tenants(seen)),
    )


def look_at_scopes(seen: Seen) -> Told | str:
    held = seen.client
    if held is None:
        return ""
    apis = [seen.asked.audience or held.default_api or "", *held.grants]
    target = next((each for each in apis if each in held.grants), None)
    if target is None:
        return "Nothing is granted."
    granted = held.grants[target]
    said = f"Granted for {target}: {' '.join(sorted(granted)) or 'none'}."
    lacking = sorted(frozenset(seen.asked.scope.split()) - granted)
    if lacking:
        return Told(
            found=f"The client is not granted: {' '.join(lacking)}.",
            tell=_ASK_LESS,
            evidence=(said, *(_where(seen, each) for each in lacking)),
        )
    if not seen.is_refused_as("invalid_scope"):
        return said
    return Told(
        found="The request asked for a scope that the client is not granted.",
        tell=_ASK_LESS,
        evidence=(said, *_others(seen, held, target), _UNRECORDED.format("scope")),
    )


def _where(seen: Seen, scope: str) -> str:
    having = sorted(api for api, scopes in seen.apis.items() if scope in scopes)
    return f"{scope}: " + (
        f"a scope of {', '.join(having)}" if having else "of no API of the tenant"
    )


def _others(seen: Seen, held: SeenClient, target: str) -> list[str]:
    """Name what the APIs have and the client is not granted: what was asked for is among it, or is
    misspelt.
    """
    lines = []
    for identifier in sorted({target, *held.grants}):
        lacking = sorted(seen.apis.get(identifier, frozenset()) - held.grants[identifier])
        if lacking:
            lines.append(f"Not granted, though {identifier} has it: {' '.join(lacking)}.")
    return lines


def _tenants(seen: Seen) -> str:
    return f"APIs of the tenant: {', '.join(sorted(seen.apis)) or 'none'}."
