"""Row H3: addresses of the inside in every spelling, and URLs that parsers read differently."""

from ipaddress import IPv4Address, IPv6Address

IPV4 = [
    *("0.0.0.0", "0.0.0.1", "0.255.255.255"),  # noqa: S104 - the unspecified address
    *("10.0.0.0", "10.0.0.1", "10.255.255.255"),
    *("100.64.0.0", "100.100.100.200", "100.127.255.255"),
    *("127.0.0.1", "127.0.0.53", "127.1.2.3", "127.255.255.255"),
    *("169.254.0.1", "169.254.169.254", "169.254.170.2", "169.254.255.255"),
    *("172.16.0.0", "172.17.0.1", "172.31.255.255"),
    *("192.0.0.1", "192.0.0.170", "192.0.0.192", "192.0.2.1", "192.88.99.1"),
    *("192.168.0.0", "192.168.1.1", "192.168.255.255"),
    *("168.63.129.16", "198.18.0.1", "198.19.255.255", "198.51.100.7", "203.0.113.7"),
    *("224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255"),
]
IPV6 = [
    *("::", "::1", "::2", "::7f00:1", "::127.0.0.1", "::a00:1"),
    *("100::1", "64:ff9b:1::1", "64:ff9b:1::10.0.0.1", "5f00::1", "4000::1", "1fff::1"),
    *("2001::1", "2001:2::1", "2001:10::1", "2001:20::1", "2001:1ff::1"),
    *("2001:db8::1", "2001:db8:ffff::1", "3fff::1", "3fff:fff::1"),
    *("fc00::1", "fd00::1", "fd00:ec2::254", "fdff::1", "fd20:ce::254"),
    *("fe80::1", "fe80::a9fe:a9fe", "febf::1", "fec0::1", "feff::1"),
    *("ff00::1", "ff02::1", "ff02::fb", "ff05::2", "ff0e::1", "ffff::1"),
]
# where packets could go on to an address of the inside
_MEANT = ["127.0.0.1", "10.0.0.1", "169.254.169.254", "192.168.1.1", "100.64.0.1", "224.0.0.1"]


def _mapped(octets: int) -> int:
    return 0xFFFF << 32 | octets


def _translated(octets: int) -> int:
    return 0xFFFF << 48 | octets  # ::ffff:0:a.b.c.d, RFC 2765


def _nat64(octets: int) -> int:
    return 0x64FF9B << 96 | octets


def _six_to_four(octets: int) -> int:
    return 0x2002 << 112 | octets << 80 | 1


def _teredo_client(octets: int) -> int:
    return 0x20010000 << 96 | 0x41000001 << 64 | octets ^ 0xFFFFFFFF


def _teredo_server(octets: int) -> int:
    return 0x20010000 << 96 | octets << 64 | 1


EMBEDDED = [
    str(IPv6Address(form(int(IPv4Address(meant)))))
    for form in (_mapped, _translated, _nat64, _six_to_four, _teredo_client, _teredo_server)
    for meant in _MEANT
]
ADDRESSES = [*IPV4, *IPV6, *EMBEDDED]

# a host that somebody's parser takes for loopback or for the cloud's metadata
_HOSTS = [
    *("2130706433", "0x7f000001", "0X7F000001", "017700000001", "00000000177.0.0.1"),
    *("0177.0.0.1", "0x7f.0.0.1", "0x7f.1", "127.1", "127.0.1", "127.0.0.01", "127.0.0.0x1"),
    *("0", "00", "0x0", "0x", "0.0", "0.0.0", "1", "256.0.0.1", "127.0.0.256", "127.0.0.1.1"),
    *("2852039166", "0xA9FEA9FE", "025177524776", "169.254.43518", "169.16689662", "0xa9.254.1"),
    *("4294967295", "4294967296", "010.0.0.1", "0xa.1", "10.1", "192.168.257", "127.0.0.1."),
    *("[127.0.0.1]", "[::1%25lo]", "[::1%lo]", "[fe80::1%25eth0]", "[::1", "::1]", "::1", "[]"),
    *("[:]", "[::g]", "[1:2:3]", "[::ffff:127.1]", "[::ffff:0x7f.0.0.1]", "[v1.::1]"),
    *(
        "%31%32%37.0.0.1",
        "127%2e0.0.1",
        "①②⑦.0.0.1",
        "127。0。0。1",
        "\uff11\uff12\uff17.0.0.1",
        "ⓛocalhost",
    ),
    *("localhost.", "a..b", ".a", "a.", "-.", "", " ", "a b", "a\tb", "a\nb", "a\0b", "a,b", "*"),
    *("a" * 64 + ".example", "a." * 127 + "example"),
]
_AUTHORITIES = [
    *("user@127.0.0.1", "user:pass@keys.example", "@127.0.0.1", "keys.example@127.0.0.1"),
    *("keys.example:443@127.0.0.1", "keys.example%40127.0.0.1", "keys.example\\@127.0.0.1"),
    *("127.0.0.1\\.keys.example", "127.0.0.1#.keys.example", "127.0.0.1 .keys.example"),
    *("keys.example:0", "keys.example:65536", "keys.example:-1", "keys.example:٤٤٣"),
    *("keys.example:443:443", "keys.example:", "keys.example:0x1bb", "keys.example:http"),
]
_WHOLE = [
    *("", "/", "//keys.example/", "keys.example", "https:", "https:/", "https://", "https:///x"),
    *("https:keys.example", "https:/keys.example/", "https:\\\\keys.example\\", "///keys.example"),
    *(" https://keys.example/", "https://keys.example/ ", "https://keys.example/\r\nHost: x"),
    *("https://keys.example/#f", "https://keys.example/a b", "https://keys.example/\x7f"),
    *("https://keys.example/é", "https://keys.example/\\..", "\thttps://keys.example/"),
    "https://keys.example/" + "a" * 2048,
]
_SCHEMES = [
    *("file:///etc/passwd", "file://keys.example/etc", "gopher://keys.example/_x", "ftp://a.b/"),
    *(
        "http://keys.example/",
        "http://8.8.8.8/",
        "data:application/json,{}",
        "dict://a.b/",
        "ws://a",
    ),
    *(
        "javascript:alert(1)",
        "jar:https://a!/",
        "unix:///run/x.sock",
        "HTTPS+unix://a",
        "httpss://a",
    ),
]
MALFORMED = [
    *(f"https://{each}/jwks" for each in (*_HOSTS, *_AUTHORITIES)),
    *_WHOLE,
]
SCHEMES = _SCHEMES
OUTSIDE = [
    *("1.1.1.1", "8.8.8.8", "100.63.255.255", "100.128.0.0", "172.15.255.255", "172.32.0.0"),
    *("169.253.255.255", "192.167.255.255", "192.169.0.0", "198.17.255.255", "223.255.255.255"),
    *("2001:200::1", "2001:4860:4860::8888", "2606:4700::1111", "2a00:1450::1", "64:ff9b::808:808"),
    *("::ffff:8.8.8.8", "2000::1", "3ffe::1"),
]
