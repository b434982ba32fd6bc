"""Which URLs of others we fetch, and which addresses we connect to (no address of the inside)."""

import re
from collections.abc import Iterable
from ipaddress import (
    AddressValueError,
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_network,
)
from typing import TypeAlias

import msgspec

from shared.domain.refused import Refused

Address: TypeAlias = IPv4Address | IPv6Address
Network: TypeAlias = IPv4Network | IPv6Network

_LONGEST_URL = 2048  # characters
_LONGEST_HOST = 253  # characters, RFC 1035 section 2.3.4
_HIGHEST_PORT = 65535
_PORTS = {"https": 443, "http": 80}

# Neither a user, nor a fragment, nor white space, nor anything that parsers read differently.
_URL = re.compile(
    r"(https?)://"
    r"(\[[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*\]|[A-Za-z0-9_-]{1,63}(?:\.[A-Za-z0-9_-]{1,63})*)"
    r"(?::([0-9]{1,5}))?"
    r"((?:[/?][!-~]*)?)"
)
_NOT_IN_A_TARGET = frozenset('#\\"<>^`{|}')
# An IPv4 address to somebody's parser; only the dotted decimal form is one to ours.
_NUMBER = re.compile(r"[0-9]+|0[Xx][0-9A-Fa-f]*")

# IANA's special-purpose registries, and multicast.
_INSIDE_IPV4 = tuple(
    IPv4Network(each)
    for each in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "168.63.129.16/32",  # Azure's host, which answers its guests only
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
    )
)
_UNICAST_IPV6 = IPv6Network("2000::/3")  # all that is given out; what is outside is not the world
_INSIDE_IPV6 = tuple(
    IPv6Network(each)
    for each in (
        "2001::/23",  # Teredo, benchmarks, ORCHID
        "2001:db8::/32",
        "2002::/16",  # 6to4
        "3fff::/20",
    )
)
_NAT64 = IPv6Network("64:ff9b::/96")  # RFC 6052: the last 32 bits are the IPv4 address meant


class FetchRefused(Refused):
    """It is not fetched, or what came is not taken. The message holds nothing of the URL."""


class OutboundUrl(msgspec.Struct, frozen=True, kw_only=True):
    scheme: str
    host: str  # a name or an address, without brackets
    port: int
    authority: str  # for the Host header
    target: str  # path and query


def check_outbound_url(url: str, networks: Iterable[Network] = ()) -> OutboundUrl:
    """Read a URL and judge what can be judged without resolving its name.

    `networks` may be fetched from although they are inside, and by plain http. Raises FetchRefused.
    """
    allowed = tuple(networks)
    read = _read(url)
    address = _literal(read.host)
    if address is not None:
        judge_address(address, read.scheme, allowed)
    elif read.scheme != "https" and not allowed:
        raise FetchRefused("must be an https URL")
    return read


def judge_address(address: Address, scheme: str, networks: Iterable[Network]) -> None:
    """Raise FetchRefused unless a URL of this scheme may be fetched from this address."""
    meant = _meant(address)
    if any(meant in network for network in networks):
        return
    if scheme != "https":
        raise FetchRefused("must be an https URL")
    if not _is_outside(meant):
        raise FetchRefused("its address is private or reserved")


def read_networks(text: str) -> tuple[Network, ...]:
    """Read networks in CIDR notation with commas between. Raises ValueError."""
    return tuple(ip_network(part.strip()) for part in text.split(","))


def _read(url: str) -> OutboundUrl:
    match = _URL.fullmatch(url) if len(url) <= _LONGEST_URL else None
    if match is None or not _NOT_IN_A_TARGET.isdisjoint(match[4]):
        raise FetchRefused("must be an https URL with a host, and without user and fragment")
    scheme, host, port, target = match.groups()
    number = int(port or _PORTS[scheme])
    # Any port may be meant: key sets are served at 8443, and TLS speaks first wherever we arrive.
    if not 0 < number <= _HIGHEST_PORT or len(host) > _LONGEST_HOST:
        raise FetchRefused("must be a URL with a host and a port that can exist")
    return OutboundUrl(
        scheme=scheme,
        host=host.strip("[]"),
        port=number,
        authority=host if port is None else f"{host}:{number}",
        target=target if target.startswith("/") else f"/{target}",
    )


def _literal(host: str) -> Address | None:
    """Give the address that the host is written as; None for a name."""
    try:
        if ":" in host:
            return IPv6Address(host)
        if _NUMBER.fullmatch(host.rpartition(".")[2]):
            return IPv4Address(host)
    except AddressValueError:
        raise FetchRefused("its host is not an address as addresses are written") from None
    return None


def _meant(address: Address) -> Address:
    """Give the IPv4 address that an IPv6 address stands for, where packets would go to that."""
    if isinstance(address, IPv4Address):
        return address
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address


def _is_outside(address: Address) -> bool:
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _INSIDE_IPV4)
    return address in _UNICAST_IPV6 and not any(address in each for each in _INSIDE_IPV6)
