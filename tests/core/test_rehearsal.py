"""Decisions that are made to see whether they refuse (core/rehearsal.py)."""

from copy import deepcopy
from typing import Any

import pytest

from chatd.core.decisions import DECISIONS
from chatd.core.read_set import ReadSet, Rules
from chatd.core.rehearsal import rehearse
from chatd.protocol.errors import Refused
from chatd.protocol.inbox import Clear
from chatd.protocol.messages import Send, SentBody
from chatd.protocol.rooms import RoomUpdate
from tests.kit.env import START_MS
from tests.kit.group_requests import creation, key, leave, remove, roles
from tests.kit.memory_writer import group


def test_what_is_not_refused_changes_no_room_and_what_is_refused_says_why() -> None:
    room = group(ann="owner", bob="member")
    before = deepcopy(room)
    requests: list[Any] = [
        Send(room=room.name, key=key(), body=SentBody(text="x")),
        RoomUpdate(room=room.name, key=key(), title="x"),
        Clear(room=room.name, seq=1),
        roles(room, bob="admin"),
        remove(room, "bob"),
        leave(room),
        creation(),
    ]
    for request in requests:
        reads = ReadSet(Rules(), {room.name: room}, fresh=[(7, 7)])
        rehearse(DECISIONS[type(request)], "ann", request, reads, START_MS)
        assert room == before, type(request)
    for request in requests[:-1]:
        with pytest.raises(Refused):
            rehearse(DECISIONS[type(request)], "eve", request, ReadSet(Rules(), {room.name: room}), START_MS)
