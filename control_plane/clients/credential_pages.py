"""A client's secrets, and their rotation in steps (A7, A8)."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from litestar import Request, Response, get, post
from litestar.di import NamedDependency

from control_plane.clients.shown import ClientShower, Found, GivenClient
from control_plane.clients.snippets import dotenv
from control_plane.http.forms import Fields, read_fields
from control_plane.http.given import GivenConfig
from control_plane.http.signed_in import signed_in_of
from control_plane.members.rules import Permission
from control_plane.secrets.actions import (
    MadeSecret,
    UnknownSecret,
    add_secret,
    cancel_rotation,
    finish_rotation,
    revoke_secret,
    start_rotation,
)
from control_plane.secrets.rules import AskedSecret, KeptSecret, LastSecret, SecretRefused
from shared.domain.client import MAXIMUM_LIVE_SECRETS
from shared.runtime.database import Database

_SEE = {"permission": Permission.SEE_TENANTS}
_CHANGE = {"permission": Permission.CHANGE_SECRETS, "step_up": True}
_HOUR, _DAY = 3600, 24 * 3600
_OVERLAPS = {0: "now", _HOUR: "in 1 hour", _DAY: "in 24 hours", 7 * _DAY: "in 7 days"}
_EXPIRIES = {0: "never", 30 * _DAY: "in 30 days", 90 * _DAY: "in 90 days", 365 * _DAY: "in a year"}
_LATELY = timedelta(hours=1)

AnyRequest = Request[Any, Any, Any]


@get("/tenants/{slug:str}/clients/{client_id:str}/credentials", opt=_SEE)
async def credentials_page(
    request: AnyRequest,
    shower: NamedDependency[ClientShower],
    found: GivenClient,
) -> Response[str]:
    return _show(request, shower, found)


@post("/tenants/{slug:str}/clients/{client_id:str}/credentials", opt=_CHANGE, status_code=200)
async def make_secret(
    request: AnyRequest,
    database: NamedDependency[Database],
    config: GivenConfig,
    shower: NamedDependency[ClientShower],
    found: GivenClient,
) -> Response[str]:
    """Make another secret, and hand it over in this very answer."""
    asked = _asked(request, await read_fields(request))
    try:
        made = await add_secret(
            database,
            config.secret_peppers,
            found.tenant.id,
            found.client_id,
            asked,
            shower.acting(request),
        )
    except SecretRefused as refusal:
        return _show(request, shower, found, error=str(refusal))
    return _show(request, shower, await shower.again(request, found), made)


@post("/tenants/{slug:str}/clients/{client_id:str}/credentials/end", opt=_CHANGE, status_code=200)
async def end_secret(
    request: AnyRequest,
    database: NamedDependency[Database],
    shower: NamedDependency[ClientShower],
    found: GivenClient,
) -> Response[Any]:
    """End a secret now; the last one only when that is said once more."""
    fields = await read_fields(request)
    name, even_last, by = fields["name"], bool(fields["even_last"]), shower.acting(request)
    try:
        await revoke_secret(
            database, found.tenant.id, found.client_id, name, even_last=even_last, by=by
        )
    except LastSecret as refusal:
        return _show(request, shower, found, error=str(refusal), last=name)
    except (SecretRefused, UnknownSecret) as refusal:
        return _show(request, shower, found, error=str(refusal))
    return shower.go(request, f"{found.path}/credentials")


@post(
    "/tenants/{slug:str}/clients/{client_id:str}/credentials/rotate", opt=_CHANGE, status_code=200
)
async def begin_rotation(
    request: AnyRequest,
    database: NamedDependency[Database],
    config: GivenConfig,
    shower: NamedDependency[ClientShower],
    found: GivenClient,
) -> Response[str]:
    """Make a new secret; the others end when the overlap is over."""
    fields = await read_fields(request)
    overlap = _chosen(fields["overlap"], _OVERLAPS, _DAY)
    asked = _asked(request, fields)
    try:
        made = await start_rotation(
            database,
            config.secret_peppers,
            found.tenant.id,
            found.client_id,
            asked,
            overlap,
            by=shower.acting(request),
        )
    except SecretRefused as refusal:
        return _show(request, shower, found, error=str(refusal))
    return _show(request, shower, await shower.again(request, found), made)


@post(
    [
        "/tenants/{slug:str}/clients/{client_id:str}/credentials/finish",
        "/tenants/{slug:str}/clients/{client_id:str}/credentials/cancel",
    ],
    opt=_CHANGE,
    status_code=200,
)
async def end_rotation(
    request: AnyRequest,
    database: NamedDependency[Database],
    shower: NamedDependency[ClientShower],
    found: GivenClient,
) -> Response[Any]:
    """Finish the rotation, or take it back."""
    step = finish_rotation if request.url.path.endswith("/finish") else cancel_rotation
    try:
        await step(database, found.tenant.id, found.client_id, shower.acting(request))
    except SecretRefused as refusal:
        return _show(request, shower, found, error=str(refusal))
    return shower.go(request, f"{found.path}/credentials")


CREDENTIAL_PAGES = [credentials_page, make_secret, end_secret, begin_rotation, end_rotation]


def _show(
    request: AnyRequest,
    shower: ClientShower,
    found: Found,
    made: MadeSecret | None = None,
    *,
    error: str = "",
    last: str = "",
) -> Response[str]:
    now = shower.now()
    live = [each for each in found.details.secrets if not _has_ended(each, now)]
    replaced = [each for each in live if each.replaced_by is not None]
    caller = shower.caller(found, made.client_secret if made else "")
    return shower.show(
        request,
        found,
        "credentials",
        status=422 if error else 200,
        live=live,
        ended=[each for each in found.details.secrets if _has_ended(each, now)],
        replaced=replaced,
        used_lately=_used_lately(replaced, now),
        room=len(live) < MAXIMUM_LIVE_SECRETS,
        most=MAXIMUM_LIVE_SECRETS,
        made=made,
        dotenv=dotenv(caller) if made else "",
        error=error,
        last=last,
        overlaps=_OVERLAPS,
        expiries=_EXPIRIES,
    )


def _has_ended(secret: KeptSecret, now: datetime) -> bool:
    return secret.expires_at is not None and secret.expires_at <= now


def _used_lately(replaced: Sequence[KeptSecret], now: datetime) -> list[KeptSecret]:
    """Give the old secrets that some program still goes by."""
    return [each for each in replaced if each.used_at is not None and now - each.used_at < _LATELY]


def _asked(request: AnyRequest, fields: Fields) -> AskedSecret:
    return AskedSecret(
        name=fields["name"].strip(),
        expires_in=_chosen(fields["expires"], _EXPIRIES, 0) or None,
        created_by=signed_in_of(request).email,
    )


def _chosen(text: str, of: dict[int, str], otherwise: int) -> int:
    """Read the seconds of a select; what none of its options says means `otherwise`."""
    return next((each for each in of if str(each) == text), otherwise)
