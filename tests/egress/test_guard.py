"""guard.py against the published lists of tricks with which a URL is made to lead inside."""

from ipaddress import IPv4Address, IPv6Address, ip_address
from socket import AI_NUMERICHOST, SOCK_STREAM, gaierror, getaddrinfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatd.egress.guard import (
    NOWHERE,
    PRIVATE,
    EgressRefused,
    Guard,
    is_private,
    is_public,
    networks,
    target_of,
)

STRANGER, OPERATOR = Guard(), Guard(configured=True)

# Of OWASP, PayloadsAllTheThings, HackTricks and the reports behind CVE-2021-29921, CVE-2020-28360, CVE-2024-29415.
LOCAL = """
127.0.0.1 127.1 127.0.1 127.127.127.127 127.255.255.254 2130706433 017700000001 0x7f000001
0x7f.0x0.0x0.0x1 0177.0.0.1 0x7f.1 127.0.0.1 0 0.0.0.0 0x0 00000000 10.0.0.1 10.1 0xa000001 167772161
012.0.0.1 172.16.0.1 172.31.255.254 192.168.0.1 192.168.1 3232235521 0xc0a80001 169.254.169.254
169.254.43518 2852039166 0xa9fea9fe 0251.0376.0251.0376 0xA9.0xFE.0xA9.0xFE 169.254.170.2 100.100.100.200
192.0.0.192 168.63.129.16 100.64.0.1 198.18.0.1 224.0.0.1 239.255.255.250 240.0.0.1 255.255.255.255
192.0.2.1 203.0.113.9 [::1] [::] [0:0:0:0:0:0:0:1] [::ffff:127.0.0.1] [::ffff:7f00:1]
[::ffff:169.254.169.254] [::ffff:a9fe:a9fe] [::ffff:0:127.0.0.1] [::127.0.0.1] [::7f00:1]
[64:ff9b::127.0.0.1] [64:ff9b::a9fe:a9fe] [64:ff9b:1::a00:1] [2002:7f00:1::] [2002:a9fe:a9fe::1]
[2001::1] [2001:0:7f00:1::] [fd00:ec2::254] [fd00::1] [fc00::1] [fe80::1] [fec0::1] [ff02::1] [100::1]
[2001:db8::1] [5f00::1] [::ffff:8.8.8.8]
""".split()  # noqa: SIM905

MALFORMED = [
    "",
    "host",
    "//host/",
    "http:/host",
    "https:///path",
    "https://",
    "ftp://host/",
    "file:///etc/passwd",
    "gopher://host:70/_x",
    "dict://host:11211/stat",
    "jar:https://host!/",
    "unix:///run/docker.sock",
    "https://user@host/",
    "https://user:password@host/",
    "https://host@127.0.0.1/",
    "https://127.0.0.1#@host/",
    "https://127.0.0.1\\@host/",
    "https://host\\.evil.example/",
    "https://host#fragment",
    "https://host/#",
    "https://host:/",
    "https://host:0/",
    "https://host:65536/",
    "https://host:+80/",
    "https://host:0443/",
    "https://host:80:80/",
    "https://host /",
    " https://host/",
    "https://host/\r\nX: y",
    "https://host/\tx",
    "https://ho\0st/",
    "https://①②⑦.⓪.⓪.①/",
    "https://ｅxample.org/",
    "https://exam\u00adple.org/",
    "https://127。0。0。1/",
    "https://%31%32%37.0.0.1/",
    "https://[::1/",
    "https://[::1]x/",
    "https://[::1]%eth0/",
    "https://[fe80::1%25eth0]/",
    "https://[v1.x]/",
    "https://[127.0.0.1]/",
    "https://host,127.0.0.1/",
    "https://host/" + "x" * 2048,
]


def addresses(host):
    """What the system makes of a host that is written as a number, in whatever form; [] when it refuses it."""
    try:
        found = getaddrinfo(host.strip("[]"), 443, type=SOCK_STREAM, flags=AI_NUMERICHOST)
    except gaierror:
        return []
    return [row[4][0] for row in found]


