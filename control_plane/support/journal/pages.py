"""The staff audit (C10): one's own part for everybody, and all of it for leads, who export it and
verify its chain.
"""

from typing import Any

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.response import Stream

from control_plane.audit.actions import verify
from control_plane.audit.log_pages import Log, export_log, filters_of, show_log
from control_plane.audit.rules import STAFF, Verification
from control_plane.http.given import GivenConfig
from control_plane.staff.rules import StaffPermission, staff_may
from control_plane.support.journal.actions import record_export
from control_plane.support.shown import SupportShower

_SEES = {"staff": StaffPermission.SEE}
_SEES_ALL = {"staff": StaffPermission.SEE_JOURNAL}

AnyRequest = Request[Any, Any, Any]


@get("/support/journal", opt=_SEES)
async def journal_page(
    request: AnyRequest, support: NamedDependency[SupportShower]
) -> Response[str]:
    return await _show(request, support)


@post("/support/journal/verify", opt=_SEES_ALL | {"unreasoned": True}, status_code=200)
async def verify_journal(
    request: AnyRequest, support: NamedDependency[SupportShower], config: GivenConfig
) -> Response[str]:
    found = await verify(support.database, config.audit_keys, STAFF)
    return await _show(request, support, found)


@get("/support/journal/export", opt=_SEES_ALL)
async def export_journal(request: AnyRequest, support: NamedDependency[SupportShower]) -> Stream:
    await record_export(support.database, support.acting(request), filters_of(request))
    log = _log(request, support)
    return export_log(request, support.pages, support.database, log, "staff-audit")


JOURNAL_PAGES = [journal_page, verify_journal, export_journal]


def _log(request: AnyRequest, support: SupportShower) -> Log:
    staff = support.staff(request)
    sees_all = staff_may(staff.role, StaffPermission.SEE_JOURNAL)
    return Log(
        chain=STAFF,
        path="/support/journal",
        title="Staff audit",
        command="auth-service audit verify --staff",
        only_by="" if sees_all else staff.staff_id,
    )


async def _show(
    request: AnyRequest, support: SupportShower, verified: Verification | None = None
) -> Response[str]:
    log = _log(request, support)
    return await show_log(
        request,
        support.pages,
        support.database,
        log,
        "support/journal/log.html",
        verified=verified,
    )
