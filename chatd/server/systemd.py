"""Notifications to a service manager (sd_notify) and sockets from it (LISTEN_FDS). Without one, no-ops."""

import os
import socket
from collections.abc import Mapping, MutableMapping

_FIRST_FD = 3  # sd_listen_fds(3): SD_LISTEN_FDS_START

READY = "READY=1"
STOPPING = "STOPPING=1"
WATCHDOG = "WATCHDOG=1"


def status(text: str) -> str:
    """Return the state that `systemctl status` shows."""
    return "STATUS=" + text.replace("\n", " ")


def reloading(monotonic_s: float) -> str:
    """Return the states of a reload that begins; the time relates it to a signal of the manager (sd_notify(3))."""
    return f"RELOADING=1\nMONOTONIC_USEC={int(monotonic_s * 1_000_000)}"


def notify(*states: str, environment: Mapping[str, str] = os.environ) -> bool:
    """Send states to NOTIFY_SOCKET; return whether they were received. Never raises."""
    path = environment.get("NOTIFY_SOCKET", "")
    if not path.startswith(("/", "@")):
        return False
    if path.startswith("@"):
        path = "\0" + path[1:]  # an abstract socket
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as manager:
            manager.sendto("\n".join(states).encode(), path)
    except OSError:
        return False
    return True


def watchdog_interval_s(environment: Mapping[str, str] = os.environ) -> float | None:
    """Return the seconds between two WATCHDOG states: half of what sd_watchdog_enabled(3) allows; None for never."""
    allowed, pid = environment.get("WATCHDOG_USEC", ""), environment.get("WATCHDOG_PID", "")
    if not allowed.isdigit() or int(allowed) == 0 or (pid and pid != str(os.getpid())):
        return None
    return int(allowed) / 2_000_000


def is_activated(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether the manager opened the listening sockets for this process; `inherited_sockets` takes them."""
    count = environment.get("LISTEN_FDS", "")
    return count.isdigit() and int(count) > 0 and environment.get("LISTEN_PID", "") == str(os.getpid())


def inherited_sockets(environment: MutableMapping[str, str] = os.environ) -> dict[str, list[socket.socket]]:
    """Take the listening sockets that the manager opened for this process, by name (LISTEN_FDNAMES).

    The variables are removed, so that no child process uses them.
    """
    activated = is_activated(environment)
    count, _ = environment.pop("LISTEN_FDS", ""), environment.pop("LISTEN_PID", "")
    names = environment.pop("LISTEN_FDNAMES", "").split(":")
    sockets: dict[str, list[socket.socket]] = {}
    for index in range(int(count) if activated else 0):
        os.set_inheritable(_FIRST_FD + index, False)
        name = names[index] if index < len(names) else ""
        sockets.setdefault(name, []).append(socket.socket(fileno=_FIRST_FD + index))
    return sockets
