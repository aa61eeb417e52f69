"""Ports for what is started here, that nobody takes between the look and the start."""

import random
import socket
from pathlib import Path

LOWEST, HIGHEST = 10_000, 65_535  # below it are services with a name
RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")  # Linux, ip(7)
USUAL_RANGE = (32_768, 60_999)  # where the system does not tell

_chance = random.SystemRandom()  # several who start at once, of one seed, must not try the same ports


def free_ports(count: int) -> list[int]:
    """Ports of the loopback nobody listens on, all different; OSError when there are not so many.

    They lie outside the range from which the kernel serves whoever asks for any: a connection that is being
    made, or somebody else's server on port 0, cannot get one before the program it is for has started.
    """
    held: list[socket.socket] = []
    try:
        for port in _chance.sample(_ours(), k=min(len(_ours()), 100 * count)):
            if len(held) == count:
                break
            try:
                held.append(socket.create_server(("127.0.0.1", port)))
            except OSError:  # somebody has it
                continue
        if len(held) < count:
            raise OSError(f"no {count} free ports between {LOWEST} and {HIGHEST}")
        return [listener.getsockname()[1] for listener in held]
    finally:
        for listener in held:
            listener.close()


def handed_out() -> tuple[int, int]:
    """The first and the last port the kernel chooses by itself."""
    try:
        first, last = RANGE.read_text().split()
    except OSError:
        return USUAL_RANGE
    return int(first), int(last)


def _ours() -> list[int]:
    first, last = handed_out()
    return [port for port in range(LOWEST, HIGHEST + 1) if not first <= port <= last]
