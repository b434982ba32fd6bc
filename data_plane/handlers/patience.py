"""How long a request may take to arrive: one look now and then, not a timer for each request."""

import asyncio
from types import TracebackType

from data_plane.protocol.errors import RequestTooSlow

_PATIENCE = 9.0  # seconds
_LOOK_EVERY = 0.5  # seconds, while anything is waited for


class Patience:
    """`with patience:` ends the task's waiting with RequestTooSlow when it took too long.

    A timer of its own costs a request a tenth of all its time; these share one.
    """

    def __init__(self) -> None:
        self._began: dict[asyncio.Task[object], float] = {}  # the longest waiting first
        self._looks = False

    def __enter__(self) -> None:
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("nobody can be ended here: no task runs")
        loop = task.get_loop()
        self._began[task] = loop.time()
        if not self._looks:
            self._looks = True
            loop.call_later(_LOOK_EVERY, self._look, loop)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        task = asyncio.current_task()
        if task is None or self._began.pop(task, None) is not None:
            return
        if kind is asyncio.CancelledError and task.uncancel() == 0:
            raise RequestTooSlow("the body did not arrive in time") from None

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        late = loop.time() - _PATIENCE
        for task in [task for task, began in self._began.items() if began < late]:
            del self._began[task]
            task.cancel()
        self._looks = bool(self._began)
        if self._looks:
            loop.call_later(_LOOK_EVERY, self._look, loop)
