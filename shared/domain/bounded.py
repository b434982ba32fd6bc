"""A dict that remembers so many things and no more."""

from typing import TypeVar

Name = TypeVar("Name")
Thing = TypeVar("Thing")


def keep(kept: dict[Name, Thing], name: Name, thing: Thing, maximum: int) -> None:
    """Remember it, where there is no room in the place of the one that was remembered first."""
    if name not in kept and len(kept) >= maximum:
        del kept[next(iter(kept))]
    kept[name] = thing
