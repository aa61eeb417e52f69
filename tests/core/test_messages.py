import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET
from msgspec.structs import replace

from chatd.core import maintenance
from chatd.core.read_set import Rules
from chatd.core.removal import SupersededEdits
from chatd.protocol.codec import decode_event, encode
from chatd.protocol.errors import Refused
from chatd.protocol.limits import REACTIONS_MAX
from chatd.protocol.members import MembersAdd, MembersRemove, MembersRole, RoleOf, RoomLeave
from chatd.protocol.messages import (
    Attachment,
    Body,
    Edit,
    Pin,
    React,
    ReactionCount,
    Recall,
    Send,
    SentBody,
    WriteOk,
)
from chatd.protocol.rooms import RoomUpdate
from tests.kit.memory_writer import MemoryWriter, direct, group

DAY_MS = 86_400_000
HEART = "\u2764\ufe0f"
numbers = iter(range(10_000_000, 99_999_999))


def key():
    return f"key-{next(numbers)}"


def send(room, text="hello", *, key_=None, silent=False, composed_at=UNSET, **body):
    return Send(
        room=room.name,
        key=key_ or key(),
        body=Body(text=text, **body),
        silent=silent,
        composed_at=composed_at,
    )


def edit(room, target, text="better", *, key_=None):
    return Edit(room=room.name, key=key_ or key(), target=target, body=Body(text=text))


def recall(room, target, *, key_=None):
    return Recall(room=room.name, key=key_ or key(), target=target)


def react(room, target, emoji="👍", *, on=True, key_=None):
    return React(room=room.name, key=key_ or key(), target=target, emoji=emoji, set=on)


def pin(room, target, *, on=True, key_=None):
    return Pin(room=room.name, key=key_ or key(), target=target, set=on)


@pytest.fixture
def room():
    return group(ann="owner", bob="admin", cat="member", dan="member")


@pytest.fixture
def writer(room):
    return MemoryWriter(room)


def code_of(writer, user, request):
    with pytest.raises(Refused) as refused:
        writer.ask(user, request)
    assert writer.writes.empty, "a refusal changed something"
    return refused.value.code


# --- send


def test_messages_are_numbered_without_holes(writer, room):
    acks = [writer.ask(user, send(room)) for user in ("ann", "bob", "ann")]
    assert [(ack.seq, ack.ordinal) for ack in acks] == [(2, 1), (3, 2), (4, 3)]


def test_the_log_holds_what_was_sent(writer, room):
    request = send(room, "hi", reply_to=1, mentions=["bob"])
    ack = writer.ask("ann", request)
    (event,) = writer.events(room)
    assert (event.kind, event.user, event.key, event.time) == ("message", "ann", request.key, writer.now)
    assert (event.seq, event.ordinal, event.time) == (ack.seq, ack.ordinal, ack.time)
    assert event.body == request.body


def test_a_silent_message_has_a_seq_and_no_ordinal(writer, room):
    ack = writer.ask("ann", send(room, silent=True, mentions=["bob"]))
    assert (ack.seq, ack.ordinal) == (2, UNSET)
    assert writer.events(room)[0].ordinal is UNSET
    assert (room.ordinal, room.members["ann"].own_unread, room.members["bob"].mentions) == (0, 0, 0)


@pytest.mark.parametrize("content", [{"attachments": [Attachment("u", "m")]}, {"data": 1}, {"data": None}])
def test_a_body_needs_one_kind_of_content(writer, room, content):
    assert writer.ask("ann", Send(room=room.name, key=key(), body=Body(**content))).seq == 2


def test_a_body_without_content_is_refused(writer, room):
    empty = Send(room=room.name, key=key(), body=Body(reply_to=1, mentions=["bob"]))
    assert code_of(writer, "ann", empty) == "bad_request"


def test_a_body_may_be_as_large_as_the_limit_and_no_larger(room):
    writer = MemoryWriter(room, rules=Rules(body_bytes=300))
    spare = 300 - len(encode(Body(text="x" * 256))) + 256
    writer.ask("ann", send(room, "x" * spare))
    assert code_of(writer, "ann", send(room, "x" * (spare + 1))) == "too_large"


