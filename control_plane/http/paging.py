"""Lists that are cut into pages on the server, and what their addresses say."""

from typing import Generic, TypeVar
from urllib.parse import urlencode

import msgspec

SIZE = 20
_LAST_PAGE = 1_000_000
_LONGEST_SEARCH = 100

Row = TypeVar("Row")


class Listed(msgspec.Struct, Generic[Row], frozen=True, kw_only=True):
    """One page of a list."""

    rows: list[Row]
    total: int  # on all pages
    number: int  # of this page, from 1

    @property
    def pages(self) -> int:
        return max(1, -(-self.total // SIZE))

    @property
    def first(self) -> int:
        """The number of the page's first row, from 1."""
        return (self.number - 1) * SIZE + 1

    @property
    def last(self) -> int:
        return self.first + len(self.rows) - 1


def page_number(text: str) -> int:
    """Read the number of a page; what is none means the first."""
    is_number = text.isascii() and text.isdigit() and len(text) < len(str(_LAST_PAGE))
    return max(1, int(text)) if is_number else 1


def search_text(text: str) -> str:
    return text.strip()[:_LONGEST_SEARCH]


def query(**values: str | int) -> str:
    """Spell a query of those that say something."""
    said = urlencode({name: value for name, value in values.items() if value})
    return f"?{said}" if said else ""
