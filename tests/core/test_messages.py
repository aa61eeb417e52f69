import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET
from msgspec.structs import replace

from chatd.core import admin
from chatd.core.read_set import Rules
from chatd.protocol.codec import decode_event, encode
from chatd.protocol.errors import Refused
from chatd.protocol.limits import REACTIONS_MAX
from chatd.protocol.objects import Attachment, Body, ReactionCount, SentBody
from chatd.protocol.replies import WriteOk
from chatd.protocol.requests import (
    Edit,
    MembersAdd,
    MembersRemove,
    MembersRole,
    Pin,
    React,
    Recall,
    RoleOf,
    RoomLeave,
    RoomUpdate,
    Send,
)
from tests.kit.desk import Desk, direct, group

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
def desk(room):
    return Desk(room)


def code_of(desk, user, request):
    with pytest.raises(Refused) as refused:
        desk.ask(user, request)
    assert desk.work.empty, "a refusal changed something"
    return refused.value.code


# --- send


def test_messages_are_numbered_without_holes(desk, room):
    acks = [desk.ask(user, send(room)) for user in ("ann", "bob", "ann")]
    assert [(ack.seq, ack.ordinal) for ack in acks] == [(2, 1), (3, 2), (4, 3)]


def test_the_log_holds_what_was_sent(desk, room):
    request = send(room, "hi", reply_to=1, mentions=["bob"])
    ack = desk.ask("ann", request)
    (event,) = desk.events(room)
    assert (event.kind, event.user, event.key, event.time) == ("message", "ann", request.key, desk.now)
    assert (event.seq, event.ordinal, event.time) == (ack.seq, ack.ordinal, ack.time)
    assert event.body == request.body


def test_a_silent_message_has_a_seq_and_no_ordinal(desk, room):
    ack = desk.ask("ann", send(room, silent=True, mentions=["bob"]))
    assert (ack.seq, ack.ordinal) == (2, UNSET)
    assert desk.events(room)[0].ordinal is UNSET
    assert (room.ordinal, room.members["ann"].own_unread, room.members["bob"].mentions) == (0, 0, 0)


@pytest.mark.parametrize("content", [{"attachments": [Attachment("u", "m")]}, {"data": 1}, {"data": None}])
def test_a_body_needs_one_kind_of_content(desk, room, content):
    assert desk.ask("ann", Send(room=room.name, key=key(), body=Body(**content))).seq == 2


def test_a_body_without_content_is_refused(desk, room):
    empty = Send(room=room.name, key=key(), body=Body(reply_to=1, mentions=["bob"]))
    assert code_of(desk, "ann", empty) == "bad_request"


def test_a_body_may_be_as_large_as_the_limit_and_no_larger(room):
    desk = Desk(room, rules=Rules(body_bytes=300))
    spare = 300 - len(encode(Body(text="x" * 256))) + 256
    desk.ask("ann", send(room, "x" * spare))
    assert code_of(desk, "ann", send(room, "x" * (spare + 1))) == "too_large"


@pytest.mark.parametrize(
    ("away_ms", "stored"), [(0, False), (60_000, False), (-60_000, False), (60_001, True), (-60_001, True)]
)
def test_the_clients_clock_is_stored_when_a_minute_off(desk, room, away_ms, stored):
    desk.ask("ann", send(room, composed_at=desk.now + away_ms))
    assert desk.events(room)[0].composed_at == (desk.now + away_ms if stored else UNSET)


def test_mentions_count_for_members_once_and_never_for_the_author(desk, room):
    desk.ask("ann", send(room, mentions=["bob", "bob", "ann", "eve"]))
    assert [room.members[user].mentions for user in ("ann", "bob", "cat")] == [0, 1, 0]


def test_everybody_is_mentioned_by_a_star(desk, room):
    desk.ask("ann", send(room, mentions=["*"]))
    assert {user: member.mentions for user, member in room.members.items()} == {
        "ann": 0,
        "bob": 1,
        "cat": 1,
        "dan": 1,
    }


@pytest.mark.parametrize(("full_members", "counted"), [(4, 1), (3, 0)])
def test_a_star_counts_up_to_a_number_of_members(room, full_members, counted):
    Desk(room, rules=Rules(full_members=full_members)).ask("ann", send(room, mentions=["*"]))
    assert room.members["bob"].mentions == counted


