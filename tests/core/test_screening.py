from typing import get_args

import pytest
from msgspec import UNSET

from chatd.core.decisions import DECISIONS
from chatd.core.idempotency import digest_of
from chatd.core.room_summary import complete_room_replies
from chatd.core.screening import (
    SCREENED,
    Screened,
    decide_screened,
    fields_of,
    texts_of,
    unmasked_texts,
    with_texts,
)
from chatd.protocol.codec import decode_event
from chatd.protocol.errors import ChatError, Refused, Rejected, Unavailable
from chatd.protocol.friends import FriendRequest
from chatd.protocol.members import MembersAdd, RoomJoin
from chatd.protocol.messages import Attachment, Body, Button, Edit, Send
from chatd.protocol.requests import AnyRequest
from chatd.protocol.rooms import RoomCreate, RoomDirect, RoomUpdate
from chatd.protocol.users import CardField, ProfileSet, Theme
from tests.kit.inprocess import new_key
from tests.kit.memory_writer import MemoryWriter, group

OVERLOADED = Unavailable("overloaded")


class Screener(MemoryWriter):
    """A writer that is told how each request was screened."""

    def screened(self, user, request, screened):
        reads = self.gather([(user, request)])
        self.decide([])
        try:
            reply = decide_screened(screened, DECISIONS[type(request)], user, request, self.writes, reads)
        except ChatError as refusal:
            reply = refusal
        complete_room_replies(self.writes, self.rules.shown_to)
        self.commit()
        return reply

    def rewritten(self, user, sent, text):
        return self.screened(user, with_texts(sent, lambda _: text), Screened(sent=sent))

    def refused(self, user, sent, refusal):
        return self.screened(user, sent, Screened(refusal=refusal))


@pytest.fixture
def room():
    return group(ann="owner", bob="member")


@pytest.fixture
def writer(room):
    return Screener(room)


def send(room, text="darn", key=None):
    return Send(room=room.name, key=key or new_key(), body=Body(text=text))


def test_a_rewritten_message_is_stored_as_rewritten_and_its_author_gets_the_event(writer, room):
    sent = send(room)
    reply = writer.rewritten("ann", sent, "****")
    assert decode_event(reply.event).body.text == "****"
    assert (reply.seq, writer.message(room, 2).body.text) == (2, "****")
    assert writer.keyed[room.number, "ann", sent.key].digest == digest_of(sent)


def test_a_repeated_message_is_a_duplicate_whatever_is_thought_of_it_by_now(writer, room):
    sent = send(room)
    writer.rewritten("ann", sent, "****")
    for reply in (
        writer.ask("ann", sent),
        writer.rewritten("ann", sent, "d***"),
        writer.refused("ann", sent, Rejected("spam")),
        writer.refused("ann", sent, OVERLOADED),
    ):
        assert reply.duplicate
        assert reply.seq == 2
        assert decode_event(reply.event).body.text == "****"
    assert len(writer.events(room)) == 1


def test_a_duplicate_of_what_passed_has_no_event(writer, room):
    sent = send(room, "hello")
    writer.ask("ann", sent)
    assert writer.refused("ann", sent, Rejected("spam")).event is UNSET
    writer.ask("ann", Edit(room=room.name, key=new_key(), target=2, body=Body(text="other")))
    assert writer.ask("ann", sent).event is UNSET


def test_a_key_of_other_content_is_a_conflict_also_when_it_is_Rejected(writer, room):
    sent = send(room)
    writer.rewritten("ann", sent, "****")
    again = send(room, "****", key=sent.key)
    assert writer.refused("ann", again, Rejected("spam")).code == "conflict"
    with pytest.raises(Refused, match="conflict"):
        writer.ask("ann", again)


def test_what_is_refused_changes_nothing_and_says_why(writer, room):
    refusal = writer.refused("ann", send(room), Rejected("spam"))
    assert (refusal.code, refusal.reason, refusal.retry) == ("rejected", "spam", "never")
    assert writer.events(room) == []


@pytest.mark.parametrize(
    ("user", "request_", "code"),
    [
        ("zoe", Send(room="g00000000001", key="12345678", body=Body(text="x")), "not_found"),
        ("zoe", RoomJoin(room="g00000000001", key="12345678"), "not_found"),
        ("bob", RoomUpdate(room="g00000000001", key="12345678", title="x"), "forbidden"),
        ("bob", MembersAdd(room="g00000000001", key="12345678", users=["zoe"]), "forbidden"),
        ("ann", Send(room="g00000000099", key="12345678", body=Body(text="x")), "not_found"),
    ],
)
def test_who_may_not_do_it_is_told_what_they_always_are(writer, user, request_, code):
    for refusal in (Rejected("spam"), OVERLOADED):
        assert writer.refused(user, request_, refusal).code == code


