"""Queues, jobs, letters and periodic work (C8)."""

from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from control_plane.http.forms import read_fields
from control_plane.http.paging import page_number, query, search_text
from control_plane.staff.rules import StaffPermission
from control_plane.support.shown import AnyRequest, SupportShower
from control_plane.support.work import actions
from control_plane.support.work.rules import JobState, Sought, WorkRefused, spoken

_PATH = "/support/work"
_DIGITS = 18  # that a job's id may have
_SEES = {"staff": StaffPermission.SEE}
_RETRIES = {"staff": StaffPermission.RETRY_JOBS}


@get(_PATH, opt=_SEES)
async def work_page(request: AnyRequest, support: NamedDependency[SupportShower]) -> Response[str]:
    return await _show(request, support)


@post(_PATH + "/jobs/{job_id:str}/retry", opt=_RETRIES, status_code=200)
async def retry_job(
    request: AnyRequest, job_id: FromPath[str], support: NamedDependency[SupportShower]
) -> Response[None] | Response[str]:
    number = int(job_id) if job_id.isascii() and job_id.isdigit() and len(job_id) <= _DIGITS else 0
    try:
        await actions.retry_job(support.database, support.act(request), number)
    except WorkRefused as refusal:
        return await _show(request, support, str(refusal))
    return support.go(request, _PATH)


@post(_PATH + "/retry", opt=_RETRIES, status_code=200)
async def retry_queue(
    request: AnyRequest, support: NamedDependency[SupportShower]
) -> Response[None] | Response[str]:
    queue = (await read_fields(request))["queue"]
    try:
        await actions.retry_queue(support.database, support.act(request), queue)
    except WorkRefused as refusal:
        return await _show(request, support, str(refusal))
    return support.go(request, _PATH)


WORK_PAGES = [work_page, retry_job, retry_queue]


async def _show(request: AnyRequest, support: SupportShower, error: str = "") -> Response[str]:
    given = request.query_params
    form = {name: search_text(str(given.get(name, ""))) for name in ("queue", "state")}
    number = page_number(given.get("page", ""))
    work = await actions.show_work(support.database, Sought(**form), number, support.now())
    return support.show(
        request,
        "work/work.html",
        status=422 if error else 200,
        work=work,
        form=form,
        states=list(JobState),
        spoken=spoken,
        address=lambda number: _PATH + query(**form, page=number),
        error=error,
    )
