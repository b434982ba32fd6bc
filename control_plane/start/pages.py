"""The way to the first token (A2, A3): one form, then the values and what comes of them."""

from datetime import datetime
from typing import Any

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Stream

from control_plane.clients.repository import ClientDetails
from control_plane.clients.shown import ClientShower
from control_plane.clients.snippets import Caller, dotenv, snippets_for
from control_plane.http.clock import Clock
from control_plane.http.forms import Fields, read_fields
from control_plane.http.given import GivenConfig
from control_plane.http.rendering import Pages
from control_plane.http.signed_in import signed_in_of
from control_plane.http.streams import Streams, Told, is_paused, watched_until
from control_plane.members.rules import Permission
from control_plane.secrets.actions import add_secret
from control_plane.secrets.rules import AskedSecret
from control_plane.start import rules
from control_plane.start.actions import SetUp, show_first_client, show_first_use
from control_plane.tenancy.actions import first_tenant, is_slug_free, own_tenant
from control_plane.tenancy.repository import OwnTenant
from control_plane.tenants.actions import InvalidTenant, NewTenant, SlugTaken
from shared.domain.issuer import MalformedSlug, issuer_url, parse_slug
from shared.domain.plan import Environment
from shared.runtime.config import Config
from shared.runtime.database import Database

_SEE = {"permission": Permission.SEE_TENANTS}
_CHANGE = {"permission": Permission.CHANGE_TENANTS}
_SECRETS = {"permission": Permission.CHANGE_SECRETS, "step_up": True}
_SUGGESTIONS = 10

AnyRequest = Request[Any, Any, Any]


@get("/", opt={"signed_in": True, "view": True})
async def home(
    request: AnyRequest, pages: NamedDependency[Pages], database: NamedDependency[Database]
) -> Response[None]:
    """Send everyone to where they belong."""
    signed_in = signed_in_of(request)
    if signed_in.account_id is None or not signed_in.may("SEE_TENANTS"):
        return pages.go(request, "/you")
    first = await first_tenant(database, signed_in.account_id)
    if first is None and signed_in.may("CHANGE_TENANTS"):
        return pages.go(request, "/start")
    return pages.go(request, "/tenants")


@get("/start", opt=_CHANGE)
async def start_page(
    request: AnyRequest, pages: NamedDependency[Pages], database: NamedDependency[Database]
) -> Response[Any]:
    """Ask for the slug; a browser that comes back goes on where it was."""
    signed_in = signed_in_of(request)
    first = await first_tenant(database, signed_in.account_id or "")
    if first is not None and await show_first_client(database, first) is not None:
        return pages.go(request, f"/tenants/{first.slug}/first-token")
    if first is None:
        slug, free = await _suggested(database, signed_in.account_name)
    else:
        slug, free = first.slug, True
    return _show_form(request, pages, Fields({"slug": slug, "free": "1" if free else ""}))


async def _suggested(database: Database, account_name: str) -> tuple[str, bool]:
    """Give a slug that is to be had, where one of the first few is; and whether it is."""
    suggestions = [rules.suggested_slug(account_name, number) for number in range(1, _SUGGESTIONS)]
    for slug in suggestions:
        if await is_slug_free(database, slug):
            return slug, True
    return suggestions[0], False


@get("/start/slug", opt=_CHANGE)
async def slug_said(
    request: AnyRequest, pages: NamedDependency[Pages], database: NamedDependency[Database]
) -> Response[str]:
    """Say whether a slug is to be had, while it is being typed."""
    slug = request.query_params.get("slug", "")
    try:
        free, why = await is_slug_free(database, parse_slug(slug)), ""
    except MalformedSlug as refusal:
        free, why = False, str(refusal)
    return pages.show(request, "start/slug.html", slug=slug, free=free, why=why)


@get("/start/another", opt=_CHANGE)
async def new_tenant_page(request: AnyRequest, pages: NamedDependency[Pages]) -> Response[str]:
    return _show_form(request, pages, Fields({}))


@post(["/start", "/start/another"], opt=_CHANGE, status_code=200)
async def start(
    request: AnyRequest,
    pages: NamedDependency[Pages],
    database: NamedDependency[Database],
    config: GivenConfig,
    shower: NamedDependency[ClientShower],
    set_up: NamedDependency[SetUp],
) -> Response[Any]:
    """Make the tenant with an API and a client, and hand the secret over in this very answer."""
    signed_in = signed_in_of(request)
    fields = await read_fields(request)
    slug = fields["slug"].strip().lower()
    new = NewTenant(
        slug=slug,
        name=fields["name"].strip() or slug,
        account=signed_in.account_id or "",
        environment=_environment(fields["environment"]),
    )
    try:
        started = await set_up(new, shower.acting(request))
    except (MalformedSlug, SlugTaken, InvalidTenant) as refusal:
        return _show_form(request, pages, fields, error=str(refusal), status=422)
    path = f"/tenants/{started.tenant.slug}/first-token"
    if not started.client_secret:
        return pages.go(request, path)
    shown = _Shown(pages, database, config, shower.now())
    return await shown.show(request, started.tenant, started.client_secret)


