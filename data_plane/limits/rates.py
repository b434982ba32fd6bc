"""Rate limits as one worker keeps to them: by itself, or with leases of what all workers share.

A lease is a few hundredths of a second's worth. It is used up without asking anybody, the next is
asked for when half is gone, and after a second it is worth nothing: by then the shared bucket has
filled up with more than it. Every request is taken from the shared bucket, so all workers together
take what the limit allows, and not one more.
"""

import asyncio
import time
from collections.abc import Callable
from typing import Protocol

from data_plane.ports import Lease, Leases
from data_plane.protocol.errors import TemporarilyUnavailable
from shared.domain.bucket import SECOND, Bucket
from shared.domain.ids import TenantId
from shared.domain.limits import Rate

Ticks = Callable[[], int]  # nanoseconds, of a clock that never goes back

_LEASE = SECOND // 20  # nanoseconds of the rate, in one lease
_LIFE = SECOND  # nanoseconds that a lease is good for
_ROUNDS = 3  # answers that a request waits for: the first may be to a question before it


class Meter(Protocol):
    """One limit."""

    def take(self, now: int) -> bool:
        """Take a request at once; False where it is over the limit, or is to ask first."""
        ...

    async def ask(self) -> bool:
        """Take it after all, where it was only to ask."""
        ...

    def is_sure(self, now: int) -> bool:
        """Tell whether asking cannot change that the last take was refused."""
        ...

    def give_back(self) -> None:
        """Undo the last take."""
        ...

    def change(self, rate: Rate, now: int) -> None:
        """Go on with another rate; what has been used stays used."""
        ...

    def left(self, now: int) -> tuple[int, int]:
        """Tell how many requests it takes at once, and in how many seconds it is full again."""
        ...

    def wait(self, now: int) -> int: ...


class OwnMeter(Bucket):
    """A limit that this process alone keeps."""

    __slots__ = ()

    async def ask(self) -> bool:
        return False

    def is_sure(self, now: int) -> bool:  # noqa: ARG002 - it never asks
        return True


class LeasedMeter:
    """This worker's part of a limit that all share; its own limit while nobody answers."""

    def __init__(
        self,
        leases: Leases,
        name: tuple[TenantId, str],
        rate: Rate,
        *,
        ticks: Ticks = time.monotonic_ns,
    ) -> None:
        """Name the limit by tenant and client_id, '' for the tenant's own."""
        self._leases = leases
        self._name = name
        self._own = OwnMeter(rate)
        self._ticks = ticks
        self._held = 0
        self._good_until = 0
        self._refused_until = 0
        self._left = rate.burst  # in the shared bucket, when it last answered
        self._waiting = 0
        self._asking: asyncio.Task[None] | None = None

    def take(self, now: int) -> bool:
        if not self._leases.usable:
            return self._own.take(now)
        if self._held == 0 or now > self._good_until:
            return False
        self._held -= 1
        if self._asking is None and self._held <= self._size // 2 and self._size > 1:
            self._asking = asyncio.create_task(self._fetch())
        return True

    async def ask(self) -> bool:
        """Wait for a lease, unless it was just said that there is none.

        Redis is given up within a fortieth of a second (store.shared_redis), and the wait with it.
        """
        self._waiting += 1
        try:
            for _ in range(_ROUNDS):
                if self.is_sure(self._ticks()):
                    break
                await self._answered()
                if self.take(self._ticks()):
                    return True
        finally:
            self._waiting -= 1
        return not self._leases.usable and self._own.take(self._ticks())

    def is_sure(self, now: int) -> bool:
        """Until a wait that Redis gave is over, there is nothing to ask it for."""
        return not self._leases.usable or now < self._refused_until

    def give_back(self) -> None:
        if self._leases.usable:
            self._held += 1
        else:
            self._own.give_back()

    def change(self, rate: Rate, now: int) -> None:
        self._own.change(rate, now)

    def left(self, now: int) -> tuple[int, int]:
        if not self._leases.usable:
            return self._own.left(now)
        rate = self._own.rate
        left = min(rate.burst, self._left + self._held)
        return left, -(-(rate.burst - left) // rate.per_second)

    def wait(self, now: int) -> int:
        if not self._leases.usable:
            return self._own.wait(now)
        return max(0, self._refused_until - now)

    @property
    def _size(self) -> int:
        return max(1, self._own.rate.per_second * _LEASE // SECOND)

    @property
    def _pause(self) -> int:
        """For so long nobody asks after "none": a lease's time, and no bucket is full by then.

        A question costs as much as ten refusals, which the neighbours of a noisy tenant wait for.
        """
        rate = self._own.rate
        return min(_LEASE, rate.burst * SECOND // (2 * rate.per_second))

    async def _answered(self) -> None:
        """Wait for an answer, which others may be waiting for too."""
        if self._asking is None:
            self._asking = asyncio.create_task(self._fetch())
        # shielded: the one who gave up must not take the answer from the others
        await asyncio.shield(self._asking)

    async def _fetch(self) -> None:
        most = max(self._size, self._waiting)
        try:
            self._hold(await self._leases.take(*self._name, self._own.rate, most))
        except TemporarilyUnavailable:
            self._held = 0
        finally:
            self._asking = None

    def _hold(self, lease: Lease) -> None:
        now = self._ticks()
        self._left = lease.left
        # so that whoever gives Redis up goes on from here, and not with a whole burst
        self._own.set_left(min(lease.left, self._own.rate.burst), now)
        if lease.granted:
            kept = self._held if now <= self._good_until else 0
            self._held, self._good_until = kept + lease.granted, now + _LIFE
        else:
            self._refused_until = now + min(max(lease.wait, self._pause), SECOND)
