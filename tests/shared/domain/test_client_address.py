"""Whose address a request comes from."""

from ipaddress import ip_address, ip_network

import pytest

from shared.domain.client_address import client_address, site_of

PROXIES = (ip_network("10.0.0.0/8"), ip_network("fd00::/8"))


@pytest.mark.parametrize(
    ("peer", "forwarded", "expected"),
    [
        pytest.param("192.0.2.1", [], "192.0.2.1", id="peer"),
        pytest.param("192.0.2.1", ["198.51.100.1"], "192.0.2.1", id="B22-forged"),
        pytest.param("10.0.0.1", ["198.51.100.1"], "198.51.100.1", id="one-proxy"),
        pytest.param(
            "10.0.0.1", ["203.0.113.9, 198.51.100.1"], "198.51.100.1", id="B22-left-forged"
        ),
        pytest.param("10.0.0.1", ["198.51.100.1, 10.0.0.2"], "198.51.100.1", id="two-proxies"),
        pytest.param("10.0.0.1", ["198.51.100.1", "10.0.0.2"], "198.51.100.1", id="two-headers"),
        pytest.param("10.0.0.1", ["10.0.0.3, 10.0.0.2"], "10.0.0.3", id="proxies-all-the-way"),
        pytest.param("10.0.0.1", [], "10.0.0.1", id="proxy-without-header"),
        pytest.param("10.0.0.1", ["unknown"], "10.0.0.1", id="malformed"),
        pytest.param("10.0.0.1", ["198.51.100.1, junk"], "10.0.0.1", id="malformed-at-the-end"),
        pytest.param("10.0.0.1", ["198.51.100.1:4711"], "198.51.100.1", id="with-port"),
        pytest.param("10.0.0.1", ["[2001:db8::1]:4711"], "2001:db8::1", id="v6-with-port"),
        pytest.param("10.0.0.1", ["2001:db8::1"], "2001:db8::1", id="v6"),
        pytest.param("fd00::1", ["198.51.100.1"], "198.51.100.1", id="v6-proxy"),
        pytest.param("::ffff:192.0.2.1", [], "192.0.2.1", id="mapped"),
        pytest.param("::ffff:10.0.0.1", ["198.51.100.1"], "198.51.100.1", id="mapped-proxy"),
        pytest.param("fe80::1%eth0", [], "fe80::1", id="zone"),
        pytest.param(None, [], "0.0.0.0", id="unix-socket"),  # noqa: S104 - no one binds it
    ],
)
def test_the_address_is_the_callers(peer: str | None, forwarded: list[str], expected: str) -> None:
    headers = [(b"x-forwarded-for", each.encode()) for each in forwarded]
    assert client_address(peer, headers, PROXIES) == ip_address(expected)


def test_b22_a_site_is_an_ipv4_address_or_an_ipv6_network_of_64_bits() -> None:
    assert site_of(ip_address("192.0.2.1")) == "192.0.2.1"
    assert site_of(ip_address("2001:db8::1")) == site_of(ip_address("2001:db8::ffff:1"))
    assert site_of(ip_address("2001:db8::1")) != site_of(ip_address("2001:db8:0:1::1"))
