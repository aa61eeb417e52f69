"""The limits on connections: in total, per address, and before hello. Pure accounting, which closes nothing."""

import math
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from chatd.config import model
from chatd.core.client_address import customer

RETRY_AFTER_S = 5  # a full server empties slowly; an earlier attempt would only be refused again

Entry = TypeVar("Entry")  # anything hashable; the daemon counts wires


@dataclass(slots=True, frozen=True)
class Refusal:
    """The reason for a 503, as a label of metrics, and the seconds after which to try again."""

    reason: str
    retry_after_s: int = RETRY_AFTER_S


class Admission(Generic[Entry]):
    """The count of connections. Every admitted entry must be released once, authenticated or not.

    Limits per address count IPv6 by /64. The pool of unauthenticated connections never refuses: its oldest
    is closed instead, so a flood of silent sockets does not lock out a phone that sends hello at once.
    `crowded_ms` returns the milliseconds after which to try again while no hellos are accepted, else None.
    """

    def __init__(self, limits: model.Limits, crowded_ms: Callable[[], int | None] = lambda: None) -> None:
        self.limits = limits
        self.sockets_max: float = math.inf  # as many as the process has descriptors for
        self._crowded_ms = crowded_ms
        self._total = 0
        self._per_customer: Counter[str] = Counter()
        self._unauthenticated: dict[Entry, str] = {}  # oldest first
        self._unauthenticated_per_customer: Counter[str] = Counter()
        self._draining: Refusal | None = None

    def reconfigure(self, limits: model.Limits) -> None:
        """Apply other limits to future connections."""
        self.limits = limits

    def reserve(self, sockets_max: int) -> None:
        """Admit at most as many connections as there are descriptors for."""
        self.sockets_max = sockets_max

    @property
    def total(self) -> int:
        """Connections admitted and not yet released."""
        return self._total

    @property
    def unauthenticated(self) -> int:
        """Connections in the pool before hello."""
        return len(self._unauthenticated)

    def drain(self, retry_after_s: int = RETRY_AFTER_S) -> None:
        """Refuse everything from now on."""
        self._draining = Refusal("draining", retry_after_s)

    def admit(self, address: str, entry: Entry) -> Refusal | None:
        """Count a new, unauthenticated connection, or return its refusal. Call `oldest_out` afterwards."""
        key = customer(address)
        refusal = self._draining or self._refusal(key)
        if refusal is None:
            self._total += 1
            self._per_customer[key] += 1
            self._unauthenticated[entry] = key
            self._unauthenticated_per_customer[key] += 1
        return refusal

    def oldest_out(self) -> Entry | None:
        """Remove and return the connection to close because the pool is over its limit; None while it is not."""
        if len(self._unauthenticated) <= self.limits.unauthenticated:
            return None
        oldest = next(iter(self._unauthenticated))
        self.authenticated(oldest)
        return oldest

    def authenticated(self, entry: Entry) -> None:
        """Take a connection that sent a valid hello out of the pool; no-op when it is not in it."""
        key = self._unauthenticated.pop(entry, None)
        if key is not None:
            _decrement(self._unauthenticated_per_customer, key)

    def released(self, address: str, entry: Entry) -> None:
        """Forget a connection that was closed."""
        self.authenticated(entry)
        self._total -= 1
        _decrement(self._per_customer, customer(address))

    def _refusal(self, key: str) -> Refusal | None:
        crowded_ms = self._crowded_ms()
        if crowded_ms is not None:
            return Refusal("hellos", math.ceil(crowded_ms / 1000))
        limits = self.limits
        if self._total >= limits.connections:
            return Refusal("connections")
        if self._total >= self.sockets_max:
            return Refusal("descriptors")
        if self._per_customer[key] >= limits.connections_per_address:
            return Refusal("connections_per_address")
        if self._unauthenticated_per_customer[key] >= limits.unauthenticated_per_address:
            return Refusal("unauthenticated_per_address")
        return None


def _decrement(counts: Counter[str], key: str) -> None:
    counts[key] -= 1
    if not counts[key]:
        del counts[key]
