"""How a tenant is, by what was counted of it; and which notes are kept. Pure."""

from collections.abc import Mapping

import msgspec

from control_plane.usage.fixes import fix_of
from control_plane.usage.months import ISSUED, LIMITED, REFUSED
from shared.domain.refused import Refused

LONGEST_NOTE = 4_000  # characters
_BAD_SHARE = 20  # percent of requests
_FEW = 10  # requests: a share of fewer says nothing


class NoteRefused(Refused):
    """The note cannot be kept; the message says why."""


class Errors(msgspec.Struct, frozen=True, kw_only=True):
    """Refusals of one kind."""

    error: str  # the wire code
    count: int
    fix: str


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """What became of token requests in a while."""

    issued: int
    refused: int  # over a limit too
    errors: list[Errors]  # the most first

    @property
    def share(self) -> int:
        """Percent of them that were refused."""
        return 100 * self.refused // max(1, self.issued + self.refused)

    @property
    def is_bad(self) -> bool:
        return self.issued + self.refused >= _FEW and self.share >= _BAD_SHARE


def health_of(counts: Mapping[str, int]) -> Health:
    """Sum up counts by event."""
    refused = {
        event.removeprefix(REFUSED): count
        for event, count in counts.items()
        if event.startswith(REFUSED)
    }
    limited = counts.get(LIMITED, 0)
    if limited:
        refused["too_many_requests"] = refused.get("too_many_requests", 0) + limited
    return Health(
        issued=counts.get(ISSUED, 0),
        refused=sum(refused.values()),
        errors=[
            Errors(error=error, count=count, fix=fix_of(error))
            for error, count in sorted(refused.items(), key=lambda each: (-each[1], each[0]))
        ],
    )


def read_note(text: str) -> str:
    """Give the note as it is kept. Raises NoteRefused."""
    plain = text.replace("\r\n", "\n").strip()
    if not plain:
        raise NoteRefused("write something: an empty note tells nobody anything")
    if len(plain) > LONGEST_NOTE:
        raise NoteRefused(f"a note has at most {LONGEST_NOTE:,} characters")
    return plain
