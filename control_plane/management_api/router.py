"""The routes of the management API, `{CONSOLE_URL}/api/v1`, and their OpenAPI document.

The document is made from the handlers themselves, so that it says what there is.
"""

import re
from collections.abc import Awaitable, Callable
from functools import cache
from importlib.metadata import version
from typing import Any, TypeAlias

import msgspec
from litestar import Litestar, Response, Router, get
from litestar.datastructures import ResponseHeader
from litestar.di import Provide
from litestar.openapi import OpenAPIConfig
from litestar.openapi.spec import Components, SecurityScheme

from control_plane.http.clock import Clock
from control_plane.http.visitors import Visitors
from control_plane.management_api.door import ApiDoor
from control_plane.management_api.given import AnyRequest, Work, actor_of, tenant_of
from control_plane.management_api.of_apis import API_ROUTES
from control_plane.management_api.of_clients import CLIENT_ROUTES
from control_plane.management_api.of_records import RECORD_ROUTES
from control_plane.management_api.of_tenants import TENANT_ROUTES
from control_plane.management_api.problems import MEDIA_TYPE, Problem
from control_plane.management_api.repeats import Repeats
from shared.runtime.config import Config
from shared.runtime.database import Database
from shared.runtime.sealing import Sealer

_REFUSALS = {
    "400": "The request cannot be read.",
    "401": "No management token, or one that does not count here.",
    "403": "The API key lacks the scope, or support has suspended the account.",
    "404": "There is no such thing, or it is another account's.",
    "409": "The plan has no room for it, or the name is taken.",
    "422": "It cannot be done so; `detail` says why.",
    "429": "The API key asks too often: `Retry-After` says when to go on.",
    "503": "Our database is away: `Retry-After` says when to try again.",
}
_PAGE = re.compile(r"Page_[\w.]*\.(\w+)_")  # how Litestar names a page of rows
_IDEMPOTENCY_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "The request is done once; sent again within a day, it is answered the same.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[ -~]+$"},
}

Enter: TypeAlias = Callable[[AnyRequest], Awaitable[None]]


@get("/openapi.json", opt={"open": True}, include_in_schema=False, sync_to_thread=False)
def document() -> Response[dict[str, Any]]:
    return Response(openapi_document(), headers={"Cache-Control": "max-age=3600"})


def create_api(work: Work | None, enter: Enter | None, visitors: Visitors | None) -> Router:
    """Give the routes; without anything to work with, to be described only."""
    return Router(
        "/api/v1",
        route_handlers=[document, *TENANT_ROUTES, *CLIENT_ROUTES, *API_ROUTES, *RECORD_ROUTES],
        before_request=enter,
        dependencies={
            "work": Provide(lambda: work, sync_to_thread=False, use_cache=True),
            "visitors": Provide(lambda: visitors, sync_to_thread=False, use_cache=True),
            "tenant": Provide(tenant_of),
            "by": Provide(actor_of),
        },
        response_headers=[ResponseHeader(name="Cache-Control", value="no-store")],
        include_in_schema=True,
        security=[{"management": []}],
    )


def serve_api(database: Database, config: Config, visitors: Visitors, clock: Clock) -> Router:
    sealer = Sealer(config.master_keys)
    work = Work(
        database=database,
        config=config,
        sealer=sealer,
        repeats=Repeats(database, sealer),
        clock=clock,
    )
    door = ApiDoor(database, config, clock)

    async def enter(request: AnyRequest) -> None:
        """Pass the one door: of an object, Litestar would give each handler a copy."""
        await door(request)

    return create_api(work, enter, visitors)


@cache
def openapi_document() -> dict[str, Any]:
    """Give the OpenAPI 3.1 document as JSON has it."""
    described = Litestar(
        [create_api(None, None, None)],
        openapi_config=OpenAPIConfig(
            title="auth-service management API",
            version=version("auth-service"),
            use_handler_docstrings=True,
            operation_id_creator=lambda handler, _method, _path: handler.handler_name,
            components=Components(
                security_schemes={"management": SecurityScheme(type="http", scheme="bearer")}
            ),
        ),
        logging_config=None,
    )
    text = msgspec.json.encode(described.openapi_schema.to_schema()).decode()
    made: dict[str, Any] = msgspec.json.decode(_PAGE.sub(r"PageOf\1", text))
    made["components"]["schemas"]["Problem"] = msgspec.json.schema_components([Problem])[1][
        "Problem"
    ]
    for path in made["paths"].values():
        for operation in path.values():
            _complete(operation)
    return made


def _complete(operation: dict[str, Any]) -> None:
    """Add what all operations have in common: how they refuse, and repeating a creation."""
    operation["summary"] = operation.pop("description")
    problem = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    for status, words in _REFUSALS.items():
        operation["responses"][status] = {"description": words, "content": problem}
    if "201" in operation["responses"]:
        operation.setdefault("parameters", []).append(_IDEMPOTENCY_KEY)
