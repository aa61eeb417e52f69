"""The steps of an erasure, each on what is there; a step that comes twice finds nothing."""

import pytest
from msgspec import UNSET

from chatd.core.bots import DeletedBot
from chatd.core.contacts import Contact, State
from chatd.core.erasure_steps import (
    Erase,
    EraseContacts,
    EraseEvents,
    EraseMembership,
    EraseProfile,
    EraseReactions,
    PurgeRoom,
)
from chatd.core.profiles import Card
from chatd.core.removal import ErasedReactions, PurgedLog, Stretch
from chatd.core.sections import ACCOUNT, ChangedRow
from chatd.core.users import Account
from chatd.protocol.errors import Refused
from chatd.protocol.messages import Body, Edit, React, Recall, Send
from chatd.protocol.rooms import RoomDelete
from tests.kit.group_requests import key
from tests.kit.memory_writer import MemoryWriter, direct, group

ALL = Stretch()


@pytest.fixture
def room():
    return group(ann="owner", bob="admin", cat="member")


@pytest.fixture
def writer(room):
    return MemoryWriter(room)


def say(writer, room, user, text="secret"):
    return writer.ask(user, Send(room=room.name, key=key(), body=Body(text=text))).seq


def events(room, *seqs, stretch=ALL, recall=True):
    return EraseEvents(room.name, "ann", seqs, recall, stretch)


# --- the beginning


def test_whoever_is_erased_is_shut_out_by_the_same_commit(writer):
    writer.accounts["ann"] = Account("ann", "Ann")
    writer.ask("", Erase("ann", "keep", "drop"))
    account, erasure = writer.accounts["ann"], writer.erasures["ann"]
    assert (account.disabled, account.revoked_before, account.name) == (True, writer.now, "Ann")
    assert (erasure.asked, erasure.due, erasure.messages, erasure.reports) == (
        writer.now,
        writer.now,
        "keep",
        "drop",
    )


def test_the_same_again_changes_nothing_and_another_way_is_refused(writer):
    writer.ask("", Erase("ann"))
    writer.now += 5
    writer.ask("", Erase("ann"))
    assert writer.writes.empty
    with pytest.raises(Refused, match="conflict"):
        writer.ask("", Erase("ann", "keep"))


def test_one_of_a_list_is_begun_unless_a_later_one_is_known(writer):
    writer.ask("", Erase("ann", asked=7))
    assert writer.erasures["ann"].asked == 7
    writer.ask("", Erase("ann", asked=7))
    writer.ask("", Erase("ann", asked=6))
    assert writer.writes.empty


# --- rooms


def test_messages_are_recalled_together_and_others_stay(writer, room):
    mine, other = say(writer, room, "ann"), say(writer, room, "bob")
    writer.ask("ann", Edit(room=room.name, key=key(), target=mine, body=Body(text="secret, too")))
    writer.ask("", events(room, mine, other, stretch=Stretch(mine, other)))
    (event,) = [event for event in writer.events(room) if event.kind == "erased"]
    assert (event.user, event.from_, event.to) == ("ann", mine, other)
    message = writer.message(room, mine)
    assert (message.recalled, message.body, message.changed, message.ordinal) == (True, UNSET, event.seq, 1)
    assert writer.message(room, other).body == Body(text="secret")
    assert writer.writes.records_of(ErasedReactions) == [ErasedReactions(room.number, "ann", (mine, other))]


def test_a_stretch_without_a_text_is_not_told_again(writer, room):
    mine = say(writer, room, "ann")
    writer.ask("", events(room, mine))
    seq = room.seq
    writer.ask("", events(room, mine))
    assert room.seq == seq


def test_the_stretch_holds_also_what_was_recalled_before(writer, room):
    """So `changed` is the same for everybody, whether they saw the recall or not."""
    first, second = say(writer, room, "ann"), say(writer, room, "ann")
    writer.ask("bob", Recall(room=room.name, key=key(), target=first))
    writer.ask("", events(room, second, first))
    assert writer.message(room, first).changed == writer.message(room, second).changed == room.seq


def test_messages_may_stay(writer, room):
    mine = say(writer, room, "ann")
    writer.ask("", events(room, mine, recall=False))
    assert writer.message(room, mine).body == Body(text="secret")


