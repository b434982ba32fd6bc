"""Whose address a request comes from: the peer's, or what a proxy of ours says of it.

`X-Forwarded-For` is anybody's to write, so it is read from its right end, and only as far as the
proxies go that the operator has named.
"""

from collections.abc import Collection, Sequence
from functools import lru_cache
from ipaddress import IPv4Address, ip_address, ip_network

from shared.domain.outbound_url import Address, Network

FORWARDED = b"x-forwarded-for"
_NOBODY = IPv4Address("0.0.0.0")  # noqa: S104 - no server binds it: a peer without an address
_SITE = 64  # bits of an IPv6 address: whoever has one has them all
_MOST_HOPS = 16


def client_address(
    peer: str | None, headers: Sequence[tuple[bytes, bytes]], proxies: Collection[Network]
) -> Address:
    """Give the address; header names are in lower case."""
    found = _read(peer or "") or _NOBODY
    if not proxies or not _is_in(found, proxies):
        return found
    said = b",".join(value for name, value in headers if name == FORWARDED)
    hops = said.decode("latin-1").split(",")[-_MOST_HOPS:]
    for hop in reversed(hops):
        address = _read(hop.strip())
        if address is None:  # malformed: what is left of it is no better
            break
        found = address
        if not _is_in(address, proxies):
            break
    return found


def site_of(address: Address) -> str:
    """Name the network that one caller can be taken to have: an IPv4 address, or an IPv6 /64."""
    if isinstance(address, IPv4Address):
        return str(address)
    return str(ip_network((address, _SITE), strict=False))


@lru_cache(maxsize=4096)
def _read(text: str) -> Address | None:
    """Read an address, also `[v6]`, `[v6]:port` and `v4:port`; an IPv4-mapped one is IPv4."""
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def _is_in(address: Address, networks: Collection[Network]) -> bool:
    return any(address in network for network in networks)