@pytest.mark.parametrize(
    ("away_ms", "stored"), [(0, False), (60_000, False), (-60_000, False), (60_001, True), (-60_001, True)]
)
def test_the_clients_clock_is_stored_when_a_minute_off(writer, room, away_ms, stored):
    writer.ask("ann", send(room, composed_at=writer.now + away_ms))
    assert writer.events(room)[0].composed_at == (writer.now + away_ms if stored else UNSET)


def test_mentions_count_for_members_once_and_never_for_the_author(writer, room):
    writer.ask("ann", send(room, mentions=["bob", "bob", "ann", "eve"]))
    assert [room.members[user].mentions for user in ("ann", "bob", "cat")] == [0, 1, 0]


def test_everybody_is_mentioned_by_a_star(writer, room):
    writer.ask("ann", send(room, mentions=["*"]))
    assert {user: member.mentions for user, member in room.members.items()} == {
        "ann": 0,
        "bob": 1,
        "cat": 1,
        "dan": 1,
    }


@pytest.mark.parametrize(("full_members", "counted"), [(4, 1), (3, 0)])
def test_a_star_counts_up_to_a_number_of_members(room, full_members, counted):
    MemoryWriter(room, rules=Rules(full_members=full_members)).ask("ann", send(room, mentions=["*"]))
    assert room.members["bob"].mentions == counted


def test_a_name_beside_a_star_counts_in_a_room_where_the_star_does_not(room):
    MemoryWriter(room, rules=Rules(full_members=3)).ask("ann", send(room, mentions=["*", "bob"]))
    assert [room.members[user].mentions for user in ("bob", "cat")] == [1, 0]


# --- one key, one change


def test_a_repeated_key_gets_the_first_answer(writer, room):
    request = send(room)
    first = writer.ask("ann", request)
    writer.now += 5000
    again = writer.ask("ann", request)
    assert (again.seq, again.ordinal, again.time) == (first.seq, first.ordinal, first.time)
    assert (first.duplicate, again.duplicate) == (False, True)
    assert writer.writes.empty


def test_a_key_repeated_in_one_batch_is_one_message(writer, room):
    request = send(room)
    first, again = writer.batch([("ann", request), ("ann", request)])
    assert (first.seq, first.duplicate, again.seq, again.duplicate) == (2, False, 2, True)
    assert len(writer.events(room)) == 1


@pytest.mark.parametrize("together", [True, False])
def test_a_key_used_with_other_content_is_a_conflict(writer, room, together):
    one, other = send(room, "one", key_="the-same-key"), send(room, "other", key_="the-same-key")
    if together:
        _, second = writer.batch([("ann", one), ("ann", other)])
        assert second.code == "conflict"
    else:
        writer.ask("ann", one)
        assert code_of(writer, "ann", other) == "conflict"
    assert [event.body.text for event in writer.events(room)] == ["one"]


@pytest.mark.parametrize(
    "other",
    [
        lambda room: send(room, silent=True, key_="the-same-key"),
        lambda room: send(room, reply_to=1, key_="the-same-key"),
        lambda room: edit(room, 2, key_="the-same-key"),
        lambda room: recall(room, 2, key_="the-same-key"),
        lambda room: react(room, 2, key_="the-same-key"),
        lambda room: pin(room, 2, key_="the-same-key"),
        lambda room: RoomUpdate(room=room.name, key="the-same-key", title="x"),
        lambda room: RoomLeave(room=room.name, key="the-same-key"),
    ],
)
def test_a_key_used_for_something_else_is_a_conflict(writer, room, other):
    writer.ask("ann", send(room, key_="the-same-key"))
    with pytest.raises(Refused, match="conflict"):
        writer.ask("ann", other(room))


def test_when_it_was_composed_is_no_content(writer, room):
    writer.ask("ann", send(room, key_="the-same-key", composed_at=1))
    assert writer.ask("ann", send(room, key_="the-same-key", composed_at=2)).duplicate


def test_two_authors_may_have_the_same_key(writer, room):
    assert writer.ask("ann", send(room, key_="the-same-key")).seq == 2
    assert writer.ask("bob", send(room, key_="the-same-key")).seq == 3


