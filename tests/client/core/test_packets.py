"""The types of the packets a client reads, compared with the tables of protocol.md."""

import pytest

from chatd.client.core import packets, pushes
from tests.kit import document

REPLIES = {
    "hello": packets.HelloReply,
    "mode": packets.ModeReply,
    "room.get": packets.SummaryReply,
    "log": packets.LogReply,
    "history": packets.HistoryReply,
    "changes": packets.ChangesReply,
    "messages": packets.MessagesReply,
    "read": packets.PositionReply,
    "readers": packets.ReadersReply,
    "focus": packets.FocusReply,
    "watch": packets.WatchReply,
    "members.list": packets.MembersReply,
    "users.get": packets.UsersReply,
    "devices.list": packets.DevicesReply,
}

PUSHES = {
    "event": pushes.EventPush,
    "head": pushes.HeadPush,
    "room": pushes.RoomPush,
    "gone": pushes.GonePush,
    "position": pushes.PositionPush,
    "receipts": pushes.ReceiptsPush,
    "typing": pushes.TypingPush,
    "presence": pushes.PresencePush,
    "ping": pushes.CursorPush,
    "bye": pushes.ByePush,
}

OBJECTS = {"Event": packets.Event, "RoomSummary": packets.RoomSummary, "SyncPage": packets.SyncPage}


def stated(title):
    """The keys of an object; those of an event stand partly with its kinds."""
    (section,) = (section for section in document.sections() if section.title.endswith(title))
    cells = [row["Key"] for row in section.table(first="Key")]
    cells += [row["Further keys"] for table in section.tables for row in table if "Further keys" in row]
    return {name for cell in cells if cell for name in document.words(cell)}


@pytest.mark.parametrize("title", OBJECTS)
def test_an_object_has_the_keys_of_its_table(title):
    nested = {"role"} if title == "Event" else {"unread", "mentions"} if title == "SyncPage" else set()
    assert set(OBJECTS[title].__annotations__) == stated(title) - nested


@pytest.mark.parametrize("type", REPLIES)
def test_what_is_read_of_a_reply_is_in_its_table(type):
    assert set(REPLIES[type].__annotations__) - set(document.keys(type, first="Reply key")) == set()


@pytest.mark.parametrize("type", PUSHES)
def test_what_is_read_of_a_push_is_in_its_table(type):
    assert set(PUSHES[type].__annotations__) - set(document.keys(type, first="Push key")) == set()
