"""Addresses of listeners as they are written in the configuration."""

import ipaddress
import re
from urllib.parse import SplitResult


def split_address(address: str) -> tuple[str, int]:
    """Split "HOST:PORT" or "[V6]:PORT" into host and port; ValueError if it is neither. Port 0 means a free one."""
    host, colon, port = address.rpartition(":")
    if not colon or not re.fullmatch(r"[0-9]{1,5}", port) or int(port) > 65535:
        raise ValueError(f"{address!r} is not HOST:PORT")
    if host.startswith("[") and host.endswith("]"):
        return str(ipaddress.IPv6Address(host[1:-1])), int(port)
    if not re.fullmatch(r"[A-Za-z0-9.-]{1,253}", host):
        raise ValueError(f"{address!r} is not HOST:PORT")
    return host, int(port)


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach `host`."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def is_secure(url: SplitResult) -> bool:
    """Whether nobody on the way reads what is sent there: https, or http on this machine."""
    return url.scheme == "https" or (url.scheme == "http" and is_loopback(url.hostname or ""))
