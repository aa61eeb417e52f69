"""The sockets that this process can have (RLIMIT_NOFILE), less the descriptors of its files."""

import resource
from dataclasses import dataclass

OPS_SOCKETS = 32  # of the operations address: a scraper, probes, and an operator with curl
ADMIN_SOCKETS = 96  # of the admin socket: the back end of a host app, many requests at once
API_SOCKETS = 96  # of the address of the API: the same, on other machines
# Reserved: the sockets above; database and log with two readers, a backup, the log, listeners, key files, /proc for
# metrics, a reload, some 40; the sockets accepted in one go before the oldest is closed; and two event streams for each
# of the 64 watchers that the console may have.
FILES = 416
HTTP_SHARE = 8  # one in so many of the rest is for sockets that are no WebSocket connection yet
ADDRESS_SHARE = 8  # one in so many of those is for one address
ADDRESS_MIN = 32  # at least: as many as are accepted in two goes


@dataclass(slots=True, frozen=True)
class Descriptors:
    """The division of `limit` descriptors: WebSocket connections, and sockets that are none yet (`http`)."""

    limit: int
    connections: int
    http: int

    @property
    def http_per_address(self) -> int:
        """The number of `http` sockets that one address may have."""
        return max(ADDRESS_MIN, self.http // ADDRESS_SHARE)

    def shortage(self, wanted: int) -> str:
        """Return a warning for the operator when there are too few for so many connections; else ""."""
        if self.connections >= wanted:
            return ""
        return (
            f"room for {self.connections} of limits.connections = {wanted}, because this process may open "
            f"{self.limit} files: set LimitNOFILE={needed(wanted)} or lower limits.connections"
        )


def shared_out(limit: int) -> Descriptors:
    """Divide `limit` descriptors; each kind of socket gets at least one."""
    left = max(2, limit - FILES)
    http = max(1, left // HTTP_SHARE)
    return Descriptors(limit, left - http, http)


def needed(connections: int) -> int:
    """Return the limit that has room for so many connections."""
    return FILES + connections + -(-connections // (HTTP_SHARE - 1))


def raised(wanted: int) -> int:
    """Raise the soft limit to `wanted` as far as the system allows; return the new limit, never a lower one."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    allowed = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft == resource.RLIM_INFINITY or soft >= allowed:
        return wanted if soft == resource.RLIM_INFINITY else soft
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
    except OSError:  # a sandbox may forbid it
        return soft
    return allowed
