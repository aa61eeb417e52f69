"""What the checkers of people take for a crossing of a block."""

import pytest

from tests.simulation.history import Conversation, ReceivedPacket
from tests.simulation.people_checkers import Acknowledged, crossing_packets


@pytest.mark.parametrize(("later_s", "crosses"), [(1.00002, False), (1.01, True)])
def test_receipts_of_before_a_block_come_a_second_later(later_s: float, crosses: bool) -> None:
    said = Conversation("phone a", "ann", "a", False, 0.0, {}, 0.0)
    packet = {"type": "receipts", "room": "r", "receipts": [{"user": "bob", "delivered": 1}]}
    said.received.append(ReceivedPacket(8.0 + later_s, packet, 0, 8.0 + later_s))
    block = Acknowledged("e", "ann", "bob", 8.0, float("inf"))
    assert bool([*crossing_packets(said, [block], frozenset())]) == crosses