def test_a_name_beside_a_star_counts_in_a_room_where_the_star_does_not(room):
    Desk(room, rules=Rules(full_members=3)).ask("ann", send(room, mentions=["*", "bob"]))
    assert [room.members[user].mentions for user in ("bob", "cat")] == [1, 0]


# --- one key, one deed


def test_a_repeated_key_gets_the_first_answer(desk, room):
    request = send(room)
    first = desk.ask("ann", request)
    desk.now += 5000
    again = desk.ask("ann", request)
    assert (again.seq, again.ordinal, again.time) == (first.seq, first.ordinal, first.time)
    assert (first.duplicate, again.duplicate) == (False, True)
    assert desk.work.empty


def test_a_key_repeated_in_one_batch_is_one_message(desk, room):
    request = send(room)
    first, again = desk.batch([("ann", request), ("ann", request)])
    assert (first.seq, first.duplicate, again.seq, again.duplicate) == (2, False, 2, True)
    assert len(desk.events(room)) == 1


@pytest.mark.parametrize("together", [True, False])
def test_a_key_used_with_other_content_is_a_conflict(desk, room, together):
    one, other = send(room, "one", key_="the-same-key"), send(room, "other", key_="the-same-key")
    if together:
        _, second = desk.batch([("ann", one), ("ann", other)])
        assert second.code == "conflict"
    else:
        desk.ask("ann", one)
        assert code_of(desk, "ann", other) == "conflict"
    assert [event.body.text for event in desk.events(room)] == ["one"]


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
def test_a_key_used_for_something_else_is_a_conflict(desk, room, other):
    desk.ask("ann", send(room, key_="the-same-key"))
    with pytest.raises(Refused, match="conflict"):
        desk.ask("ann", other(room))


def test_when_it_was_composed_is_no_content(desk, room):
    desk.ask("ann", send(room, key_="the-same-key", composed_at=1))
    assert desk.ask("ann", send(room, key_="the-same-key", composed_at=2)).duplicate


def test_two_authors_may_have_the_same_key(desk, room):
    assert desk.ask("ann", send(room, key_="the-same-key")).seq == 2
    assert desk.ask("bob", send(room, key_="the-same-key")).seq == 3


def test_a_lost_acknowledgement_is_repeated_to_who_was_removed_meanwhile(desk, room):
    request = send(room)
    first = desk.ask("cat", request)
    desk.ask("ann", MembersRemove(room=room.name, key=key(), users=["cat"]))
    again = desk.ask("cat", request)
    assert (again.seq, again.duplicate) == (first.seq, True)


def test_operations_are_repeated_by_key_too(desk, room):
    desk.ask("ann", send(room))
    for request in (edit(room, 2), react(room, 2), pin(room, 2), recall(room, 2)):
        first, again = desk.ask("ann", request), desk.ask("ann", request)
        assert (again.seq, again.time, again.duplicate) == (first.seq, first.time, True)
        assert desk.work.empty


def test_a_direct_room_knows_who_wrote_in_it_and_when_both_have():
    room = direct("ann", "bob")
    desk = Desk(room)
    for user, silent, written, answered in (
        ("bob", False, 2, []),
        ("bob", False, 2, []),
        ("ann", True, 3, [room]),
        ("bob", False, 3, []),
    ):
        desk.ask(user, send(room, silent=silent))
        assert (room.written, desk.work.answered) == (written, answered)
        assert ((1, "") in desk.work.refreshed) == bool(answered)


def test_in_a_group_nobody_is_noted(desk, room):
    desk.ask("ann", send(room))
    assert (room.written, desk.work.answered) == (0, [])


def test_an_answer_that_was_not_stored_is_none():
    room = direct("ann", "bob")
    desk = Desk(room)
    desk.ask("ann", send(room))
    desk.decide([("bob", send(room))])
    assert room.written == 3
    desk.work.rollback()
    assert room.written == 1


# --- edit


def test_an_edit_replaces_the_body_and_marks_the_message(desk, room):
    desk.ask("ann", send(room, "old"))
    desk.now += 1000
    ack = desk.ask("ann", edit(room, 2, "new"))
    message, operation = desk.message(room, 2), desk.events(room)[-1]
    assert (message.body.text, message.changed, message.edited) == ("new", ack.seq, desk.now)
    assert (message.seq, message.ordinal) == (2, 1)
    assert (operation.kind, operation.target, operation.body.text) == ("edit", 2, "new")
    assert (operation.ordinal, operation.key, ack.ordinal) == (UNSET, UNSET, UNSET)


