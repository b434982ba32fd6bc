"""Idempotency-Key: a request that creates something is done once, however often it is sent.

Its answer is kept for a day, sealed, and given again. The key is taken before anything is done: of
two at once one does it, and one whose end is not known is never done again.
"""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from hashlib import sha256
from typing import Any

import msgspec
from litestar import Request, Response

from control_plane.management_api import repository
from control_plane.management_api.holder import holder_of
from control_plane.management_api.problems import ApiRefusal, KeyReused, Unfinished
from shared.domain.refused import Refused
from shared.runtime.database import Database
from shared.runtime.sealing import Sealer

KEPT = timedelta(days=1)
_HEADER = "idempotency-key"
_LONGEST = 255  # characters
_CREATED = 201

AnyRequest = Request[Any, Any, Any]
Make = Callable[[], Awaitable[Any]]


class Repeats:
    def __init__(self, database: Database, sealer: Sealer) -> None:
        self._database = database
        self._sealer = sealer

    async def once(self, request: AnyRequest, make: Make) -> Response[Any]:
        """Do it and answer 201; where the request was done before, give the same answer again.

        Raises KeyReused or Unfinished, and what making it raises.
        """
        key = request.headers.get(_HEADER)
        if key is None:
            return _created(msgspec.json.encode(await make()))
        if not (0 < len(key) <= _LONGEST and key.isascii() and key.isprintable()):
            raise ApiRefusal(f"an Idempotency-Key is 1 to {_LONGEST} printable ASCII characters")
        digest = sha256(f"{request.method} {request.url.path}\n".encode() + await request.body())
        client_id = holder_of(request).client_id
        async with self._database.control() as connection:
            begun = await repository.begin_answer(connection, client_id, key, digest.digest())
            held = None if begun else await repository.find_answer(connection, client_id, key)
        if not begun:
            return self._again(held, digest.digest(), f"{client_id}|{key}")
        return await self._first(make, client_id, key)

    async def _first(self, make: Make, client_id: Any, key: str) -> Response[Any]:
        try:
            answer = msgspec.json.encode(await make())
        except Refused:  # nothing was done: the request may be sent again, corrected
            async with self._database.control() as connection:
                await repository.drop_answer(connection, client_id, key)
            raise
        sealed = self._sealer.seal_answer(answer, f"{client_id}|{key}")
        async with self._database.control() as connection:
            await repository.set_answer(connection, client_id, key, sealed)
        return _created(answer)

    def _again(
        self, held: repository.KeptAnswer | None, digest: bytes, place: str
    ) -> Response[Any]:
        if held is not None and held.digest != digest:
            raise KeyReused("this Idempotency-Key was sent with another request")
        if held is None or held.answer is None:
            raise Unfinished(
                "a request with this Idempotency-Key is not done yet, or broke off: look whether"
                " what it creates is there, and send another key if it is not"
            )
        answer = _created(self._sealer.open_answer(held.answer, place))
        answer.headers["Idempotency-Replayed"] = "true"
        return answer


def _created(answer: bytes) -> Response[Any]:
    return Response(
        answer,
        status_code=_CREATED,
        media_type="application/json",
        headers={"Cache-Control": "no-store"},
    )