def test_a_lost_acknowledgement_is_repeated_to_who_was_removed_meanwhile(writer, room):
    request = send(room)
    first = writer.ask("cat", request)
    writer.ask("ann", MembersRemove(room=room.name, key=key(), users=["cat"]))
    again = writer.ask("cat", request)
    assert (again.seq, again.duplicate) == (first.seq, True)


def test_operations_are_repeated_by_key_too(writer, room):
    writer.ask("ann", send(room))
    for request in (edit(room, 2), react(room, 2), pin(room, 2), recall(room, 2)):
        first, again = writer.ask("ann", request), writer.ask("ann", request)
        assert (again.seq, again.time, again.duplicate) == (first.seq, first.time, True)
        assert writer.writes.empty


def test_a_direct_room_knows_who_wrote_in_it_and_when_both_have():
    room = direct("ann", "bob")
    writer = MemoryWriter(room)
    for user, silent, written, answered in (
        ("bob", False, 2, []),
        ("bob", False, 2, []),
        ("ann", True, 3, [room]),
        ("bob", False, 3, []),
    ):
        writer.ask(user, send(room, silent=silent))
        assert (room.written, writer.writes.answered) == (written, answered)
        assert ((1, "") in writer.writes.refreshed) == bool(answered)


def test_in_a_group_nobody_is_noted(writer, room):
    writer.ask("ann", send(room))
    assert (room.written, writer.writes.answered) == (0, [])


def test_an_answer_that_was_not_stored_is_none():
    room = direct("ann", "bob")
    writer = MemoryWriter(room)
    writer.ask("ann", send(room))
    writer.decide([("bob", send(room))])
    assert room.written == 3
    writer.writes.rollback()
    assert room.written == 1


# --- edit


def test_an_edit_replaces_the_body_and_marks_the_message(writer, room):
    writer.ask("ann", send(room, "old"))
    writer.now += 1000
    ack = writer.ask("ann", edit(room, 2, "new"))
    message, operation = writer.message(room, 2), writer.events(room)[-1]
    assert (message.body.text, message.changed, message.edited) == ("new", ack.seq, writer.now)
    assert (message.seq, message.ordinal) == (2, 1)
    assert (operation.kind, operation.target, operation.body.text) == ("edit", 2, "new")
    assert (operation.ordinal, operation.key, ack.ordinal) == (UNSET, UNSET, UNSET)


def test_an_edit_that_changes_nothing_stores_nothing(writer, room):
    writer.ask("ann", Send(room=room.name, key=key(), body=Body(text="x", data={"a": 1, "b": 2})))
    same = Edit(room=room.name, key=key(), target=2, body=SentBody(text="x", data={"b": 2.0, "a": 1}))
    reply = writer.ask("ann", same)
    assert (reply.duplicate, reply.seq, writer.writes.empty) == (True, UNSET, True)
    assert writer.message(room, 2).edited is UNSET


def test_only_its_author_edits_a_message(writer, room):
    writer.ask("cat", send(room))
    assert [code_of(writer, user, edit(room, 2)) for user in ("ann", "bob", "dan")] == ["forbidden"] * 3


@pytest.mark.parametrize("change", [edit, recall])
def test_the_window_closes_for_authors(writer, room, change):
    writer.ask("cat", send(room))
    writer.now += DAY_MS + 1
    assert code_of(writer, "cat", change(room, 2)) == "edit_window"


@pytest.mark.parametrize("change", [edit, recall])
def test_the_window_is_open_to_its_last_millisecond(writer, room, change):
    writer.ask("cat", send(room))
    writer.now += DAY_MS
    assert writer.ask("cat", change(room, 2)).seq == 3


@pytest.mark.parametrize("change", [edit, recall, react, pin])
@pytest.mark.parametrize("target", [1, 3, 99])
def test_what_is_no_message_cannot_be_changed(writer, room, change, target):
    writer.batch([("ann", send(room)), ("ann", RoomUpdate(room=room.name, key=key(), title="t"))])
    assert code_of(writer, "ann", change(room, target)) == "not_found"


