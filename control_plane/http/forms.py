"""Reading a form: text by name, and what is wrong with it told field by field."""

from enum import StrEnum
from typing import Any, TypeVar

from litestar import Request

_LONGEST = 4_000  # characters of one field
LONG_TEXT = 60_000  # of one that takes a list or a key set; the whole body is bounded anyway

Kind = TypeVar("Kind", bound=StrEnum)


class Fields:
    """The fields of a posted form; one that is missing is empty."""

    def __init__(self, values: dict[str, str]) -> None:
        self.values = values

    def __getitem__(self, name: str) -> str:
        return self.values.get(name, "")

    def without(self, *names: str) -> dict[str, str]:
        """Give what a page may show again: not a password, say."""
        return {name: value for name, value in self.values.items() if name not in names}


async def is_typed(request: Request[Any, Any, Any], name: str) -> bool:
    """Tell whether the form's `typed` is the name that what cannot be undone asks for."""
    return (await read_fields(request))["typed"].strip() == name.strip()


def one_of(kind: type[Kind], text: str, default: Kind) -> Kind:
    """Read a choice; what is none of the kind's is the default."""
    return kind(text) if text in set(kind) else default


async def read_fields(request: Request[Any, Any, Any], longest: int = _LONGEST) -> Fields:
    form = await request.form()
    return Fields(
        {
            name: value[:longest].replace("\0", "")
            for name, value in form.multi_items()
            if isinstance(value, str)
        }
    )
