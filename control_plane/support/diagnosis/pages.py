"""Why token requests fail, as pages: of a client, of a refused request; and a token's record."""

from typing import Any

from litestar import Request, Response, get
from litestar.di import NamedDependency
from litestar.exceptions import NotFoundException
from litestar.params import FromPath, FromQuery

from control_plane.staff.rules import StaffPermission
from control_plane.support.diagnosis.actions import find_refusal, find_tenant, find_token, look
from control_plane.support.diagnosis.repository import SupportedTenant
from control_plane.support.diagnosis.seen import Asked
from control_plane.support.shown import SupportShower
from control_plane.usage.forms import read_id

OF_TENANT = "/support/accounts/{account_id:str}/tenants/{slug:str}"
SEES = {"staff": StaffPermission.SEE, "grant": True}
_LONGEST = 500  # characters of what is asked about

AnyRequest = Request[Any, Any, Any]


async def tenant_of(support: SupportShower, account_id: str, slug: str) -> SupportedTenant:
    """Find it in the account that is opened: another's answers as one that is not there, 404."""
    found = await find_tenant(support.database, account_id, slug)
    if found is None:
        raise NotFoundException
    return found


@get(OF_TENANT + "/diagnosis", opt=SEES)
async def diagnosis_page(
    request: AnyRequest,
    account_id: FromPath[str],
    slug: FromPath[str],
    support: NamedDependency[SupportShower],
    client: FromQuery[str] = "",
) -> Response[str]:
    """Show what the form asks about: any client id, also one that is none of the tenant's."""
    return await _of_client(request, support, account_id, slug, client.strip())


@get(OF_TENANT + "/clients/{client_id:str}", opt=SEES)
async def client_page(
    request: AnyRequest,
    account_id: FromPath[str],
    slug: FromPath[str],
    client_id: FromPath[str],
    support: NamedDependency[SupportShower],
) -> Response[str]:
    return await _of_client(request, support, account_id, slug, client_id)


@get(OF_TENANT + "/refusals/{refusal:str}", opt=SEES)
async def refusal_page(
    request: AnyRequest,
    account_id: FromPath[str],
    slug: FromPath[str],
    refusal: FromPath[str],
    support: NamedDependency[SupportShower],
) -> Response[str]:
    tenant, refusal_id = await tenant_of(support, account_id, slug), read_id(refusal)
    found = refusal_id and await find_refusal(support.database, tenant, refusal_id)
    if not found:
        raise NotFoundException
    asked = _asked(request, found.client_id)
    looked = await look(support.database, tenant, asked, support.now(), found)
    return support.show(
        request, "diagnosis/refusal.html", tenant=tenant, looked=looked, entry=found
    )


@get(OF_TENANT + "/tokens/{jti:str}", opt=SEES)
async def token_page(
    request: AnyRequest,
    account_id: FromPath[str],
    slug: FromPath[str],
    jti: FromPath[str],
    support: NamedDependency[SupportShower],
) -> Response[str]:
    tenant, token_id = await tenant_of(support, account_id, slug), read_id(jti)
    found = token_id and await find_token(support.database, tenant, token_id)
    if not found:
        raise NotFoundException
    return support.show(
        request, "diagnosis/token.html", tenant=tenant, found=found, now=support.now()
    )


async def _of_client(
    request: AnyRequest, support: SupportShower, account_id: str, slug: str, client_id: str
) -> Response[str]:
    tenant = await tenant_of(support, account_id, slug)
    looked = await look(support.database, tenant, _asked(request, client_id), support.now())
    return support.show(request, "diagnosis/client.html", tenant=tenant, looked=looked)


def _asked(request: AnyRequest, client_id: str) -> Asked:
    given = request.query_params
    return Asked(
        client_id=client_id[:_LONGEST],
        scope=given.get("scope", "").strip()[:_LONGEST],
        audience=given.get("audience", "").strip()[:_LONGEST],
    )


DIAGNOSIS_PAGES = [diagnosis_page, client_page, refusal_page, token_page]
