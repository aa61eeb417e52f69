"""Sockets that were accepted and are no WebSocket connection yet: how many there may be, of all and of an address.

They shake hands for TLS, talk HTTP, or say nothing. Nobody is refused: the oldest has to go, of whoever has too many.
"""

from collections import defaultdict
from collections.abc import Callable
from typing import Protocol

from chatd.websocket.client_address import UNIX_PEER, customer, peer_address

Cut = Callable[[str], None]  # told why one had to go: `all`, or `address`


class PendingSocket(Protocol):
    def abort(self) -> None:
        """Reset the connection."""


class PendingSockets:
    """Keeps at most `sockets_max`, of one address `per_address`, IPv6 by /64; 0 bounds no address.

    Peers that `shared` names stand for many: proxies that are trusted, and Unix sockets.
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
        """Count one, and cut the one that has to go for it. `peername` is what its transport says."""
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
        """It is upgraded, or gone; no-op when it left before."""
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
