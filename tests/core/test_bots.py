"""Bots: their settings, whom they may write to first, what they say first, what they are told."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET

from chatd.core.accounts import Amend
from chatd.core.bots import Bot, DeleteBot, Hook, PutBot, hears
from chatd.core.contacts import Contact
from chatd.core.read_set import PeopleRules, Rules
from chatd.core.room import POLICY
from chatd.core.rooms import OpenDirect
from chatd.core.users import Account
from chatd.protocol.bots import BotCommand, Told
from chatd.protocol.errors import Refused
from chatd.protocol.members import MembersAdd
from chatd.protocol.messages import Body, Button, Edit, Send
from chatd.protocol.rooms import RoomCreate, RoomDirect
from tests.kit.group_requests import code_of, key
from tests.kit.memory_writer import MemoryWriter, direct, group

WELCOME = Body(text="Hello", buttons=[[Button("Weather", data="weather")]])
COMMANDS = (BotCommand("weather", "The weather of a city"),)


def writer_of(*rooms, people=False, bots=True):
    writer = MemoryWriter(*rooms, rules=Rules(people=PeopleRules(enabled=people), bots=bots))
    writer.accounts = {"shop": Account("shop", kind="official"), "bot": Account("bot", kind="bot")}
    return writer


def send(room, text="x", **body):
    return Send(room=room.name, key=key(), body=Body(text=text, **body))


# --- settings


def test_a_bot_is_made_changed_and_removed():
    writer = writer_of()
    writer.ask("new", PutBot(commands=COMMANDS, welcome=WELCOME))
    assert (writer.accounts["new"].kind, writer.accounts["new"].version) == ("bot", 1)
    assert writer.bots["new"] == Bot("new", COMMANDS, WELCOME)
    hook = Hook("https://example.com/bot", "whsec_x")
    writer.ask("new", PutBot(welcome=None, sees="all", hook=hook))
    assert writer.bots["new"] == Bot("new", COMMANDS, None, "all", hook)
    writer.ask("new", PutBot(sees="all"))
    assert writer.writes.empty, "nothing changed"
    writer.ask("new", DeleteBot())
    assert (writer.bots, writer.accounts["new"].kind) == ({}, "bot"), "what it wrote is still a bot's"
    assert code_of(writer, "new", DeleteBot()) == "not_found"


def test_an_official_account_gets_settings_and_stays_official():
    writer = writer_of()
    writer.ask("shop", PutBot(commands=COMMANDS))
    assert (writer.accounts["shop"].kind, writer.bots["shop"].commands) == ("official", COMMANDS)


def test_the_account_of_a_person_is_not_made_a_bot_by_mistake():
    writer = writer_of()
    writer.accounts["ann"] = Account("ann")
    with pytest.raises(Refused) as refused:
        writer.ask("ann", PutBot(commands=COMMANDS))
    assert (refused.value.code, refused.value.field, writer.bots) == ("conflict", "kind", {})
    writer.ask("ann", Amend(kind="bot"))
    writer.ask("ann", PutBot(commands=COMMANDS))


@pytest.mark.parametrize("body", [Body(text="a", reply_to=1), Body(text="a", mentions=["ann"]), Body()])
def test_a_greeting_is_a_message_that_stands_alone(body):
    writer = writer_of()
    assert code_of(writer, "bot", PutBot(welcome=body)) == "bad_request"
    assert writer.bots == {}


def test_where_bots_are_off_none_is_made():
    writer = writer_of(bots=False)
    assert code_of(writer, "bot", PutBot(commands=COMMANDS)) == "not_supported"
    assert code_of(writer, "bot", DeleteBot()) == "not_supported"


# --- the greeting


@pytest.mark.parametrize("people", [True, False])
def test_a_bot_greets_in_event_2_of_a_room_that_is_opened_with_it(people):
    writer = writer_of(people=people)
    writer.bots["bot"] = Bot("bot", welcome=WELCOME)
    reply = writer.ask("ann", RoomDirect(user="bot"))
    room = writer.rooms[reply.summary.room]
    created, greeting = writer.events(room)
    assert (created.kind, created.seq) == ("created", 1)
    assert (greeting.seq, greeting.user, greeting.ordinal, greeting.body) == (2, "bot", 1, WELCOME)
    assert ":" in greeting.key, "no client can have used it"
    assert (reply.summary.seq, reply.summary.unread) == (2, 1)
    assert all(room.is_listed(member) for member in room.members.values())
    assert (room.bots, room.written) == (frozenset({"bot"}), 2)
    writer.ask("ann", RoomDirect(user="bot"))
    assert len(writer.events(room)) == 2, "the room was there"


def test_a_room_that_the_host_opens_has_no_greeting():
    writer = writer_of(people=True)
    writer.bots["bot"] = Bot("bot", welcome=WELCOME)
    room = writer.rooms[writer.ask("", OpenDirect("ann", "bot")).summary.room]
    assert [event.kind for event in writer.events(room)] == ["created"]


def test_nobody_is_greeted_by_who_is_disabled_silent_or_first():
    writer = writer_of(people=True)
    writer.bots["bot"] = Bot("bot", welcome=WELCOME)
    writer.contacts["cid", "bot"] = Contact("cid", "bot", following=True)
    for user, other in (("ann", "shop"), ("bot", "cid")):
        room = writer.rooms[writer.ask(user, RoomDirect(user=other)).summary.room]
        assert [event.kind for event in writer.events(room)] == ["created"], (user, other)
    off = writer_of()
    off.accounts["bot"] = Account("bot", kind="bot", disabled=True)
    off.bots["bot"] = Bot("bot", welcome=WELCOME)
    room = off.rooms[off.ask("ann", RoomDirect(user="bot")).summary.room]
    assert len(off.events(room)) == 1


# --- whom they may reach


@pytest.mark.parametrize("author", ["bot", "shop"])
def test_with_people_a_bot_opens_rooms_with_those_who_want_to_hear_of_it(author):
    writer = writer_of(people=True)
    writer.contacts["fan", author] = Contact("fan", author, following=True)
    writer.contacts["foe", author] = Contact("foe", author, following=True, blocked=True)
    assert code_of(writer, author, RoomDirect(user="ann")) == "refused"
    assert code_of(writer, author, RoomDirect(user="foe")) == "refused", "a block stops it, whatever it is"
    reply = writer.ask(author, RoomDirect(user="fan"))
    room = writer.rooms[reply.summary.room]
    assert room.members["fan"].standing == POLICY, "it is in their list when something is said"


def test_anybody_opens_a_room_with_a_bot():
    writer = writer_of(people=True)
    assert writer.ask("ann", RoomDirect(user="bot")).summary.room
    writer.contacts["bob", "bot"] = Contact("bob", "bot", blocked=True)
    assert code_of(writer, "bob", RoomDirect(user="bot")) == "blocked"


def test_without_people_a_bot_opens_nothing_and_adds_nobody():
    room = group(bot="owner", ann="member")
    writer = writer_of(room)
    assert code_of(writer, "bot", RoomDirect(user="ann")) == "refused"
    reply = writer.ask("bot", MembersAdd(room=room.name, key=key(), users=["bob"]))
    assert (reply.not_added, "bob" in room.members) == (["bob"], False)
    reply = writer.ask("bot", RoomCreate(kind="group", key=key(), title="Ads", users=["ann", "bob"]))
    assert reply.not_added == ["ann", "bob"]
    writer.ask("ann", RoomDirect(user="bot"))
    writer.ask("bot", RoomDirect(user="ann"))


# --- buttons


def test_only_bots_have_buttons():
    room = direct("ann", "bot")
    room.bots = frozenset({"bot"})
    writer = writer_of(room)
    buttons = [[Button("Yes", data="yes"), Button("Site", url="https://example.com")]]
    ack = writer.ask("bot", send(room, "Sure?", buttons=buttons))
    assert writer.message(room, ack.seq).body.buttons == buttons
    with pytest.raises(Refused) as refused:
        writer.ask("ann", send(room, "Sure?", buttons=buttons))
    assert (refused.value.code, refused.value.field) == ("bad_request", "body.buttons")
    edit = Edit(room=room.name, key=key(), target=ack.seq, body=Body(text="Done"))
    writer.ask("bot", edit)
    assert writer.message(room, ack.seq).body.buttons is UNSET
    mine = writer.ask("ann", send(room)).seq
    edit = Edit(room=room.name, key=key(), target=mine, body=Body(text="x", buttons=buttons))
    assert code_of(writer, "ann", edit) == "bad_request"


@pytest.mark.parametrize("button", [Button("x"), Button("x", data="a", url="b")])
def test_a_button_does_one_thing(button):
    room = direct("ann", "bot")
    room.bots = frozenset({"bot"})
    with pytest.raises(Refused) as refused:
        writer_of(room).ask("bot", send(room, buttons=[[Button("y", data="y")], [button]]))
    assert (refused.value.code, refused.value.field) == ("bad_request", "body.buttons[1][0]")


def test_a_room_knows_the_bots_that_come_and_go_and_forgets_them_with_a_batch():
    room = group(ann="owner", bob="member")
    writer = writer_of(room)
    writer.decide([("ann", MembersAdd(room=room.name, key=key(), users=["bot", "cid"]))])
    assert room.bots == {"bot"}
    writer.writes.rollback()
    assert room.bots == frozenset()


# --- what they are told

texts = st.sampled_from(["", "/help", "hello /help", "hello"])
events = st.builds(
    Told,
    st.just(7),
    st.sampled_from(["message", "edit", "reaction", "joined", "notice"]),
    st.sampled_from(["ann", "bot", "other", UNSET]),
    users=st.sampled_from([UNSET, ["ann"], ["bot", "ann"]]),
    body=st.just(UNSET) | st.builds(Body, texts, mentions=st.sampled_from([UNSET, ["ann"], ["bot"], ["*"]])),
)


@given(events, st.sampled_from(["mentions", "all"]), st.booleans(), st.sampled_from(["", "ann", "bot"]))
def test_a_bot_is_told_what_is_meant_for_it(event, sees, is_direct, answered):
    heard = hears(Bot("bot", sees=sees), event, direct=is_direct, answered=answered, bots={"bot", "other"})
    about_itself = "bot" in (event.users or ())
    if event.user in ("bot", "other"):
        assert heard == about_itself, "bots hear no bots"
    elif is_direct or sees == "all":
        assert heard
    else:
        body = event.body or Body()
        meant = "bot" in (body.mentions or ()) or answered == "bot" or (body.text or "").startswith("/")
        assert heard == (
            about_itself or (event.kind in ("message", "edit") and event.body is not UNSET and meant)
        )