@pytest.mark.parametrize("change", [edit, recall, react, pin])
def test_what_one_may_not_see_cannot_be_changed(writer, room, change):
    writer.ask("ann", send(room))
    writer.ask("ann", MembersAdd(room=room.name, key=key(), users=["eve"]))
    writer.ask("ann", MembersRole(room=room.name, key=key(), users=[RoleOf("eve", "owner")]))
    assert code_of(writer, "eve", change(room, 2)) == "not_found"


@pytest.mark.parametrize("change", [edit, recall, react, pin])
def test_a_recalled_message_cannot_be_changed(writer, room, change):
    writer.ask("ann", send(room))
    writer.ask("ann", recall(room, 2))
    assert code_of(writer, "ann", change(room, 2)) == "conflict"


@pytest.mark.parametrize("body", [Body(), Body(text="x" * 20_000)])
def test_an_edit_obeys_the_rules_of_bodies(writer, room, body):
    writer.ask("ann", send(room))
    request = Edit(room=room.name, key=key(), target=2, body=body)
    assert code_of(writer, "ann", request) in ("bad_request", "too_large")


def test_an_edit_supersedes_the_edits_before_it(writer, room):
    writer.ask("ann", send(room))
    assert writer.ask("ann", edit(room, 2, "other")).seq == 3
    assert writer.writes.records_of(SupersededEdits) == [SupersededEdits(room.number, 2, 3)]


def test_an_edit_moves_no_count(writer, room):
    writer.ask("ann", send(room))
    before = {user: (m.unread(room.ordinal), m.mentions) for user, m in room.members.items()}
    writer.ask("ann", Edit(room=room.name, key=key(), target=2, body=Body(text="x", mentions=["bob"])))
    assert {user: (m.unread(room.ordinal), m.mentions) for user, m in room.members.items()} == before


# --- recall


def test_a_recall_takes_the_body_and_keeps_the_number(writer, room):
    writer.ask("ann", send(room, "secret"))
    ack = writer.ask("ann", recall(room, 2))
    message = writer.message(room, 2)
    assert (message.body, message.recalled, message.changed, message.ordinal) == (UNSET, True, ack.seq, 1)
    assert writer.writes.records_of(SupersededEdits) == [SupersededEdits(room.number, 2, ack.seq)]
    assert b"secret" not in writer.messages[room.number, 2]


@pytest.mark.parametrize("actor", ["ann", "bob"])
def test_an_admin_recalls_any_message_at_any_time(writer, room, actor):
    writer.ask("cat", send(room))
    writer.now += 365 * DAY_MS
    assert writer.ask(actor, recall(room, 2)).seq == 3


def test_a_member_recalls_own_messages_only(writer, room):
    writer.ask("cat", send(room))
    assert code_of(writer, "dan", recall(room, 2)) == "forbidden"


def test_nobody_moderates_a_direct_room():
    room = direct("ann", "bob")
    writer = MemoryWriter(room)
    writer.ask("ann", send(room))
    assert code_of(writer, "bob", recall(room, 2)) == "forbidden"


@pytest.mark.parametrize("room", [group(ann="owner", cat="member"), direct("ann", "cat")])
def test_the_host_recalls_any_message_at_any_time(room):
    writer = MemoryWriter(room)
    writer.ask("cat", send(room))
    writer.now += 365 * DAY_MS
    assert writer.ask("", recall(room, 2)).seq == 3
    assert (writer.message(room, 2).recalled, writer.events(room)[-1].user) == (True, UNSET)


@pytest.mark.parametrize("change", [edit, lambda room, target: react(room, target, "👍")])
def test_the_host_puts_no_words_into_the_mouth_of_a_user(writer, room, change):
    writer.ask("ann", send(room))
    assert code_of(writer, "", change(room, 2)) == "forbidden"


def test_a_recall_empties_the_edits_of_its_batch(writer, room):
    writer.ask("ann", send(room, "one"))
    writer.batch([("ann", edit(room, 2, "secret")), ("ann", recall(room, 2))])
    assert [event.body for event in writer.events(room) if event.kind == "edit"] == [UNSET]
    assert not any(b"secret" in new.blob for new in writer.log.values())


# --- react


