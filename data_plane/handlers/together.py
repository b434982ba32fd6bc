"""What arrives in one turn of the loop, worked on together.

Doing one step for all before the next has each step's code and tables at hand in the processor: a
signature alone drives out all else, and one request after the other takes a third more (decision
20).
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

_AT_ONCE = 32  # until others have their turn: RS256 can take 1 ms for each, and a commit waits

Item = TypeVar("Item")


class Together(Generic[Item]):
    """Collects what is to be worked on once all that is there now has been read."""

    def __init__(self, work: Callable[[Sequence[Item]], None]) -> None:
        self._work = work
        self._items: list[Item] = []

    def add(self, item: Item) -> None:
        if not self._items:
            self._soon()
        self._items.append(item)

    def _soon(self) -> None:
        asyncio.get_running_loop().call_soon(self._begin)

    def _begin(self) -> None:
        items, self._items = self._items[:_AT_ONCE], self._items[_AT_ONCE:]
        if self._items:
            self._soon()
        self._work(items)