def test_an_edit_that_changes_nothing_stores_nothing(desk, room):
    desk.ask("ann", Send(room=room.name, key=key(), body=Body(text="x", data={"a": 1, "b": 2})))
    same = Edit(room=room.name, key=key(), target=2, body=SentBody(text="x", data={"b": 2.0, "a": 1}))
    reply = desk.ask("ann", same)
    assert (reply.duplicate, reply.seq, desk.work.empty) == (True, UNSET, True)
    assert desk.message(room, 2).edited is UNSET


def test_only_its_author_edits_a_message(desk, room):
    desk.ask("cat", send(room))
    assert [code_of(desk, user, edit(room, 2)) for user in ("ann", "bob", "dan")] == ["forbidden"] * 3


@pytest.mark.parametrize("change", [edit, recall])
def test_the_window_closes_for_authors(desk, room, change):
    desk.ask("cat", send(room))
    desk.now += DAY_MS + 1
    assert code_of(desk, "cat", change(room, 2)) == "edit_window"


@pytest.mark.parametrize("change", [edit, recall])
def test_the_window_is_open_to_its_last_millisecond(desk, room, change):
    desk.ask("cat", send(room))
    desk.now += DAY_MS
    assert desk.ask("cat", change(room, 2)).seq == 3


@pytest.mark.parametrize("change", [edit, recall, react, pin])
@pytest.mark.parametrize("target", [1, 3, 99])
def test_what_is_no_message_cannot_be_changed(desk, room, change, target):
    desk.batch([("ann", send(room)), ("ann", RoomUpdate(room=room.name, key=key(), title="t"))])
    assert code_of(desk, "ann", change(room, target)) == "not_found"


@pytest.mark.parametrize("change", [edit, recall, react, pin])
def test_what_one_may_not_see_cannot_be_changed(desk, room, change):
    desk.ask("ann", send(room))
    desk.ask("ann", MembersAdd(room=room.name, key=key(), users=["eve"]))
    desk.ask("ann", MembersRole(room=room.name, key=key(), users=[RoleOf("eve", "owner")]))
    assert code_of(desk, "eve", change(room, 2)) == "not_found"


@pytest.mark.parametrize("change", [edit, recall, react, pin])
def test_a_recalled_message_cannot_be_changed(desk, room, change):
    desk.ask("ann", send(room))
    desk.ask("ann", recall(room, 2))
    assert code_of(desk, "ann", change(room, 2)) == "conflict"


@pytest.mark.parametrize("body", [Body(), Body(text="x" * 20_000)])
def test_an_edit_obeys_the_rules_of_bodies(desk, room, body):
    desk.ask("ann", send(room))
    request = Edit(room=room.name, key=key(), target=2, body=body)
    assert code_of(desk, "ann", request) in ("bad_request", "too_large")


def test_an_edit_moves_no_count(desk, room):
    desk.ask("ann", send(room))
    before = {user: (m.unread(room.ordinal), m.mentions) for user, m in room.members.items()}
    desk.ask("ann", Edit(room=room.name, key=key(), target=2, body=Body(text="x", mentions=["bob"])))
    assert {user: (m.unread(room.ordinal), m.mentions) for user, m in room.members.items()} == before


# --- recall


def test_a_recall_takes_the_body_and_keeps_the_number(desk, room):
    desk.ask("ann", send(room, "secret"))
    ack = desk.ask("ann", recall(room, 2))
    message = desk.message(room, 2)
    assert (message.body, message.recalled, message.changed, message.ordinal) == (UNSET, True, ack.seq, 1)
    assert desk.work.recalled == [(room.number, 2)]
    assert b"secret" not in desk.messages[room.number, 2]


@pytest.mark.parametrize("actor", ["ann", "bob"])
def test_an_admin_recalls_any_message_at_any_time(desk, room, actor):
    desk.ask("cat", send(room))
    desk.now += 365 * DAY_MS
    assert desk.ask(actor, recall(room, 2)).seq == 3


def test_a_member_recalls_own_messages_only(desk, room):
    desk.ask("cat", send(room))
    assert code_of(desk, "dan", recall(room, 2)) == "forbidden"


def test_nobody_moderates_a_direct_room():
    room = direct("ann", "bob")
    desk = Desk(room)
    desk.ask("ann", send(room))
    assert code_of(desk, "bob", recall(room, 2)) == "forbidden"


