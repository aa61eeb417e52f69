"""How many sockets this process can have (RLIMIT_NOFILE), less what it needs for its files."""

import resource
from dataclasses import dataclass

OPS_SOCKETS = 32  # of the operations address: a scraper, probes, and an operator with curl
ADMIN_SOCKETS = 96  # of the admin socket: the back end of a host app, many requests at once
# Set apart: the sockets above; database and log with two readers, a backup, the log, listeners, key files, /proc for
# metrics, a reload, some 40; and what is accepted in one go before the oldest has to go.
FILES = 192
# The part of what is left that is for sockets that are no WebSocket connection yet.
HTTP_SHARE = 8
ADDRESS_SHARE = 8  # of those, what one address may have
ADDRESS_MIN = 32  # though they be few: as many as are accepted in two goes


@dataclass(slots=True, frozen=True)
class Descriptors:
    """What `limit` descriptors leave: for WebSocket connections, and for sockets that are none yet."""

    limit: int
    connections: int
    http: int

    @property
    def http_per_address(self) -> int:
        """How many of the latter one address may have."""
        return max(ADDRESS_MIN, self.http // ADDRESS_SHARE)

    def shortage(self, wanted: int) -> str:
        """What to tell the operator when there is not room for so many connections; else ""."""
        if self.connections >= wanted:
            return ""
        return (
            f"room for {self.connections} of limits.connections = {wanted}, because this process may open "
            f"{self.limit} files: set LimitNOFILE={needed(wanted)} or lower limits.connections"
        )


def shared_out(limit: int) -> Descriptors:
    """How `limit` descriptors are used; each kind of socket gets at least one."""
    left = max(2, limit - FILES)
    http = max(1, left // HTTP_SHARE)
    return Descriptors(limit, left - http, http)


def needed(connections: int) -> int:
    """The limit that leaves room for so many connections."""
    return FILES + connections + -(-connections // (HTTP_SHARE - 1))


def raised(wanted: int) -> int:
    """Raise the soft limit to `wanted` as far as the system allows; the limit in force, never lower than before."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    aim = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft == resource.RLIM_INFINITY or soft >= aim:
        return wanted if soft == resource.RLIM_INFINITY else soft
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (aim, hard))
    except OSError:  # a sandbox may forbid it
        return soft
    return aim
