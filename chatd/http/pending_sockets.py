"""Sockets that were accepted and are no WebSocket connection yet: limits on their number in total and per address.

They are in a TLS handshake, speak HTTP, or are silent. None is refused: the oldest one over the limit is closed.
"""

from collections import defaultdict
from collections.abc import Callable
from typing import Protocol

from chatd.core.client_address import UNIX_PEER, customer, peer_address

Cut = Callable[[str], None]  # called with the limit that was exceeded: `all`, or `address`


class PendingSocket(Protocol):
    def abort(self) -> None:
        """Reset the connection."""


class PendingSockets:
    """The pending sockets: at most `sockets_max`, and `per_address` of one address (IPv6: of a /64; 0: no limit).

    The limit per address does not hold for `shared` peers, such as trusted proxies, nor for Unix sockets.
    """

    def __init__(
        self,
        sockets_max: int,
        per_address: int = 0,
        shared: Callable[[str], bool] = lambda peer: False,
        cut: Cut = lambda reason: None,
    ) -> None:
        self.sockets_max = sockets_max
        self._per_address = per_address
        self._shared = shared
        self._cut = cut
        self._customers: dict[PendingSocket, str] = {}  # oldest first
        self._of: defaultdict[str, dict[PendingSocket, None]] = defaultdict(dict)  # oldest first, too

    def __len__(self) -> int:
        return len(self._customers)

    def enter(self, pending: PendingSocket, peername: object) -> None:
        """Add a socket, and close the oldest one over a limit. `peername` is that of its transport."""
        peer = peer_address(peername)
        key = self._customers[pending] = customer(peer)
        own = self._of[key]
        own[pending] = None
        if (
            self._per_address
            and len(own) > self._per_address
            and peer != UNIX_PEER
            and not self._shared(peer)
        ):
            self._end(next(iter(own)), "address")
        elif len(self._customers) > self.sockets_max:
            self._end(next(iter(self._customers)), "all")

    def leave(self, pending: PendingSocket) -> None:
        """Remove a socket that was upgraded or closed; no-op when it was removed before."""
        key = self._customers.pop(pending, None)
        if key is not None:
            own = self._of[key]
            del own[pending]
            if not own:
                del self._of[key]

    def _end(self, pending: PendingSocket, reason: str) -> None:
        self.leave(pending)
        self._cut(reason)
        pending.abort()