@pytest.mark.parametrize("host", LOCAL)
def test_a_stranger_reaches_nothing_inside_however_it_is_written(host):
    target = target_of(f"https://{host}/hook")
    found = addresses(target.host)
    with pytest.raises(EgressRefused):
        STRANGER.permitted(found, target.scheme)


@pytest.mark.parametrize("url", MALFORMED)
def test_a_url_that_parsers_may_read_differently_is_none(url):
    with pytest.raises(EgressRefused):
        target_of(url)


@pytest.mark.parametrize(
    ("url", "host", "port", "path", "authority"),
    [
        ("https://example.org", "example.org", 443, "/", "example.org"),
        ("https://Example.ORG:443/a?b=c&d", "example.org", 443, "/a?b=c&d", "example.org"),
        ("http://chat-backend:8080/hook", "chat-backend", 8080, "/hook", "chat-backend:8080"),
        ("https://[2606:4700::1111]/%41", "2606:4700::1111", 443, "/%41", "[2606:4700::1111]"),
        ("https://xn--bcher-kva.example/", "xn--bcher-kva.example", 443, "/", "xn--bcher-kva.example"),
    ],
)
def test_a_plain_url_has_its_parts(url, host, port, path, authority):
    target = target_of(url)
    assert (target.host, target.port, target.path, target.authority) == (host, port, path, authority)


@pytest.mark.parametrize("address", ["8.8.8.8", "1.1.1.1", "100.128.0.1", "2606:4700::1111", "2a00:1450::1"])
def test_public_addresses_are_reached_with_tls_alone(address):
    for guard in (STRANGER, OPERATOR):
        assert guard.permits(ip_address(address), "https")
        assert not guard.permits(ip_address(address), "http")


@pytest.mark.parametrize("address", ["127.0.0.1", "10.1.2.3", "192.168.1.7", "::1", "fd12::1"])
def test_addresses_of_the_configuration_file_may_be_private(address):
    assert OPERATOR.permits(ip_address(address), "http")
    assert not STRANGER.permits(ip_address(address), "https")


@pytest.mark.parametrize("network", NOWHERE)
def test_nobody_reaches_what_tells_secrets_of_a_machine(network):
    inside = networks([network])[0][-1 if network.endswith(("/32", "/128")) else 1]
    assert not OPERATOR.permits(inside, "https")
    assert not OPERATOR.permits(inside, "http")


@pytest.mark.parametrize("network", NOWHERE)
def test_no_allowed_network_is_so_wide_that_it_has_the_secrets_of_a_machine(network):
    guard = Guard(["0.0.0.0/0", "::/0"])
    assert not guard.permits(networks([network])[0][0], "https")


def test_networks_that_are_allowed_are_reached_in_the_clear_too():
    guard = Guard(["10.9.0.0/16", "64:ff9b::/96"])
    assert guard.permits(ip_address("10.9.1.1"), "http")
    assert not guard.permits(ip_address("10.8.1.1"), "http")
    assert not guard.permits(ip_address("::ffff:10.9.1.1"), "http")
    assert guard.permits(ip_address("64:ff9b::808:808"), "https")


def test_of_several_addresses_those_that_pass_are_used():
    assert STRANGER.permitted(["10.0.0.1", "8.8.8.8", "64:ff9b::a00:1"], "https") == ["8.8.8.8"]
    with pytest.raises(EgressRefused):
        STRANGER.permitted([], "https")


@given(st.ip_addresses())
def test_what_the_registries_do_not_call_global_is_refused(address: IPv4Address | IPv6Address):
    if is_public(address):
        assert address.is_global
        assert not address.is_multicast
        assert not address.is_reserved
    assert not (is_public(address) and is_private(address))


@pytest.mark.parametrize("network", PRIVATE)
def test_the_bounds_of_each_private_network_hold(network):
    found = networks([network])[0]
    assert not is_public(found[0])
    assert not is_public(found[-1])
