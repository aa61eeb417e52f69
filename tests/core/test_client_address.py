import pytest

from chatd.core.client_address import UNIX_PEER, client_address, customer, networks, peer_address

TRUSTED = networks(["10.0.0.0/8", "127.0.0.1/32", "fd00::/8"])
PROXY = "10.0.0.1"

# id -> (values of X-Forwarded-For, the client behind a trusted proxy)
FORMS: dict[str, tuple[list[str], str]] = {
    "no header": ([], PROXY),
    "one hop": (["203.0.113.7"], "203.0.113.7"),
    "a forged hop before it": (["1.2.3.4, 203.0.113.7"], "203.0.113.7"),
    "a forged trusted hop before it": (["127.0.0.1, 203.0.113.7"], "203.0.113.7"),
    "two proxies": (["203.0.113.7, 10.9.9.9"], "203.0.113.7"),
    "two headers": (["203.0.113.7", "10.9.9.9"], "203.0.113.7"),
    "two headers, forged first": (["1.2.3.4", "203.0.113.7"], "203.0.113.7"),
    "only proxies": (["10.1.1.1, 10.2.2.2"], "10.1.1.1"),
    "spaces and tabs": ([" \t203.0.113.7 \t"], "203.0.113.7"),
    "IPv4 with port": (["203.0.113.7:4711"], "203.0.113.7"),
    "IPv6": (["2001:DB8::0001"], "2001:db8::1"),
    "IPv6 in brackets": (["[2001:db8::1]"], "2001:db8::1"),
    "IPv6 with port": (["[2001:db8::1]:4711"], "2001:db8::1"),
    "IPv4 mapped into IPv6": (["::ffff:203.0.113.7"], "203.0.113.7"),
    "a trusted IPv4 mapped into IPv6": (["203.0.113.7, ::ffff:10.1.1.1"], "203.0.113.7"),
    "a trusted IPv6": (["203.0.113.7, fd00::1"], "203.0.113.7"),
    "malformed but behind the client": (["garbage, 203.0.113.7"], "203.0.113.7"),
    "empty": ([""], PROXY),
    "a comma": ([","], PROXY),
    "a comma at the end": (["203.0.113.7,"], PROXY),
    "unknown": (["unknown"], PROXY),
    "a name": (["chat.example"], PROXY),
    "an obfuscated name": (["_hidden"], PROXY),
    "the form of Forwarded": (["for=203.0.113.7"], PROXY),
    "quoted": (['"203.0.113.7"'], PROXY),
    "a zone": (["fe80::1%eth0"], PROXY),
    "an open bracket": (["[2001:db8::1"], PROXY),
    "brackets and no colon": (["[2001:db8::1]4711"], PROXY),
    "a port that is none": (["203.0.113.7:http"], PROXY),
    "a port above 65535": (["203.0.113.7:70000"], PROXY),
    "a port in other digits": (["203.0.113.7:٣"], PROXY),
    "octal": (["0203.0.113.7"], PROXY),
    "hexadecimal": (["0x7f.1"], PROXY),
    "too few numbers": (["203.0.113"], PROXY),
    "a control character": (["203.0.113.7\x00"], PROXY),
    "a malformed hop in between": (["203.0.113.7, garbage, 10.1.1.1"], PROXY),
}


@pytest.mark.parametrize("name", FORMS)
def test_behind_a_trusted_proxy_the_header_names_the_client(name):
    forwarded, client = FORMS[name]
    assert client_address(PROXY, forwarded, TRUSTED) == client


@pytest.mark.parametrize("name", FORMS)
def test_from_anybody_else_the_header_means_nothing(name):
    assert client_address("198.51.100.1", FORMS[name][0], TRUSTED) == "198.51.100.1"


def test_without_trusted_networks_nobody_is_believed():
    assert client_address("127.0.0.1", ["203.0.113.7"], ()) == "127.0.0.1"


def test_the_peer_is_canonical():
    assert client_address("::ffff:198.51.100.1", [], TRUSTED) == "198.51.100.1"


@pytest.mark.parametrize("peer", ["198.51.100.1", UNIX_PEER])
def test_a_peer_that_is_canonical_already_is_not_parsed(peer, monkeypatch):
    monkeypatch.delattr("chatd.core.client_address._parsed")
    assert client_address(peer, [], TRUSTED) == peer


def test_a_mapped_peer_is_trusted_as_what_it_is():
    assert client_address("::ffff:10.0.0.1", ["203.0.113.7"], TRUSTED) == "203.0.113.7"


def test_whoever_may_open_the_unix_socket_is_trusted():
    assert client_address(UNIX_PEER, ["203.0.113.7"], ()) == "203.0.113.7"
    assert client_address(UNIX_PEER, ["garbage"], ()) == UNIX_PEER
    assert client_address(UNIX_PEER, [], ()) == UNIX_PEER


@pytest.mark.parametrize(
    ("peername", "address"),
    [
        (("192.0.2.1", 5), "192.0.2.1"),
        (("2001:db8::1", 5, 0, 0), "2001:db8::1"),
        ("", "unix"),
        (None, "unix"),
    ],
)
def test_the_peer_of_every_transport_has_an_address(peername, address):
    assert peer_address(peername) == address


@pytest.mark.parametrize(
    ("address", "key"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::", "2001:db8:1:2::/64"),
        ("unix", "unix"),
    ],
)
def test_ipv6_counts_by_customer(address, key):
    assert customer(address) == key


def test_a_network_that_is_none_is_refused():
    with pytest.raises(ValueError, match="does not appear"):
        networks(["10.0.0.0/8", "nonsense"])
