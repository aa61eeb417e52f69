"""The address of a client behind trusted proxies (X-Forwarded-For). Pure; no names are resolved."""

from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

UNIX_PEER = "unix"  # any peer of a Unix socket; the permissions of its file limit access

# A customer gets a whole /64 (RFC 6177), so counting single IPv6 addresses would limit nothing. Many get a /48.
_IPV6_CUSTOMER_BITS, _IPV6_SITE_BITS = 64, 48

Address = IPv4Address | IPv6Address
Networks = Sequence[IPv4Network | IPv6Network]


def networks(cidrs: Iterable[str]) -> Networks:
    """Return the networks of the configuration; raises ValueError for a text that is none."""
    return tuple(ip_network(cidr, strict=False) for cidr in cidrs)


def peer_address(peername: object) -> str:
    """Return the address in a transport's `peername`: (host, port, ...) of TCP, anything else is a Unix socket."""
    if isinstance(peername, (tuple, list)) and peername:
        return str(peername[0])
    return UNIX_PEER


def client_address(peer: str, forwarded: Sequence[str], trusted: Networks) -> str:
    """Return the right-most address that is no trusted proxy, canonical; the peer's own when a hop is malformed.

    `forwarded` are the values of all X-Forwarded-For headers in order. An untrusted peer is the client,
    whatever it claims. When every hop is trusted the left-most is the client, on a machine of the operator.
    """
    if not forwarded and ":" not in peer:
        return peer  # IPv4 as the kernel writes it, or a Unix socket: canonical already
    address = _parsed(peer)
    own = peer if address is None else str(address)
    if not forwarded or not _is_trusted(own, address, trusted):
        return own
    hop = address
    for text in reversed(",".join(forwarded).split(",")):
        hop = _parsed(text)
        if hop is None:
            return own
        if not _is_inside(hop, trusted):
            break
    return str(hop)


def customer(address: str) -> str:
    """Return the unit that limits per address count: the address itself, for IPv6 its /64."""
    return _network(address, _IPV6_CUSTOMER_BITS) or address


def site(address: str) -> str | None:
    """Return the /48 of an IPv6 address, which may be 65,536 customers or one; None for any other address."""
    return _network(address, _IPV6_SITE_BITS)


def is_inside(address: str, trusted: Networks) -> bool:
    """Whether an address lies in one of these networks."""
    parsed = _parsed(address)
    return parsed is not None and _is_inside(parsed, trusted)


def _network(address: str, bits: int) -> str | None:
    parsed = _parsed(address) if ":" in address else None
    return str(ip_network((parsed, bits), strict=False)) if isinstance(parsed, IPv6Address) else None


def _is_trusted(peer: str, address: Address | None, trusted: Networks) -> bool:
    return peer == UNIX_PEER if address is None else _is_inside(address, trusted)


def _is_inside(address: Address, trusted: Networks) -> bool:
    return any(address in network for network in trusted)


def _parsed(hop: str) -> Address | None:
    """Parse an address, bare or with a port (`[v6]:port`); v4-mapped IPv6 becomes IPv4. None for anything else."""
    host = hop.strip(" \t")
    if host.startswith("["):
        host, bracket, port = host[1:].partition("]")
        if not bracket or (port and not _is_port(port[1:], port[0])):
            return None
    elif host.count(":") == 1:
        host, _, port = host.partition(":")
        if not _is_port(port, ":"):
            return None
    return _ip(host)


def _is_port(digits: str, separator: str) -> bool:
    return separator == ":" and digits.isascii() and digits.isdigit() and int(digits) < 1 << 16


def _ip(host: str) -> Address | None:
    if "%" in host:  # a zone names an interface of another machine
        return None
    try:
        address = ip_address(host)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address