def test_a_recall_empties_the_edits_of_its_batch(desk, room):
    desk.ask("ann", send(room, "one"))
    desk.batch([("ann", edit(room, 2, "secret")), ("ann", recall(room, 2))])
    assert [event.body for event in desk.events(room) if event.kind == "edit"] == [UNSET]
    assert not any(b"secret" in new.blob for new in desk.log.values())


# --- react


def test_reactions_are_counted_by_emoji(desk, room):
    desk.ask("ann", send(room))
    for user, emoji in (("ann", "👍"), ("bob", "👍"), ("cat", "👎")):
        desk.ask(user, react(room, 2, emoji))
    assert desk.message(room, 2).reactions == [ReactionCount("👍", 2), ReactionCount("👎", 1)]
    assert desk.message(room, 2).changed == room.seq
    operation = desk.events(room)[-1]
    assert (operation.kind, operation.emoji, operation.set, operation.target) == ("reaction", "👎", True, 2)


def test_the_last_one_cleared_leaves_no_reactions(desk, room):
    desk.ask("ann", send(room))
    desk.ask("bob", react(room, 2))
    desk.ask("bob", react(room, 2, on=False))
    assert desk.message(room, 2).reactions is UNSET


@pytest.mark.parametrize("on", [True, False])
def test_a_state_that_is_there_already_is_a_duplicate_without_event(desk, room, on):
    desk.ask("ann", send(room))
    if on:
        desk.ask("bob", react(room, 2))
    reply = desk.ask("bob", react(room, 2, on=on))
    assert (reply.duplicate, reply.seq) == (True, UNSET)
    assert desk.work.empty


def test_a_reaction_is_stored_in_normal_form_and_the_ack_says_so(desk, room):
    desk.ask("ann", send(room))
    request = react(room, 2, "\u2764")
    ack = desk.ask("bob", request)
    assert decode_event(ack.event) == desk.events(room)[-1]
    assert (desk.events(room)[-1].emoji, desk.message(room, 2).reactions) == (
        HEART,
        [ReactionCount(HEART, 1)],
    )
    for again in ("\u2764", HEART, "\u2764\ufe0e"):
        reply = desk.ask("bob", replace(request, emoji=again))
        assert (reply.seq, reply.duplicate, reply.event is UNSET) == (ack.seq, True, again == HEART)
        assert desk.ask("bob", react(room, 2, again)) == WriteOk(duplicate=True)
    assert desk.ask("cat", react(room, 2, HEART)).event is UNSET
    assert desk.message(room, 2).reactions == [ReactionCount(HEART, 2)]


@pytest.mark.parametrize(("emoji", "code"), [("yes", "bad_request"), (":" + "é" * 40 + ":", "too_large")])
@pytest.mark.parametrize("on", [True, False])
def test_what_is_no_emoji_is_refused(desk, room, emoji, code, on):
    desk.ask("ann", send(room))
    assert code_of(desk, "ann", react(room, 2, emoji, on=on)) == code


@pytest.mark.parametrize("emoji", ["\u2764", "yes"])
def test_a_reaction_of_an_earlier_version_can_be_cleared(desk, room, emoji):
    desk.ask("ann", send(room))
    message = desk.message(room, 2)
    message.reactions = [ReactionCount(emoji, 1)]
    desk.messages[room.number, 2] = encode(message)
    desk.reactions.add((room.number, 2, "bob", emoji))
    assert desk.ask("bob", react(room, 2, emoji, on=False)).seq == 3
    assert (desk.message(room, 2).reactions, desk.reactions) == (UNSET, set())


def test_a_message_takes_a_bounded_number_of_different_reactions(desk, room):
    desk.ask("ann", send(room))
    desk.batch([("ann", react(room, 2, f":r{number}:")) for number in range(REACTIONS_MAX)])
    assert code_of(desk, "bob", react(room, 2, ":one-more:")) == "too_large"