@get("/tenants/{slug:str}/first-token", opt=_SEE)
async def first_token_page(
    request: AnyRequest,
    pages: NamedDependency[Pages],
    database: NamedDependency[Database],
    config: GivenConfig,
    clock: NamedDependency[Clock],
    slug: FromPath[str],
) -> Response[Any]:
    tenant = await own_tenant(database, request, slug)
    return await _Shown(pages, database, config, clock()).show(request, tenant, "")


@post("/tenants/{slug:str}/first-token", opt=_SECRETS, status_code=200)
async def another_secret(
    request: AnyRequest,
    pages: NamedDependency[Pages],
    database: NamedDependency[Database],
    config: GivenConfig,
    shower: NamedDependency[ClientShower],
    slug: FromPath[str],
) -> Response[Any]:
    """Make another secret for who has lost the first."""
    tenant = await own_tenant(database, request, slug)
    client = await show_first_client(database, tenant)
    if client is None:
        return pages.go(request, f"/tenants/{tenant.slug}/clients")
    asked = AskedSecret(created_by=signed_in_of(request).email)
    client_id = client.client.client_id
    by = shower.acting(request)
    made = await add_secret(database, config.secret_peppers, tenant.id, client_id, asked, by)
    shown = _Shown(pages, database, config, shower.now())
    return await shown.show(request, tenant, made.client_secret)


@get("/tenants/{slug:str}/first-token/events", opt=_SEE)
async def first_token_events(
    request: AnyRequest,
    pages: NamedDependency[Pages],
    database: NamedDependency[Database],
    clock: NamedDependency[Clock],
    streams: NamedDependency[Streams],
    slug: FromPath[str],
) -> Stream:
    """Tell of each change of what there is to see, as server-sent events."""
    tenant = await own_tenant(database, request, slug)
    client = await show_first_client(database, tenant)
    paused, scopes = is_paused(request, clock()), "" if client is None else _scopes(client)

    async def look() -> Told:
        seen = await show_first_use(database, tenant)
        text = pages.fragment(
            "start/seen.html", tenant=tenant, seen=seen, paused=paused, scopes=scopes
        )
        return Told(text, over=paused or seen.issued is not None)

    return streams.answer(request, look)


START_PAGES = [
    home,
    start_page,
    slug_said,
    new_tenant_page,
    start,
    first_token_page,
    another_secret,
    first_token_events,
]


class _Shown:
    """The page of the first token, with what it is made of."""

    def __init__(self, pages: Pages, database: Database, config: Config, now: datetime) -> None:
        self._pages = pages
        self._database = database
        self._config = config
        self._now = now

    async def show(self, request: AnyRequest, tenant: OwnTenant, secret: str) -> Response[Any]:
        client = await show_first_client(self._database, tenant)
        if client is None:
            return self._pages.go(request, f"/tenants/{tenant.slug}/clients")
        caller = Caller(
            issuer=issuer_url(self._config.public_url, tenant.slug),
            slug=tenant.slug,
            client_id=client.client.client_id,
            client_secret=secret,
            scope=_scopes(client),
        )
        return self._pages.show(
            request,
            "start/first_token.html",
            tenant=tenant,
            client=client,
            caller=caller,
            snippets=snippets_for(caller),
            dotenv=dotenv(caller) if secret else "",
            seen=await show_first_use(self._database, tenant),
            paused=False,
            scopes=caller.scope,
            until=watched_until(self._now),
        )


def _show_form(
    request: AnyRequest, pages: Pages, fields: Fields, *, error: str = "", status: int = 200
) -> Response[str]:
    first = request.url.path == "/start"
    return pages.show(
        request,
        "start/form.html",
        status=status,
        first=first,
        form=fields,
        error=error,
        hint=rules.SLUG_HINT,
    )


def _scopes(client: ClientDetails) -> str:
    return " ".join(client.grants.get(client.client.default_api or "", []))


def _environment(text: str) -> Environment:
    return Environment.LIVE if text == Environment.LIVE else Environment.TEST