def test_a_rewritten_edit_a_title_and_a_room_keep_their_keys(writer, room):
    writer.ask("ann", send(room, "hello"))
    edit = Edit(room=room.name, key=new_key(), target=2, body=Body(text="darn"))
    assert decode_event(writer.rewritten("ann", edit, "****").event).body.text == "****"
    assert writer.message(room, 2).body.text == "****"
    assert writer.ask("ann", edit).duplicate
    title = RoomUpdate(room=room.name, key=new_key(), title="darn")
    assert decode_event(writer.rewritten("ann", title, "****").event).title == "****"
    assert (room.title, writer.ask("ann", title).duplicate) == ("****", True)
    made = RoomCreate(key=new_key(), kind="group", title="darn")
    reply = writer.rewritten("ann", made, "****")
    assert writer.rooms[reply.summary.room].title == "****"
    assert writer.ask("ann", made).duplicate
    assert writer.refused("ann", made, Rejected("spam")).duplicate
    assert writer.refused("ann", RoomCreate(key=new_key(), kind="group", title="x"), OVERLOADED) is OVERLOADED


BODY = Body(
    text="a",
    attachments=[Attachment(url="u", mime="m", name="b", alt="b2"), Attachment(url="u", mime="m")],
    buttons=[[Button(label="c", data="d")]],
)
CARD = ProfileSet(
    name="a", handle="b", bio="c", theme=Theme(name="d"), fields=[CardField(name="e", value="f")]
)


@pytest.mark.parametrize(
    ("request_", "texts"),
    [
        (Send(room="g00000000001", key="12345678", body=Body(text="a")), ["a"]),
        (Send(room="g00000000001", key="12345678", body=Body(data=1)), []),
        (Send(room="g00000000001", key="12345678", body=BODY), ["a", "b", "b2", "c"]),
        (Edit(room="g00000000001", key="12345678", target=2, body=BODY), ["a", "b", "b2", "c"]),
        (RoomCreate(key="12345678", kind="group", title="a", users=["bob"]), ["a"]),
        (RoomUpdate(room="g00000000001", key="12345678", title="a"), ["a"]),
        (RoomUpdate(room="g00000000001", key="12345678", public=True), []),
        (FriendRequest(user="bob", note="a", via="search"), ["a"]),
        (CARD, list("abcdef")),
        (RoomJoin(room="g00000000001", key="12345678"), []),
        (MembersAdd(room="g00000000001", key="12345678", users=["bob"]), []),
    ],
)
def test_all_texts_that_others_will_read_are_looked_at_and_can_be_changed(request_, texts):
    assert type(request_) in SCREENED
    assert sorted(texts_of(request_)) == texts
    changed = with_texts(request_, str.upper)
    assert sorted(texts_of(changed)) == [text.upper() for text in texts]
    assert with_texts(changed, str.lower) == request_


def test_a_handle_cannot_be_masked():
    assert [*unmasked_texts(CARD)] == ["b"]
    assert [*unmasked_texts(RoomUpdate(room="g00000000001", key="12345678", title="a"))] == []


def test_the_fields_of_a_request_are_those_that_were_asked_for():
    created = RoomCreate(id=7, key="12345678", kind="group", title="a", users=["bob"])
    assert fields_of(created) == {"kind": "group", "title": "a", "users": ["bob"], "public": False}
    assert RoomDirect not in SCREENED


# Why nothing of a request is screened: it changes nothing others read, or what it says is one of a few words, a number,
# an id, or the name of something the app has.
NOTHING_TO_READ = """
Hello Auth SetMode Ping Pong Sync Log History Changes Messages Read Delivered Readers Focus Typing Watch
RoomGet MembersList UsersFind UsersGet DevicesPush PushTest PushDecisions DevicesList DevicesRemove BotsGet Report
Recall React Pin RoomDirect RoomDelete RoomLeave MembersRemove MembersRole RoomAccept RoomDecline
PrivacySet Preferences FriendAccept FriendDecline FriendCancel FriendRemove ContactSet CircleSet CircleDelete
FileLink FileList StickerList Played MembersUnban MembersSilence MembersGet Announce
InvitesList InvitesRevoke InvitesLook JoinsList JoinsDecide Delete Clear Draft Schedule Search Unread Reads Verify
RoomsFind Comments
"""


def test_every_request_is_screened_or_has_nothing_to_read():
    left = {kind.__name__ for kind in get_args(AnyRequest)} - {kind.__name__ for kind in SCREENED}
    assert left == set(NOTHING_TO_READ.split())