def test_reactions_are_cleared_and_the_counts_follow(writer, room):
    target = say(writer, room, "bob")
    for user, emoji in (("ann", "👍"), ("ann", "🚲"), ("cat", "👍")):
        writer.ask(user, React(room=room.name, key=key(), target=target, emoji=emoji, set=True))
    writer.ask("", EraseReactions(room.name, "ann", ((target, "👍"), (target, "🚲"))))
    assert [(given.emoji, given.count) for given in writer.message(room, target).reactions] == [("👍", 1)]
    assert {user for _, _, user, _ in writer.reactions} == {"cat"}
    assert writer.events(room)[-1].kind == "reactions"


def test_a_person_leaves_their_groups_which_keep_an_owner(writer, room):
    room.members["ann"].extras = b"\x81"
    writer.ask("", EraseMembership(room.name, "ann"))
    assert (room.former["ann"].gone, room.former["ann"].extras) == ("left", b"")
    assert room.members["bob"].role == "owner"
    assert [event.kind for event in writer.events(room)] == ["left", "role"]
    writer.ask("", EraseMembership(room.name, "ann"))
    assert [event.kind for event in writer.events(room)] == ["left", "role"]


def test_a_direct_room_belongs_to_the_other_too():
    room = direct("ann", "bob")
    room.members["ann"].pinned, room.members["ann"].muted_until = True, 1
    writer = MemoryWriter(room)
    writer.ask("", EraseMembership(room.name, "ann"))
    member = room.members["ann"]
    assert (member.pinned, member.muted_until, writer.events(room)) == (False, 0, [])


def test_a_batch_that_fails_leaves_a_former_member_as_they_were(writer, room):
    writer.ask("", EraseMembership(room.name, "ann"))
    room.former["ann"].extras = b"\x81"
    before = writer.snapshot()
    writer.decide([("", EraseMembership(room.name, "ann"))])
    assert writer.rooms != before
    writer.writes.rollback()
    assert writer.rooms == before


# --- the account


def test_contacts_are_emptied_on_both_sides_but_for_a_block(writer):
    writer.contacts["ann", "bob"] = Contact("ann", "bob", State.FRIEND, remark="Bobby", stamp=1)
    writer.contacts["bob", "ann"] = Contact("bob", "ann", State.FRIEND, blocked=True, remark="Annie", stamp=1)
    writer.ask("", EraseContacts("ann", ["bob"]))
    stamp = writer.stamp
    assert writer.contacts["ann", "bob"] == Contact("ann", "bob", stamp=stamp)
    assert writer.contacts["bob", "ann"] == Contact("bob", "ann", blocked=True, stamp=stamp)
    assert {(row.user, row.name) for row in writer.writes.records_of(ChangedRow)} == {
        ("ann", "bob"),
        ("bob", "ann"),
    }


def test_an_account_keeps_what_keeps_old_tokens_out(writer):
    writer.accounts["ann"] = Account(
        "ann",
        "Ann",
        "a.png",
        3,
        receipts=False,
        disabled=True,
        generation=8,
        revoked_before=8,
        password="x",
        kind="bot",
    )
    writer.cards["ann"] = Card("ann", "ann.a")
    writer.ask("", EraseProfile("ann", [("account", "circles")]))
    assert writer.accounts["ann"] == Account("ann", version=4, disabled=True, generation=8, revoked_before=8)
    assert writer.cards["ann"] == Card("ann")
    assert ChangedRow("ann", ACCOUNT, "circles", None) in writer.writes.records_of(ChangedRow)
    assert writer.writes.records_of(DeletedBot) == [DeletedBot("ann")]


# --- rooms that were deleted


def test_only_a_deleted_room_is_purged(writer, room):
    room.title = "secret"
    writer.ask("", PurgeRoom(room.name))
    assert writer.writes.empty
    writer.ask("ann", RoomDelete(room=room.name, key=key()))
    writer.ask("", PurgeRoom(room.name))
    assert writer.writes.records_of(PurgedLog) == [PurgedLog(room.number)]
    assert (room.title, room.deleted_by) == ("", "ann")
