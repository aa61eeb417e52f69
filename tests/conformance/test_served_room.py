"""The room that the kit serves: what it answers to each request that reads."""

from typing import Any

import pytest

from chatd.conformance.packets import event, message, room
from chatd.conformance.served_room import ServedRoom

ROOM = "g4fKz81QwXe2"
SERVED = ServedRoom(ROOM, [message(seq) for seq in range(1, 301)])


@pytest.mark.parametrize(
    ("request_keys", "seqs", "more"),
    [
        ({"type": "log", "from": 1}, (1, 200), {"next": 201, "seq": 300}),
        ({"type": "log", "from": 201}, (201, 300), {"seq": 300}),
        ({"type": "log", "from": 3, "to": 9, "limit": 2}, (3, 4), {"next": 5, "seq": 300}),
        ({"type": "history"}, (251, 300), {"low": 251, "high": 300, "seq": 300}),
        ({"type": "history", "before": 251, "limit": 100}, (151, 250), {"low": 151, "high": 250, "seq": 300}),
        ({"type": "history", "before": 11}, (1, 10), {"low": 1, "high": 10, "seq": 300, "end": True}),
        ({"type": "history", "after": 100}, (101, 150), {"low": 101, "high": 150, "seq": 300}),
        ({"type": "history", "after": 290}, (291, 300), {"low": 291, "high": 300, "seq": 300}),
        ({"type": "history", "around": 100, "limit": 4}, (98, 101), {"low": 98, "high": 101, "seq": 300}),
        ({"type": "changes", "low": 1, "high": 300, "since": 2}, (1, 0), {"seq": 300}),
        ({"type": "messages", "seqs": [7]}, (7, 7), {}),
    ],
)
def test_a_request_is_answered(
    request_keys: dict[str, Any], seqs: tuple[int, int], more: dict[str, Any]
) -> None:
    first, last = seqs
    events = [message(seq) for seq in range(first, last + 1)]
    assert SERVED.answer(request_keys) == {"events": events, **more}


def test_the_summary_is_that_of_a_room_that_was_read() -> None:
    assert SERVED.answer({"type": "room.get"}) == {"summary": room(ROOM, 300)}


def test_only_messages_are_served() -> None:
    with pytest.raises(ValueError, match="messages only"):
        ServedRoom(ROOM, [message(1), event(2, "joined")])