@given(
    st.lists(
        st.tuples(st.sampled_from("abcd"), st.sampled_from("👍👎"), st.booleans(), st.booleans()), max_size=20
    )
)
def test_counts_are_the_reactions_that_are_set(steps):
    room = group(a="owner", b="member", c="member", d="member")
    desk = Desk(room)
    desk.ask("a", send(room))
    state, batch = set(), []
    for user, emoji, on, together in steps:
        batch.append((user, react(room, 2, emoji, on=on)))
        (state.add if on else state.discard)((user, emoji))
        if not together:
            desk.batch(batch)
            batch = []
    desk.batch(batch)
    counts = desk.message(room, 2).reactions
    shown = {} if counts is UNSET else {row.emoji: row.count for row in counts}
    assert shown == {e: n for e in "👍👎" if (n := sum(emoji == e for _, emoji in state))}
    assert desk.reactions == {(room.number, 2, user, emoji) for user, emoji in state}


def test_in_a_large_room_a_reaction_is_stored_without_event(room):
    desk = Desk(room, rules=Rules(large_members=3))
    desk.ask("ann", send(room))
    reply = desk.ask("bob", react(room, 2))
    assert (reply.seq, reply.time, reply.duplicate) == (UNSET, desk.now, False)
    assert room.seq == 2
    assert list(desk.work.summarised) == [(room.number, 2)]
    assert desk.message(room, 2).reactions == [ReactionCount("👍", 1)]


def test_the_reactions_of_a_large_room_are_told_in_one_event(room):
    desk = Desk(room, rules=Rules(large_members=3))
    desk.ask("ann", send(room))
    desk.batch([("bob", react(room, 2)), ("cat", react(room, 2)), ("dan", react(room, 2, "👎"))])
    desk.ask("", admin.SummariseReactions(room.name, 2))
    event = desk.events(room)[-1]
    assert (event.kind, event.user, event.target) == ("reactions", UNSET, 2)
    assert event.reactions == [ReactionCount("👍", 2), ReactionCount("👎", 1)]
    assert desk.message(room, 2).changed == event.seq


# --- pin


def test_a_message_is_pinned_and_unpinned(desk, room):
    desk.ask("cat", send(room))
    desk.ask("bob", pin(room, 2))
    assert desk.message(room, 2).pinned is True
    desk.ask("bob", pin(room, 2, on=False))
    assert desk.message(room, 2).pinned is UNSET
    assert [(e.kind, e.target, e.set) for e in desk.events(room)[1:]] == [("pin", 2, True), ("pin", 2, False)]


def test_what_a_recalled_message_bears_can_be_taken_off_but_nothing_put_on_it(desk, room):
    desk.ask("ann", send(room))
    desk.batch([("ann", pin(room, 2)), ("bob", react(room, 2))])
    desk.ask("ann", recall(room, 2))
    desk.batch([("ann", pin(room, 2, on=False)), ("bob", react(room, 2, on=False))])
    message = desk.message(room, 2)
    assert (message.pinned, message.reactions, message.recalled, message.changed) == (
        UNSET,
        UNSET,
        True,
        room.seq,
    )
    assert code_of(desk, "ann", pin(room, 2)) == code_of(desk, "bob", react(room, 2)) == "conflict"


def test_members_do_not_pin_in_groups_but_do_in_direct_rooms(desk, room):
    desk.ask("cat", send(room))
    assert code_of(desk, "cat", pin(room, 2)) == "forbidden"
    other = direct("ann", "bob", 2)
    desk = Desk(other)
    desk.ask("ann", send(other))
    assert desk.ask("bob", pin(other, 2)).seq == 3


@pytest.mark.parametrize("on", [True, False])
def test_a_pin_that_is_there_already_is_a_duplicate(desk, room, on):
    desk.ask("ann", send(room))
    if on:
        desk.ask("ann", pin(room, 2))
    reply = desk.ask("ann", pin(room, 2, on=on))
    assert (reply.duplicate, reply.seq, desk.work.empty) == (True, UNSET, True)


# --- who may, and what is served


@pytest.mark.parametrize(
    "request_", [send, lambda r: edit(r, 2), lambda r: recall(r, 2), lambda r: react(r, 2)]
)
def test_strangers_and_former_members_write_nothing(desk, room, request_):
    desk.ask("cat", send(room))
    desk.ask("cat", RoomLeave(room=room.name, key=key()))
    assert code_of(desk, "cat", request_(room)) == "not_member"
    assert code_of(desk, "eve", request_(room)) == "not_found"


def test_the_stored_event_is_the_numbered_one(desk, room):
    desk.ask("ann", send(room))
    for new in desk.log.values():
        assert decode_event(new.blob).seq == new.event.seq
        assert new.position == room.number << 32 | new.event.seq
