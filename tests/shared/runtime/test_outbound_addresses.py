"""Row H3 and H4: what is inside stays unmet, whatever its name or spelling; no byte is sent."""

import socket
import ssl
import sys
from collections.abc import Iterable, Iterator
from ipaddress import ip_address, ip_network
from typing import Any

import pytest

from shared.domain.outbound_url import (
    FetchRefused,
    Network,
    check_outbound_url,
    judge_address,
    read_networks,
)
from shared.runtime.outbound import Outbound, Resolve, SystemResolver
from tests.outside import outside, saying
from tests.shared.runtime.hostile_urls import ADDRESSES, MALFORMED, OUTSIDE, SCHEMES

_NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # loading the authorities takes 40 ms
LOOPBACK = read_networks("127.0.0.0/8,::1/128")


class Watch:
    """Every address that this process begins to connect to, as the interpreter tells it."""

    def __init__(self) -> None:
        self.watching = False
        self.met: list[Any] = []
        sys.addaudithook(self._hear)  # for good: hooks cannot be taken off

    def _hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        if self.watching and event in {"socket.connect", "socket.sendto"}:
            self.met.append(arguments[1])


@pytest.fixture(scope="module")
def only_watch() -> Watch:
    return Watch()


@pytest.fixture
def met(only_watch: Watch) -> Iterator[list[Any]]:
    only_watch.met.clear()
    only_watch.watching = True
    yield only_watch.met
    only_watch.watching = False


class Names:
    """A resolver that gives each time the next of its answers, and remembers who asked."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []

    async def __call__(self, host: str, _: int) -> list[str]:
        self.asked.append(host)
        return self.answers.pop(0)


def url_of(address: str) -> str:
    return f"https://[{address}]/jwks" if ":" in address else f"https://{address}/jwks"


def shown(value: str) -> str:
    return "H3-" + (ascii(value)[1:-1][:40] or "empty")


def outbound(resolve: Resolve | None = None, networks: Iterable[Network] = ()) -> Outbound:
    return Outbound(networks, resolve=resolve, tls=_NO_TLS)


async def refusal_of(asking: Outbound, url: str) -> str:
    with pytest.raises(FetchRefused) as refused:
        await asking.fetch_json(url)
    assert str(refused.value).isascii()
    return str(refused.value)


@pytest.mark.parametrize("address", ADDRESSES, ids=shown)
async def test_an_address_of_the_inside_is_not_met(address: str, met: list[Any]) -> None:
    with pytest.raises(FetchRefused):
        check_outbound_url(url_of(address))
    assert await refusal_of(outbound(), url_of(address))
    assert met == []


@pytest.mark.parametrize("address", ADDRESSES, ids=shown)
async def test_a_name_of_the_inside_is_not_met(address: str, met: list[Any]) -> None:
    """Also where an address of the world is the first of two."""
    asking = outbound(Names([address], ["8.8.8.8", address]))
    for _ in range(2):
        assert await refusal_of(asking, "https://keys.example/jwks")
    assert met == []


@pytest.mark.parametrize("url", [*MALFORMED, *SCHEMES], ids=shown)
async def test_a_url_that_may_be_read_in_two_ways_is_not_even_resolved(
    url: str, met: list[Any]
) -> None:
    with pytest.raises(FetchRefused):
        check_outbound_url(url)
    names = Names()
    assert await refusal_of(outbound(names), url)
    assert (names.asked, met) == ([], [])


@pytest.mark.parametrize("url", MALFORMED, ids=shown)
def test_allowed_networks_make_no_spelling_good(url: str) -> None:
    with pytest.raises(FetchRefused):
        check_outbound_url(url, [ip_network("0.0.0.0/0"), ip_network("::/0")])


def test_the_table_has_at_least_137_rows() -> None:
    assert len({*ADDRESSES, *MALFORMED, *SCHEMES}) >= 137


@pytest.mark.parametrize("address", OUTSIDE)
def test_an_address_of_the_world_is_one(address: str) -> None:
    judge_address(ip_address(address), "https", ())
    assert check_outbound_url(url_of(address)).scheme == "https"


@pytest.mark.parametrize(
    "url",
    [
        "https://keys.example",
        "https://keys.example:8443/realms/a/protocol/openid-connect/certs",
        "https://xn--bcher-kva.example/jwks?p=policy&v=2.0",
        "https://my_keys.example/~a/%7Ejwks.json;v=1",
    ],
)
def test_a_url_of_the_world_is_taken(url: str) -> None:
    assert check_outbound_url(url).host in url


async def test_the_systems_resolver_finds_this_machine_and_it_is_not_met(met: list[Any]) -> None:
    assert set(await SystemResolver()("localhost", 443)) <= {"127.0.0.1", "::1"}
    assert await refusal_of(outbound(), "https://localhost/jwks")
    assert met == []


async def test_a_name_that_is_not_there_is_refused() -> None:
    async def nobody(_: str, __: int) -> list[str]:
        raise socket.gaierror(socket.EAI_NONAME, "not there")

    assert await refusal_of(outbound(nobody), "https://keys.example/")
    assert await refusal_of(outbound(Names([])), "https://keys.example/")


async def test_plain_http_is_for_allowed_networks_only(met: list[Any]) -> None:
    names = Names(["8.8.8.8"])
    assert await refusal_of(outbound(names, LOOPBACK), "http://keys.example/")
    assert names.asked == ["keys.example"]
    assert met == []


@pytest.mark.parametrize("address", ["127.0.0.1", "::ffff:127.0.0.1"])
async def test_an_allowed_network_is_met(address: str, met: list[Any]) -> None:
    async with outside() as there:
        there.answers["/jwks"] = saying(b"{}")
        asking = outbound(Names([address]), LOOPBACK)
        assert await asking.fetch_json(f"http://keys.example:{there.port}/jwks") == b"{}"
        assert there.heads[0].count(f"Host: keys.example:{there.port}\r\n") == 1
    assert len(met) == 1


@pytest.mark.parametrize("address", ["10.0.0.1", "::2", "64:ff9b::a00:1"])
async def test_an_allowed_network_allows_no_other(address: str, met: list[Any]) -> None:
    asking = outbound(Names([address]), LOOPBACK)
    assert await refusal_of(asking, "https://keys.example/")
    assert met == []


async def test_a_name_that_resolves_anew_is_judged_anew() -> None:
    """DNS rebinding: first the world, then the inside; each fetch asks once."""
    names = Names(["127.0.0.1"], ["127.0.0.2"])
    async with outside() as there:
        there.answers["/jwks"] = saying(b"{}")
        url = f"http://keys.example:{there.port}/jwks"
        asking = outbound(names, read_networks("127.0.0.1/32"))
        assert await asking.fetch_json(url) == b"{}"
        assert await refusal_of(asking, url)
        assert there.connections == 1
    assert names.asked == ["keys.example"] * 2
