"""The page that asks for a fresh proof, and asks again where one was refused."""

from typing import Any

from litestar import Request, Response

from control_plane.audit.acting import acting
from control_plane.http.attempts import Attempts
from control_plane.http.clock import Clock
from control_plane.http.rendering import Pages
from control_plane.http.signed_in import signed_in_of
from control_plane.http.visitors import Visitors
from control_plane.passkeys.actions import Passkeys
from control_plane.security.actions import OwnSecurity

AnyRequest = Request[Any, Any, Any]


class AgainShower:
    def __init__(
        self,
        pages: Pages,
        visitors: Visitors,
        security: OwnSecurity,
        passkeys: Passkeys,
        attempts: Attempts,
        clock: Clock,
    ) -> None:
        self._pages = pages
        self._visitors = visitors
        self._security = security
        self._passkeys = passkeys
        self._attempts = attempts
        self._clock = clock

    async def ask(self, request: AnyRequest, target: str) -> Response[str]:
        """Ask for a proof; `target` is where it leads."""
        return await self._show(request, 200, next=target)

    async def refuse(self, request: AnyRequest, target: str, **errors: str) -> Response[str]:
        """Say what was wrong with which proof, and have it in the log."""
        person_id = signed_in_of(request).session.person_id
        if await self._attempts.is_news(self._clock(), person_id):
            await self._security.note_refused(acting(request, self._visitors))
        return await self._show(request, 422, next=target, **errors)

    async def _show(self, request: AnyRequest, status: int, **shown: str) -> Response[str]:
        person_id = signed_in_of(request).session.person_id
        values: dict[str, Any] = {"error": "", "passkey_error": ""} | shown
        return self._pages.show(
            request,
            "security/again.html",
            status=status,
            has_second=await self._security.codes_left(person_id) is not None,
            has_passkey=bool(await self._passkeys.list_passkeys(person_id)),
            **values,
        )
