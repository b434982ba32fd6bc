"""A batch of tokens as it is recorded: all of one minute, gathered by what they share.

A batch has an id of its own, by which the ledger knows one that it has already.
"""

import time
from collections.abc import Iterable, Sequence
from functools import lru_cache
from secrets import randbits
from typing import TypeAlias

import msgspec

from data_plane.ports import IssuedToken
from shared.domain.ids import octets_milliseconds, uuid7, uuid_text

_JTI = 16  # octets
_JTI_TEXT = 33  # characters in an array's text, with the comma or brace behind it
_MINUTE = 60_000  # milliseconds

Months: TypeAlias = dict[tuple[str, str], int]  # (account, UTC month such as 2026-11) -> tokens


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """Tokens that differ in nothing but their ids."""

    tenant: str
    account: str
    client_id: str
    api: str
    lifetime: int  # seconds
    jtis: str  # the text of an array of UUIDs: measured, a tenth of what an object for each costs

    @property
    def tokens(self) -> int:
        return len(self.jtis) // _JTI_TEXT


class Batch(msgspec.Struct, frozen=True, kw_only=True):
    """What the spool keeps too: a change of its shape needs another kind of file there."""

    id: str  # a UUIDv7
    minute: int  # since the epoch, in which all its tokens were issued
    groups: list[Group]

    @property
    def tokens(self) -> int:
        return sum(group.tokens for group in self.groups)

    def months(self) -> Months:
        """Count its tokens by account."""
        counts: Months = {}
        month = _month_of(self.minute // 60)
        for group in self.groups:
            key = group.account, month
            counts[key] = counts.get(key, 0) + group.tokens
        return counts


def month_key(issued: IssuedToken) -> tuple[str, str]:
    return issued.account, _month_of(octets_milliseconds(issued.jti) // (60 * _MINUTE))


def gather(tokens: Sequence[IssuedToken]) -> list[Batch]:
    """Make a batch of them; two or more where they are of more than one minute."""
    jtis = [each.jti for each in tokens]
    if _minute_of(min(jtis)) == _minute_of(max(jtis)):
        return [_batch(tokens)]
    minutes: dict[int, list[IssuedToken]] = {}
    for each in tokens:
        minutes.setdefault(_minute_of(each.jti), []).append(each)
    return [_batch(each) for each in minutes.values()]


def months_of(batches: Iterable[Batch]) -> Months:
    counts: Months = {}
    for batch in batches:
        for key, tokens in batch.months().items():
            counts[key] = counts.get(key, 0) + tokens
    return counts


def _batch(tokens: Sequence[IssuedToken]) -> Batch:
    groups: dict[tuple[str, str, str, str, int], list[bytes]] = {}
    for each in tokens:
        shared = each.tenant, each.account, each.client_id, each.api, each.lifetime
        if shared in groups:
            groups[shared].append(each.jti)
        else:
            groups[shared] = [each.jti]
    return Batch(
        id=uuid_text(uuid7(time.time_ns() // 1_000_000, randbits(74)).bytes),
        minute=_minute_of(tokens[0].jti),
        groups=[
            Group(
                tenant=tenant,
                account=account,
                client_id=client_id,
                api=api,
                lifetime=lifetime,
                jtis=f"{{{b''.join(jtis).hex(',', _JTI)}}}",
            )
            for (tenant, account, client_id, api, lifetime), jtis in groups.items()
        ],
    )


def _minute_of(jti: bytes) -> int:
    return octets_milliseconds(jti) // _MINUTE


@lru_cache(maxsize=8)
def _month_of(hour: int) -> str:
    return time.strftime("%Y-%m", time.gmtime(hour * 3600))
