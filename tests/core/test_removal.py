"""A text that is removed stands nowhere any more: not in its message, nor in an edit, stored or about to be."""

import pytest
from msgspec import UNSET

from chatd.core.removal import SupersededEdits, check_not_recalled
from chatd.core.write_set import Message
from chatd.protocol.errors import Refused
from chatd.protocol.messages import Body, Edit, Event, Recall, Send
from tests.kit.group_requests import key
from tests.kit.memory_writer import MemoryWriter, group


@pytest.fixture
def room():
    return group(ann="owner", bob="member")


@pytest.fixture
def writer(room):
    return MemoryWriter(room)


def test_a_recall_empties_the_edits_before_it_also_those_of_its_own_batch(writer, room):
    writer.ask("bob", Send(room=room.name, key=key(), body=Body(text="secret")))
    edit = Edit(room=room.name, key=key(), target=2, body=Body(text="secret, too"))
    other = Send(room=room.name, key=key(), body=Body(text="open"))
    writer.batch([("bob", edit), ("bob", other), ("ann", Recall(room=room.name, key=key(), target=2))])
    assert [(event.kind, event.body) for event in writer.events(room)[1:]] == [
        ("edit", UNSET), ("message", Body(text="open")), ("recall", UNSET),
    ]  # fmt: skip
    assert writer.writes.records_of(SupersededEdits)[-1] == SupersededEdits(room.number, 2, 5)
    assert not any(b"secret" in blob for blob in writer.messages.values())


def test_what_was_recalled_cannot_be_changed(room):
    with pytest.raises(Refused, match="conflict"):
        check_not_recalled(Message(room, Event(seq=2, kind="message", recalled=True)))