def test_reactions_are_counted_by_emoji(writer, room):
    writer.ask("ann", send(room))
    for user, emoji in (("ann", "👍"), ("bob", "👍"), ("cat", "👎")):
        writer.ask(user, react(room, 2, emoji))
    assert writer.message(room, 2).reactions == [ReactionCount("👍", 2), ReactionCount("👎", 1)]
    assert writer.message(room, 2).changed == room.seq
    operation = writer.events(room)[-1]
    assert (operation.kind, operation.emoji, operation.set, operation.target) == ("reaction", "👎", True, 2)


def test_the_last_one_cleared_leaves_no_reactions(writer, room):
    writer.ask("ann", send(room))
    writer.ask("bob", react(room, 2))
    writer.ask("bob", react(room, 2, on=False))
    assert writer.message(room, 2).reactions is UNSET


@pytest.mark.parametrize("on", [True, False])
def test_a_state_that_is_there_already_is_a_duplicate_without_event(writer, room, on):
    writer.ask("ann", send(room))
    if on:
        writer.ask("bob", react(room, 2))
    reply = writer.ask("bob", react(room, 2, on=on))
    assert (reply.duplicate, reply.seq) == (True, UNSET)
    assert writer.writes.empty


def test_a_reaction_is_stored_in_normal_form_and_the_ack_says_so(writer, room):
    writer.ask("ann", send(room))
    request = react(room, 2, "\u2764")
    ack = writer.ask("bob", request)
    assert decode_event(ack.event) == writer.events(room)[-1]
    assert (writer.events(room)[-1].emoji, writer.message(room, 2).reactions) == (
        HEART,
        [ReactionCount(HEART, 1)],
    )
    for again in ("\u2764", HEART, "\u2764\ufe0e"):
        reply = writer.ask("bob", replace(request, emoji=again))
        assert (reply.seq, reply.duplicate, reply.event is UNSET) == (ack.seq, True, again == HEART)
        assert writer.ask("bob", react(room, 2, again)) == WriteOk(duplicate=True)
    assert writer.ask("cat", react(room, 2, HEART)).event is UNSET
    assert writer.message(room, 2).reactions == [ReactionCount(HEART, 2)]


@pytest.mark.parametrize(("emoji", "code"), [("yes", "bad_request"), (":" + "é" * 40 + ":", "too_large")])
@pytest.mark.parametrize("on", [True, False])
def test_what_is_no_emoji_is_refused(writer, room, emoji, code, on):
    writer.ask("ann", send(room))
    assert code_of(writer, "ann", react(room, 2, emoji, on=on)) == code


@pytest.mark.parametrize("emoji", ["\u2764", "yes"])
def test_a_reaction_of_an_earlier_version_can_be_cleared(writer, room, emoji):
    writer.ask("ann", send(room))
    message = writer.message(room, 2)
    message.reactions = [ReactionCount(emoji, 1)]
    writer.messages[room.number, 2] = encode(message)
    writer.reactions.add((room.number, 2, "bob", emoji))
    assert writer.ask("bob", react(room, 2, emoji, on=False)).seq == 3
    assert (writer.message(room, 2).reactions, writer.reactions) == (UNSET, set())


def test_a_message_takes_a_bounded_number_of_different_reactions(writer, room):
    writer.ask("ann", send(room))
    writer.batch([("ann", react(room, 2, f":r{number}:")) for number in range(REACTIONS_MAX)])
    assert code_of(writer, "bob", react(room, 2, ":one-more:")) == "too_large"


@given(
    st.lists(
        st.tuples(st.sampled_from("abcd"), st.sampled_from("👍👎"), st.booleans(), st.booleans()), max_size=20
    )
)
def test_counts_are_the_reactions_that_are_set(steps):
    room = group(a="owner", b="member", c="member", d="member")
    writer = MemoryWriter(room)
    writer.ask("a", send(room))
    state, batch = set(), []
    for user, emoji, on, together in steps:
        batch.append((user, react(room, 2, emoji, on=on)))
        (state.add if on else state.discard)((user, emoji))
        if not together:
            writer.batch(batch)
            batch = []
    writer.batch(batch)
    counts = writer.message(room, 2).reactions
    shown = {} if counts is UNSET else {row.emoji: row.count for row in counts}
    assert shown == {e: n for e in "👍👎" if (n := sum(emoji == e for _, emoji in state))}
    assert writer.reactions == {(room.number, 2, user, emoji) for user, emoji in state}


