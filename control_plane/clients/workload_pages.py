"""Which outside JWTs stand for a client: its rules, a form for each platform, and a dry run."""

from typing import Any

from litestar import Request, Response, get, post
from litestar.di import NamedDependency

from control_plane.clients.shown import ClientShower, Found, GivenClient
from control_plane.http.forms import LONG_TEXT, read_fields
from control_plane.members.rules import Permission
from control_plane.workloads import forms
from control_plane.workloads.actions import UnknownWorkload, add_workload, remove_workload
from shared.domain.client import AuthMethod
from shared.domain.refused import Refused
from shared.domain.workload import InvalidWorkload, match_workload
from shared.runtime.database import Database

_SEE = {"permission": Permission.SEE_TENANTS}
_CHANGE = {"permission": Permission.CHANGE_SECRETS, "step_up": True}

AnyRequest = Request[Any, Any, Any]


@get("/tenants/{slug:str}/clients/{client_id:str}/workloads", opt=_SEE)
async def workloads_page(
    request: AnyRequest,
    shower: NamedDependency[ClientShower],
    found: GivenClient,
) -> Response[str]:
    return _show(request, shower, found, {"preset": request.query_params.get("preset", "")})


@post("/tenants/{slug:str}/clients/{client_id:str}/workloads", opt=_CHANGE, status_code=200)
async def add_rule(
    request: AnyRequest,
    database: NamedDependency[Database],
    shower: NamedDependency[ClientShower],
    found: GivenClient,
) -> Response[Any]:
    fields = await read_fields(request, LONG_TEXT)
    try:
        rule = forms.read_rule(_preset(fields["preset"]), fields.values)
        by = shower.acting(request)
        await add_workload(database, found.tenant.id, found.client_id, rule, by)
    except Refused as refusal:  # of the rule, or of its keys
        return _show(request, shower, found, fields.values, error=str(refusal))
    return shower.go(request, f"{found.path}/workloads")


@post("/tenants/{slug:str}/clients/{client_id:str}/workloads/remove", opt=_CHANGE, status_code=200)
async def remove_rule(
    request: AnyRequest,
    database: NamedDependency[Database],
    shower: NamedDependency[ClientShower],
    found: GivenClient,
) -> Response[Any]:
    name, by = (await read_fields(request))["name"], shower.acting(request)
    try:
        await remove_workload(database, found.tenant.id, found.client_id, name, by)
    except UnknownWorkload as refusal:
        return _show(request, shower, found, {}, error=str(refusal))
    return shower.go(request, f"{found.path}/workloads")


@post("/tenants/{slug:str}/clients/{client_id:str}/workloads/explain", opt=_SEE, status_code=200)
async def explain_rules(
    request: AnyRequest,
    shower: NamedDependency[ClientShower],
    found: GivenClient,
) -> Response[str]:
    """Say which rules a JWT matches. It is neither verified nor kept."""
    text = (await read_fields(request, LONG_TEXT))["token"]
    try:
        claims = forms.read_claims(text)
    except InvalidWorkload as refusal:
        return _show(request, shower, found, {}, error=str(refusal))
    own_issuer = shower.caller(found).issuer
    rules = found.details.client.workloads
    outcomes = [match_workload(rule, claims, own_issuer) for rule in rules]
    return _show(request, shower, found, {}, outcomes=outcomes)


WORKLOAD_PAGES = [workloads_page, add_rule, remove_rule, explain_rules]


def _show(
    request: AnyRequest,
    shower: ClientShower,
    found: Found,
    form: dict[str, str],
    **values: Any,
) -> Response[str]:
    preset = _preset(form.get("preset", ""))
    return shower.show(
        request,
        found,
        "workloads",
        status=422 if values.get("error") else 200,
        by_workload=found.details.client.auth_method is AuthMethod.WORKLOAD_IDENTITY,
        presets=forms.PRESET_NAMES,
        preset=preset,
        parts=forms.parts_of(preset),
        form=form,
        **{"error": "", "outcomes": None} | values,
    )


def _preset(text: str) -> str:
    return text if text in forms.PRESET_NAMES else next(iter(forms.PRESET_NAMES))
