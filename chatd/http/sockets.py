"""Addresses to listen on, as sockets: host:port, [v6]:port, unix:/path. Error texts name the remedy."""

import errno
import os
import socket
import stat
from contextlib import suppress

UNIX_PREFIX = "unix:"
_UNIX_MODE = 0o660  # owner and group: put the proxy into the group


class ListenError(Exception):
    """An address cannot be listened on; the text is for the operator."""


class AddressInUse(ListenError):
    """Another process listens there already."""


def bound_sockets(*addresses: str) -> list[socket.socket]:
    """Return sockets bound to these addresses, not listening yet: one each, or two for a name with IPv4 and IPv6.

    An IPv6 socket takes IPv6 only, so `0.0.0.0` and `[::]` may have the same port. Port 0 means a free one. Raises
    ListenError; nothing stays open then.
    """
    sockets: list[socket.socket] = []
    try:
        for address in addresses:
            if address.startswith(UNIX_PREFIX):
                sockets.append(_bound_unix(address.removeprefix(UNIX_PREFIX)))
                continue
            for family, place in _resolved(*split_address(address), address):
                sockets.append(_bound_tcp(family, place, address))
    except ListenError:
        for bound in sockets:
            bound.close()
        raise
    return sockets


def split_address(address: str) -> tuple[str, int]:
    """Split `host:port` or `[v6]:port` into host and port; an empty host means every interface."""
    host, colon, port = address.rpartition(":")
    if not colon or not port.isdigit() or int(port) > 65535 or (":" in host and not host.startswith("[")):
        raise ListenError(f"{address!r} is no address: HOST:PORT, [IPV6]:PORT or unix:/path is expected")
    return host.removeprefix("[").removesuffix("]"), int(port)


def shown_host(host: str) -> str:
    """Return a host as it is written before a port."""
    return f"[{host}]" if ":" in host else host


def shown_address(bound: socket.socket) -> str:
    """Return the address of a socket as `bound_sockets` takes it, with the real port."""
    name = bound.getsockname()
    if isinstance(name, tuple):
        host, port = name[:2]
        return f"{shown_host(host)}:{port}"
    return UNIX_PREFIX + os.fsdecode(name)


def remove_unix(bound: socket.socket) -> None:
    """Remove the file of a Unix socket that is about to be closed."""
    if bound.family == socket.AF_UNIX:
        path = bound.getsockname()
        if path and not path.startswith("\0") and os.path.exists(path):
            os.unlink(path)


def _resolved(host: str, port: int, address: str) -> list[tuple[int, tuple[object, ...]]]:
    try:
        found = socket.getaddrinfo(
            host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE | socket.AI_NUMERICSERV
        )
    except socket.gaierror as error:
        raise ListenError(f"cannot resolve {address!r}: {error.strerror}") from error
    places = {(family, place) for family, _, _, _, place in found}
    # A free port is one port: the second family would get another, so the first one has to do.
    return sorted(places, key=lambda one: one[0])[: 1 if port == 0 else None]  # type: ignore[return-value]


def _bound_tcp(family: int, place: tuple[object, ...], address: str) -> socket.socket:
    try:
        # The protocol is named because asyncio turns Nagle off only for IPPROTO_TCP.
        bound = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    except OSError as error:  # a kernel without IPv6
        raise _explained(error, address) from error
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        bound.bind(place)
    except OSError as error:
        bound.close()
        raise _explained(error, address) from error
    return bound


def _bound_unix(path: str) -> socket.socket:
    bound = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        _remove_stale(path)
        # Linux makes the file with this mode; elsewhere its directory has to protect it.
        with suppress(OSError):
            os.fchmod(bound.fileno(), _UNIX_MODE)
        bound.bind(path)
        os.chmod(path, _UNIX_MODE)
    except OSError as error:
        bound.close()
        raise _explained(error, UNIX_PREFIX + path) from error
    return bound


def _remove_stale(path: str) -> None:
    """Remove a socket file that a killed daemon left behind."""
    if not os.path.exists(path) or not stat.S_ISSOCK(os.stat(path).st_mode):
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(path)
        except ConnectionRefusedError:
            os.unlink(path)


def _explained(error: OSError, address: str) -> ListenError:
    if error.errno == errno.EADDRINUSE:
        return AddressInUse(f"{address} is in use by another process: stop it or choose another address")
    return ListenError(f"cannot listen on {address}: {error.strerror}")