def test_in_a_large_room_a_reaction_is_stored_without_event(room):
    writer = MemoryWriter(room, rules=Rules(large_members=3))
    writer.ask("ann", send(room))
    reply = writer.ask("bob", react(room, 2))
    assert (reply.seq, reply.time, reply.duplicate) == (UNSET, writer.now, False)
    assert room.seq == 2
    assert list(writer.writes.summarised) == [(room.number, 2)]
    assert writer.message(room, 2).reactions == [ReactionCount("👍", 1)]


def test_the_reactions_of_a_large_room_are_pushed_in_one_event(room):
    writer = MemoryWriter(room, rules=Rules(large_members=3))
    writer.ask("ann", send(room))
    writer.batch([("bob", react(room, 2)), ("cat", react(room, 2)), ("dan", react(room, 2, "👎"))])
    writer.ask("", maintenance.SummariseReactions(room.name, 2))
    event = writer.events(room)[-1]
    assert (event.kind, event.user, event.target) == ("reactions", UNSET, 2)
    assert event.reactions == [ReactionCount("👍", 2), ReactionCount("👎", 1)]
    assert writer.message(room, 2).changed == event.seq


# --- pin


def test_a_message_is_pinned_and_unpinned(writer, room):
    writer.ask("cat", send(room))
    writer.ask("bob", pin(room, 2))
    assert writer.message(room, 2).pinned is True
    writer.ask("bob", pin(room, 2, on=False))
    assert writer.message(room, 2).pinned is UNSET
    assert [(e.kind, e.target, e.set) for e in writer.events(room)[1:]] == [
        ("pin", 2, True),
        ("pin", 2, False),
    ]


def test_what_a_recalled_message_bears_can_be_taken_off_but_nothing_put_on_it(writer, room):
    writer.ask("ann", send(room))
    writer.batch([("ann", pin(room, 2)), ("bob", react(room, 2))])
    writer.ask("ann", recall(room, 2))
    writer.batch([("ann", pin(room, 2, on=False)), ("bob", react(room, 2, on=False))])
    message = writer.message(room, 2)
    assert (message.pinned, message.reactions, message.recalled, message.changed) == (
        UNSET,
        UNSET,
        True,
        room.seq,
    )
    assert code_of(writer, "ann", pin(room, 2)) == code_of(writer, "bob", react(room, 2)) == "conflict"


def test_members_do_not_pin_in_groups_but_do_in_direct_rooms(writer, room):
    writer.ask("cat", send(room))
    assert code_of(writer, "cat", pin(room, 2)) == "forbidden"
    other = direct("ann", "bob", 2)
    writer = MemoryWriter(other)
    writer.ask("ann", send(other))
    assert writer.ask("bob", pin(other, 2)).seq == 3


@pytest.mark.parametrize("on", [True, False])
def test_a_pin_that_is_there_already_is_a_duplicate(writer, room, on):
    writer.ask("ann", send(room))
    if on:
        writer.ask("ann", pin(room, 2))
    reply = writer.ask("ann", pin(room, 2, on=on))
    assert (reply.duplicate, reply.seq, writer.writes.empty) == (True, UNSET, True)


# --- who may, and what is served


@pytest.mark.parametrize(
    "request_", [send, lambda r: edit(r, 2), lambda r: recall(r, 2), lambda r: react(r, 2)]
)
def test_strangers_and_former_members_write_nothing(writer, room, request_):
    writer.ask("cat", send(room))
    writer.ask("cat", RoomLeave(room=room.name, key=key()))
    assert code_of(writer, "cat", request_(room)) == "not_member"
    assert code_of(writer, "eve", request_(room)) == "not_found"


def test_the_stored_event_is_the_numbered_one(writer, room):
    writer.ask("ann", send(room))
    for new in writer.log.values():
        assert decode_event(new.blob).seq == new.event.seq
        assert new.position == room.number << 32 | new.event.seq
