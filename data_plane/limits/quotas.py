"""The tokens of an account's month: how many there were, and who is told that they run out."""

import asyncio
import logging
import time
from collections.abc import Callable

import msgspec

from data_plane.ports import IssuedCounts, Thresholds
from data_plane.protocol.errors import TemporarilyUnavailable
from shared.domain.bounded import keep
from shared.domain.plan import QUOTA_THRESHOLDS, thresholds_reached
from shared.runtime.logs import fields

_log = logging.getLogger("data_plane")

_MAXIMUM_KEPT = 10_000  # accounts
_RETRY = 1.0  # seconds
_NONE_LEFT = 2**63


class _Account(msgspec.Struct):
    """What this worker knows of an account's month."""

    month: str
    included: int
    next_at: int  # tokens at which there is something to record
    retry_at: float = 0.0  # not before


class MonthlyQuotas:
    def __init__(
        self,
        counts: IssuedCounts,
        thresholds: Thresholds,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._counts = counts
        self._thresholds = thresholds
        self._monotonic = monotonic
        self._accounts: dict[str, _Account] = {}
        self._recording: set[asyncio.Task[None]] = set()

    async def issued(self, account: str, month: str, included: int) -> int:
        """Give the tokens of the month until now. Records the thresholds that they have reached.

        Nothing waits for the record. What a crash loses, the next request sees again.
        """
        issued = await self._counts.of_month(account, month)
        self._watch(account, month, included, issued)
        return issued

    def issued_at_hand(self, account: str, month: str, included: int) -> int | None:
        """Do the same where that needs no reading; None: it does."""
        issued = self._counts.at_hand(account, month)
        if issued is not None:
            self._watch(account, month, included, issued)
        return issued

    async def drain(self) -> None:
        """Return once nothing is being recorded any more: for the end of the process."""
        await asyncio.gather(*self._recording)

    def _watch(self, account: str, month: str, included: int, issued: int) -> None:
        held = self._accounts.get(account)
        if held is None or held.month != month or held.included != included:
            held = _Account(month, included, included * QUOTA_THRESHOLDS[0] // 100)
            keep(self._accounts, account, held, _MAXIMUM_KEPT)
        if issued >= held.next_at and self._monotonic() >= held.retry_at:
            self._record(account, held, issued)

    def _record(self, account: str, held: _Account, issued: int) -> None:
        reached = thresholds_reached(held.included, issued)
        held.retry_at = self._monotonic() + _RETRY
        if reached:
            task = asyncio.create_task(self._reach(account, held, reached))
            self._recording.add(task)
            task.add_done_callback(self._recording.discard)

    async def _reach(self, account: str, held: _Account, reached: tuple[int, ...]) -> None:
        try:
            new = await self._thresholds.reach(account, held.month, reached)
        except TemporarilyUnavailable:
            return  # a later request tries again
        for percent in new:
            told = fields(account=account, month=held.month, percent=percent)
            _log.warning("a share of the month's tokens is used", extra=told)
        following = [each for each in QUOTA_THRESHOLDS if each > reached[-1]]
        held.next_at = -(-held.included * following[0] // 100) if following else _NONE_LEFT
        held.retry_at = 0.0
