"""What is remembered of a proved client, for how long, and how much of it."""

from data_plane.protocol.proved import KeyedHash, ProvedClient, ProvedClients
from shared.domain.client import Client
from shared.domain.ids import ClientId

NOW = 1_000


def proved(until: int | None = None) -> ProvedClient:
    client = Client(client_id=ClientId("c_1"), enabled=True, secrets=(), apis=(), default_api=None)
    if until is None:
        return ProvedClient(client=client, digest=b"d")
    return ProvedClient(client=client, digest=b"d", until=until)


def test_it_is_recognised_until_its_secret_ends() -> None:
    held = ProvedClients()
    held.remember(b"h", proved(until=NOW + 60))
    assert held.get(b"h", NOW + 59) is not None
    assert held.get(b"h", NOW + 60) is None, "B12"


def test_without_an_end_it_is_recognised_always() -> None:
    held = ProvedClients()
    held.remember(b"h", proved())
    assert held.get(b"h", 2**40) is not None
    assert held.get(b"other", NOW) is None


def test_what_is_remembered_is_bounded() -> None:
    held = ProvedClients()
    for number in range(5_000):
        held.remember(b"%d" % number, proved())
    assert held.get(b"4999", NOW) is not None
    assert sum(held.get(b"%d" % number, NOW) is not None for number in range(5_000)) == 2_000


def test_clients_share_no_decisions() -> None:
    assert proved().templates is not proved().templates


def test_the_hash_is_that_of_one_key() -> None:
    ours, others = KeyedHash(bytes(32)), KeyedHash(b"\1" * 32)
    assert ours(b"Basic x") == ours(b"Basic x") != ours(b"Basic y")
    assert ours(b"Basic x") != others(b"Basic x")
