"""When the many receivers of one push had it, in few numbers."""

from __future__ import annotations

_RESOLUTION_BITS = 7  # the middle of a slot is at most 1/128 of the latency from what it stands for


class Arrivals:
    """Counts moments in slots as wide as the first latency allows; `due_ns` is what latencies count from."""

    __slots__ = ("_due_ns", "_shift", "_slots")

    def __init__(self, due_ns: int) -> None:
        self._due_ns = due_ns
        self._shift = -1
        self._slots: dict[int, int] = {}

    def arrived(self, now_ns: int) -> None:
        """One more receiver has it."""
        if self._shift < 0:
            self._shift = max(0, (now_ns - self._due_ns).bit_length() - _RESOLUTION_BITS)
        slot = now_ns >> self._shift
        self._slots[slot] = self._slots.get(slot, 0) + 1

    def taken(self) -> list[tuple[int, int]]:
        """The moments, each with how many it stands for; they are forgotten here."""
        slots, self._slots = self._slots, {}
        middle_ns = (1 << max(0, self._shift)) // 2
        return [((slot << self._shift) + middle_ns, receivers) for slot, receivers in slots.items()]
