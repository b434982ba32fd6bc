"""The Test tab: a token for the API, asked for with a client's secret and shown decoded."""

import shlex
from collections.abc import Sequence
from typing import Any

from litestar import Request, Response, get, post
from litestar.di import NamedDependency

from control_plane.apis import actions, forms
from control_plane.apis.shown import ApiShower, FoundApi, GivenApi
from control_plane.apis.trial import Asked, NoAnswer, Trial, try_token
from control_plane.http.forms import read_fields
from control_plane.http.paging import search_text
from control_plane.members.rules import Permission
from shared.domain.client import AuthMethod
from shared.runtime.database import Database

_SEE = {"permission": Permission.SEE_TENANTS}
_BAD_GATEWAY = 502
_TRY = {"permission": Permission.CHANGE_CLIENTS}

AnyRequest = Request[Any, Any, Any]


@get("/tenants/{slug:str}/apis/{api_ref:str}/test", opt=_SEE)
async def trial_page(
    request: AnyRequest,
    database: NamedDependency[Database],
    api_shower: NamedDependency[ApiShower],
    found: GivenApi,
) -> Response[str]:
    client_id = search_text(request.query_params.get("client", ""))
    asked = Asked(client_id=client_id, client_secret="", scopes=())
    return await _show(request, database, api_shower, found, asked)


@post("/tenants/{slug:str}/apis/{api_ref:str}/test", opt=_TRY, status_code=200)
async def try_api(
    request: AnyRequest,
    database: NamedDependency[Database],
    api_shower: NamedDependency[ApiShower],
    found: GivenApi,
) -> Response[str]:
    fields = await read_fields(request)
    asked = Asked(
        client_id=fields["client"],
        client_secret=fields["secret"].strip(),
        scopes=tuple(forms.ticked_scopes(fields.values)),
    )
    try:
        outcome: Trial | NoAnswer = await try_token(found.issuer, found.api, asked)
    except NoAnswer as refusal:
        outcome = refusal
    return await _show(request, database, api_shower, found, asked, outcome)


TRIAL_PAGES = [trial_page, try_api]


async def _show(
    request: AnyRequest,
    database: Database,
    api_shower: ApiShower,
    found: FoundApi,
    asked: Asked,
    outcome: Trial | NoAnswer | None = None,
) -> Response[str]:
    """Show the tab with the client that is asked for, among the first that may ask for the API."""
    of_api = found.tenant.id, found.api.identifier
    first = (await actions.list_granted(database, *of_api)).rows
    if asked.client_id:
        first += (await actions.list_granted(database, *of_api, asked.client_id)).rows
    clients = {
        each.client_id: each for each in first if each.auth_method is AuthMethod.CLIENT_SECRET
    }
    chosen = asked.client_id or next(iter(clients), "")
    failed = isinstance(outcome, NoAnswer)
    return api_shower.show(
        request,
        found,
        "test",
        status=_BAD_GATEWAY if failed else 200,
        clients=list(clients.values()),
        others=len(first) > len(clients),
        chosen=chosen,
        ticked=asked.scopes,
        trial=None if failed else outcome,
        error=str(outcome) if failed else "",
        curl=_curl(found, chosen, asked.scopes),
        command=_command(found, chosen, asked.scopes),
    )


def _curl(found: FoundApi, client_id: str, scopes: Sequence[str]) -> str:
    form = ["grant_type=client_credentials", f"resource={found.api.identifier}"]
    form += [f"scope={' '.join(scopes)}"] if scopes else []
    lines = [f"curl -s {found.issuer}/oauth/token", f'-u {shlex.quote(client_id)}:"$CLIENT_SECRET"']
    lines += [f"--data-urlencode {shlex.quote(each)}" for each in form]
    return " \\\n  ".join(lines)


def _command(found: FoundApi, client_id: str, scopes: Sequence[str]) -> str:
    words = [
        "auth-service",
        "token",
        "get",
        "--tenant",
        found.tenant.slug,
        "--client-id",
        client_id,
    ]
    words += ["--audience", found.api.identifier]
    for each in scopes:
        words += ["--scope", each]
    return shlex.join(words)
