"""How guesses at secrets are counted."""

import tracemalloc

import pytest

from data_plane.limits.wrong_secrets import WrongSecrets
from data_plane.protocol.errors import TooManyRequests
from shared.domain.ids import ClientId, TenantId

NOW = 1_000_000
ACME = TenantId("aaaaaaaaaaaaa")
GUESSER = ACME, ClientId("c_1"), "192.0.2.1"


async def guessed(times: int, *, known: bool = True) -> WrongSecrets:
    wrong = WrongSecrets()
    for number in range(times):
        await wrong.count(GUESSER, bytes([number]), known=known, now=NOW)
    return wrong


@pytest.mark.parametrize("known", [True, False])
async def test_the_tenth_guess_locks_the_guesser_out_until_the_minute_is_over(
    *, known: bool
) -> None:
    await (await guessed(9, known=known)).check(GUESSER, known=known, now=NOW)
    wrong = await guessed(10, known=known)
    with pytest.raises(TooManyRequests) as refused:
        await wrong.check(GUESSER, known=known, now=NOW + 20)
    assert refused.value.retry_after == 40
    await wrong.check(GUESSER, known=known, now=NOW + 60)


@pytest.mark.parametrize(
    "other",
    [
        (ACME, ClientId("c_1"), "192.0.2.2"),
        (ACME, ClientId("c_2"), "192.0.2.1"),
        (TenantId("bbbbbbbbbbbbb"), ClientId("c_1"), "192.0.2.1"),
    ],
    ids=["site", "client", "tenant"],
)
async def test_another_is_not_locked_out(other: tuple[TenantId, ClientId, str]) -> None:
    await (await guessed(10)).check(other, known=True, now=NOW)


async def test_the_same_guess_counts_once() -> None:
    wrong = WrongSecrets()
    for _ in range(1_000):
        await wrong.count(GUESSER, b"the same", known=True, now=NOW)
    await wrong.check(GUESSER, known=True, now=NOW)


async def test_many_unknown_clients_are_not_remembered_and_push_nobody_out() -> None:
    wrong = await guessed(10)
    for number in range(50_000):
        await wrong.count((ACME, ClientId(str(number)), "192.0.2.1"), b"x", known=False, now=NOW)
    assert len(wrong) <= 15_001
    with pytest.raises(TooManyRequests):
        await wrong.check(GUESSER, known=True, now=NOW)


async def guess_from(wrong: WrongSecrets, number: int, guesses: int) -> None:
    """Guess at a client that there is and at one that there is not, from a site of its own."""
    site = f"2001:db8:1234:{number:x}::/64"
    for known, client_id in (
        (True, f"c_{number:016}"),
        (False, f"{number:016}\U0001f511" * 600),
    ):
        guesser = ACME, ClientId(client_id), site
        for guess in range(guesses):
            await wrong.count(guesser, number.to_bytes(7) + bytes([guess]), known=known, now=NOW)


async def test_what_is_remembered_of_each_stays_small_however_long_the_client_ids_are() -> None:
    """So that thirty thousand, as many as are remembered, stay under 32 MB."""
    tracemalloc.start()
    wrong = WrongSecrets()
    for number in range(1_000):
        await guess_from(wrong, number, guesses=10)
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(wrong) == 2_000
    assert held < 2_000 * 32_000_000 / 30_000


async def test_of_either_kind_fifteen_thousand_are_remembered() -> None:
    wrong = WrongSecrets()
    for number in range(16_000):
        await guess_from(wrong, number, guesses=1)
    assert len(wrong) == 30_000
