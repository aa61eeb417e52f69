"""The addresses that requests of the daemon may go to: pure, over addresses that were resolved already.

A name says nothing about where it leads, and its answer may change with every question. So nothing here looks at
names: a name is resolved once, each address it gave is judged, and the connection goes to that very address.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from urllib.parse import urlsplit

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

URL_MAX = 2048
# Printable ASCII but for the characters that parsers of URLs read differently.
PLAIN = re.compile(r"[!#-;=?-\[\]_a-z~]+\Z")
USUAL = {"https": 443, "http": 80}  # ports
HOST = re.compile(r"[a-z0-9._-]{1,253}\Z")

# Of this machine and of networks that are nobody's business outside; an operator's own services live there.
PRIVATE = (
    "10.0.0.0/8",
    "100.64.0.0/10",  # carriers and clusters
    "127.0.0.0/8",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "::1/128",
    "fc00::/7",  # unique local
)
# What nobody has a reason to send a request to (IANA special-purpose address registries, RFC 6890).
NOWHERE = (
    "0.0.0.0/8",  # this machine, to many systems
    "100.100.100.200/32",  # tells secrets of a machine (Alibaba)
    "168.63.129.16/32",  # the same (Azure), though public
    "169.254.0.0/16",  # link-local, with 169.254.169.254 (most others)
    "192.0.0.0/24",  # with 192.0.0.192 (Oracle)
    "192.0.2.0/24",
    "192.88.99.0/24",
    "198.18.0.0/15",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "224.0.0.0/3",  # multicast, reserved, broadcast
    "2001::/23",  # Teredo and other protocols
    "2001:db8::/32",
    "2002::/16",  # 6to4: an IPv4 address in other clothes
    "3fff::/20",
    "fd00:ec2::254/128",  # tells secrets of a machine (Amazon)
)
# All of IPv6 that is routed (RFC 4291). Outside of it are link-local and multicast addresses, and most of those that
# contain an IPv4 address: mapped, compatible, NAT64.
ROUTED = "2000::/3"


def networks(texts: Iterable[str]) -> tuple[Network, ...]:
    return tuple(map(ip_network, texts))


_PRIVATE, _NOWHERE, _ROUTED = networks(PRIVATE), networks(NOWHERE), networks([ROUTED])


class EgressRefused(Exception):
    """A request that may not be sent; the text says why, without the address."""


@dataclass(slots=True, frozen=True)
class Target:
    """A URL that requests go to, in its parts. `path` has the query. `host` is in lower case, IPv6 without brackets."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def authority(self) -> str:
        """The value of the header Host."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == USUAL[self.scheme] else f"{host}:{self.port}"


def target_of(url: str) -> Target:
    """Return the parts of a URL. Raises EgressRefused unless every parser would read it the same way."""
    if len(url) > URL_MAX or not PLAIN.match(url.lower()):
        raise EgressRefused(f"a URL has up to {URL_MAX} plain characters; others are written as %xx")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
        is_address = ":" in host and "%" not in host and bool(ip_address(host))
    except ValueError:
        raise EgressRefused("that is no URL") from None
    if parts.scheme not in USUAL or not host:
        raise EgressRefused("a URL is https://HOST/PATH")
    shown = f"[{host}]" if is_address else host
    if parts.netloc.lower() not in (shown, f"{shown}:{port}") or port == 0 or "#" in url:
        raise EgressRefused("a URL has no user, no password, no fragment, and a port of its own or none")
    if not is_address and not HOST.match(host):
        raise EgressRefused("the host of a URL is a name in ASCII, or an address")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(parts.scheme, host, port or USUAL[parts.scheme], path)


def is_inside(address: Address, among: Iterable[Network]) -> bool:
    return any(address.version == network.version and address in network for network in among)


def is_private(address: Address) -> bool:
    """Whether an address is of this machine or of a private network."""
    return is_inside(address, _PRIVATE) and not is_inside(address, _NOWHERE)


def is_public(address: Address) -> bool:
    """Whether anybody on the internet could have the address."""
    if address.version == 6 and not is_inside(address, _ROUTED):
        return False
    return not is_inside(address, _PRIVATE) and not is_inside(address, _NOWHERE)


class Guard:
    """The addresses that are allowed. `allow`: networks that are, too, but for what nobody has a reason to reach.

    `configured`: for URLs from the configuration file, which may be private. Those of users and of the API are public.
    """

    def __init__(self, allow: Iterable[str] = (), *, configured: bool = False) -> None:
        self._allow = networks(allow)
        self._configured = configured

    def permits(self, address: Address, scheme: str) -> bool:
        """Whether a request with this scheme may go to an address: in the clear never to one that is public."""
        if is_inside(address, _NOWHERE):
            return False
        if is_inside(address, self._allow) or (self._configured and is_private(address)):
            return True
        return scheme == "https" and is_public(address)

    def permitted(self, found: Iterable[str], scheme: str) -> list[str]:
        """Return the addresses that a request may go to, in their order. Raises EgressRefused when there are none."""
        good = [text for text in found if self.permits(ip_address(text), scheme)]
        if good:
            return good
        where = "private or public" if self._configured else "public, or in egress.allow"
        raise EgressRefused(
            f"the address of the host is not {where}; without TLS it is private or in egress.allow"
        )
