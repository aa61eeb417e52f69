from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from msgspec import UNSET

from chatd.core.accounts import Amend
from chatd.core.contacts import State
from chatd.core.friends import ExpireContacts, Introduction
from chatd.core.read_set import DAY_MS, PeopleRules, Rules
from chatd.core.sections import CONTACTS, ChangedRow
from chatd.core.users import Account
from chatd.protocol.errors import Refused
from chatd.protocol.friends import (
    ContactSet,
    FriendAccept,
    FriendCancel,
    FriendDecline,
    FriendRemove,
    FriendRequest,
)
from chatd.protocol.privacy import Audience, PrivacySet
from tests.kit.memory_writer import MemoryWriter

RULES = PeopleRules(enabled=True, friends_max=3, requests_max=2, inbox_max=2)


@pytest.fixture
def writer():
    return MemoryWriter(rules=Rules(people=RULES))


def ask(writer: MemoryWriter, user: str, other: str, **keys: Any) -> Any:
    return writer.ask(user, FriendRequest(user=other, **keys))


def befriend(writer: MemoryWriter, user: str, *others: str) -> None:
    for other in others:
        ask(writer, user, other)
        writer.ask(other, FriendAccept(user=user))


def states(writer: MemoryWriter, user: str = "ann", other: str = "bob") -> tuple[State, State]:
    return tuple(writer.contacts[pair].state for pair in ((user, other), (other, user)))  # type: ignore[return-value]


def told(writer: MemoryWriter) -> set[str]:
    """Whose phones the last commit told something."""
    return {row.user for row in writer.writes.records_of(ChangedRow) if row.section == CONTACTS}


def code(writer: MemoryWriter, user: str, request: Any) -> tuple[str, str | None]:
    with pytest.raises(Refused) as refused:
        writer.ask(user, request)
    assert writer.writes.empty
    return refused.value.code, refused.value.field


def pass_time(writer: MemoryWriter, days: float) -> None:
    """Let days go by, and what runs out meanwhile run out."""
    writer.now += int(days * DAY_MS)
    due = tuple(pair for pair, contact in writer.contacts.items() if 0 < contact.expires <= writer.now)
    writer.ask("", ExpireContacts(due))


def test_a_request_is_shown_to_both_and_an_answer_makes_them_friends(writer):
    sent = ask(writer, "ann", "bob", note="from the tour", via="search").contact
    assert (sent.state, sent.since, sent.expires_at) == ("sent", writer.now, writer.now + 30 * DAY_MS)
    assert told(writer) == {"ann", "bob"}
    assert writer.contacts["bob", "ann"].note == "from the tour"
    friend = writer.ask("bob", FriendAccept(user="ann", seen=writer.stamp)).contact
    assert (friend.state, friend.since, friend.note, friend.via) == ("friend", writer.now, UNSET, "search")
    assert friend.expires_at is UNSET
    assert (states(writer), told(writer)) == ((State.FRIEND, State.FRIEND), {"ann", "bob"})


def test_crossing_requests_of_one_batch_make_friends(writer):
    replies = writer.batch([("ann", FriendRequest(user="bob")), ("bob", FriendRequest(user="ann"))])
    assert [reply.contact.state for reply in replies] == ["sent", "friend"]  # type: ignore[union-attr]
    assert states(writer) == (State.FRIEND, State.FRIEND)


def test_a_decline_is_told_to_nobody(writer):
    ask(writer, "ann", "bob")
    before = writer.contacts["ann", "bob"]
    gone = writer.ask("bob", FriendDecline(user="ann")).contact
    assert (gone.state, gone.stamp) == ("none", writer.stamp)
    assert told(writer) == {"bob"}
    assert writer.contacts["ann", "bob"] == before
    assert ask(writer, "ann", "bob").duplicate


def test_in_a_quiet_time_requests_are_sent_and_not_heard(writer):
    """Each vain one makes it twice as long, up to 90 days."""
    ask(writer, "ann", "bob")
    writer.ask("bob", FriendDecline(user="ann"))
    lengths = [writer.contacts["bob", "ann"].quiet - writer.now]
    stamp = writer.contacts["bob", "ann"].stamp
    for _ in range(6):
        writer.ask("ann", FriendCancel(user="bob"))
        assert ask(writer, "ann", "bob").contact.state == "sent"
        assert told(writer) == {"ann"}
        lengths.append(writer.contacts["bob", "ann"].quiet - writer.now)
    assert [length // DAY_MS for length in lengths] == [7, 14, 28, 56, 90, 90, 90]
    assert writer.contacts["bob", "ann"].stamp == stamp
    writer.ask("ann", FriendCancel(user="bob"))
    pass_time(writer, 90)
    ask(writer, "ann", "bob")
    assert states(writer) == (State.SENT, State.RECEIVED)


def test_friends_begin_anew_when_they_part(writer):
    """What was refused before does not make the next quiet time longer."""
    ask(writer, "ann", "bob")
    writer.ask("bob", FriendDecline(user="ann"))
    ask(writer, "bob", "ann")
    writer.ask("bob", FriendRemove(user="ann"))
    assert writer.contacts["bob", "ann"].quiet == writer.now + 7 * DAY_MS


@pytest.mark.parametrize("remover", ["ann", "bob"])
def test_who_removes_is_left_in_peace_and_who_was_removed_is_not(writer, remover):
    befriend(writer, "ann", "bob")
    other = {"ann": "bob", "bob": "ann"}[remover]
    writer.ask(remover, FriendRemove(user=other))
    assert told(writer) == {"ann", "bob"}
    ask(writer, other, remover)
    assert states(writer, other, remover) == (State.SENT, State.DECLINED)
    writer.ask(other, FriendCancel(user=remover))
    ask(writer, remover, other)
    assert states(writer, remover, other) == (State.SENT, State.RECEIVED)


def test_a_request_that_nobody_answers_expires_and_begins_a_quiet_time(writer):
    ask(writer, "ann", "bob")
    pass_time(writer, 29.9)
    assert states(writer) == (State.SENT, State.RECEIVED)
    pass_time(writer, 0.1)
    assert states(writer) == (State.NONE, State.NONE)
    assert told(writer) == {"ann", "bob"}
    assert writer.contacts["bob", "ann"].quiet == writer.now + 7 * DAY_MS
    assert writer.contacts["ann", "bob"].quiet == 0


def test_the_time_of_a_request_is_over_only_for_that_request(writer):
    """A request of the job that was overtaken ends nothing that is younger."""
    ask(writer, "ann", "bob")
    writer.now += 30 * DAY_MS
    writer.ask("ann", FriendCancel(user="bob"))
    ask(writer, "ann", "bob")
    writer.ask("", ExpireContacts((("ann", "bob"), ("bob", "ann"), ("ann", "nobody"))))
    assert states(writer) == (State.SENT, State.RECEIVED)


def test_a_block_ends_what_is_pending_and_freezes_a_friendship(writer):
    ask(writer, "ann", "bob")
    ask(writer, "cid", "ann")
    befriend(writer, "ann", "dan")
    for other, is_told in (("bob", True), ("cid", False), ("dan", False)):
        assert writer.ask("ann", ContactSet(user=other, blocked=True)).contact.blocked
        assert (other in told(writer)) == is_told
    assert states(writer, "ann", "bob") == (State.NONE, State.NONE)
    assert states(writer, "ann", "cid") == (State.DECLINED, State.SENT)
    assert states(writer, "ann", "dan") == (State.FRIEND, State.FRIEND)
    assert code(writer, "ann", FriendRequest(user="bob")) == ("blocked", None)
    assert code(writer, "ann", FriendAccept(user="cid")) == ("blocked", None)
    assert code(writer, "bob", FriendRequest(user="ann")) == ("refused", None)
    writer.ask("ann", ContactSet(user="cid", blocked=False))
    writer.ask("ann", FriendAccept(user="cid"))
    assert states(writer, "ann", "cid") == (State.FRIEND, State.FRIEND)


def test_who_does_not_take_it_refuses_in_the_same_words_for_all_reasons(writer):
    writer.ask("bob", ContactSet(user="ann", blocked=True))
    writer.accounts["cid"] = Account("cid", disabled=True)
    writer.unknown.add("dan")
    writer.ask("eve", PrivacySet(rules={"knock": Audience("nobody")}))
    refusals = []
    for other in ("bob", "cid", "dan", "eve"):
        with pytest.raises(Refused) as refused:
            ask(writer, "ann", other)
        refusals.append((refused.value.args, refused.value.field, refused.value.retry_after))
        assert writer.writes.empty
    assert len(set(refusals)) == 1
    assert refusals[0][0][0] == "refused"


def test_closing_an_account_ends_what_is_pending_as_a_block_does(writer):
    ask(writer, "ann", "bob")
    ask(writer, "cid", "ann")
    befriend(writer, "ann", "dan")
    writer.ask("ann", Amend(disabled=True))
    assert states(writer, "ann", "bob") == (State.NONE, State.NONE)
    assert states(writer, "ann", "cid") == (State.DECLINED, State.SENT)
    assert states(writer, "ann", "dan") == (State.FRIEND, State.FRIEND)
    assert told(writer) == {"ann", "bob"}
    assert ask(writer, "cid", "ann").duplicate


def test_as_many_requests_wait_as_a_user_may_send(writer):
    ask(writer, "ann", "bob")
    ask(writer, "ann", "cid")
    assert code(writer, "ann", FriendRequest(user="dan")) == ("too_large", "user")
    writer.ask("ann", FriendCancel(user="bob"))
    ask(writer, "ann", "dan")


def test_a_full_list_of_requests_takes_those_with_something_in_common_for_the_oldest_without(writer):
    for number, user in enumerate(("cid", "dan")):
        writer.now += number
        ask(writer, user, "bob")
    ask(writer, "eve", "bob")
    assert states(writer, "eve", "bob") == (State.SENT, State.DECLINED)
    writer.introduction = Introduction(know=True, share_room=False)
    for user, pushed_out in (("fay", "cid"), ("gus", "dan")):
        ask(writer, user, "bob")
        assert states(writer, user, "bob") == (State.SENT, State.RECEIVED)
        assert states(writer, pushed_out, "bob") == (State.SENT, State.DECLINED)
        assert told(writer) == {user, "bob"}
    ask(writer, "hal", "bob")
    assert states(writer, "hal", "bob") == (State.SENT, State.DECLINED)


def test_in_one_batch_no_more_are_taken_than_there_is_room_for(writer):
    users = ["cid", "dan", "eve", "fay"]
    writer.batch([(user, FriendRequest(user="bob")) for user in users])
    assert [writer.contacts["bob", user].state for user in users] == [State.RECEIVED] * 2 + [
        State.DECLINED
    ] * 2


@pytest.mark.parametrize(("full", "answer"), [("bob", ("too_large", "user")), ("ann", ("refused", None))])
def test_nobody_has_more_friends_than_they_may(writer, full, answer):
    befriend(writer, full, "cid", "dan", "eve")
    ask(writer, "ann", "bob")
    for request in (FriendAccept(user="ann"), FriendRequest(user="ann")):
        assert code(writer, "bob", request) == answer
    writer.ask(full, FriendRemove(user="cid"))
    writer.ask("bob", FriendAccept(user="ann"))


def test_the_room_of_a_request_is_kept_only_when_both_are_in_it(writer):
    for share_room, kept in ((False, UNSET), (True, "group:g4fKz81QwXe2")):
        writer.introduction = Introduction(know=False, share_room=share_room)
        assert ask(writer, "ann", f"bob{share_room}", via="group:g4fKz81QwXe2").contact.via == kept


def test_a_late_retry_does_nothing_twice(writer):
    """The state as asked is a duplicate; a contact that moved on meanwhile is left as it is."""
    first = FriendRequest(user="bob", seen=0)
    ask(writer, "ann", "bob", seen=0)
    assert writer.ask("ann", first).duplicate
    accepted = FriendAccept(user="ann", seen=writer.stamp)
    writer.ask("bob", accepted)
    assert writer.ask("bob", accepted).duplicate
    removed = FriendRemove(user="bob", seen=writer.stamp)
    writer.ask("ann", removed)
    befriend(writer, "bob", "ann")
    assert code(writer, "ann", removed) == ("conflict", "seen")
    assert code(writer, "ann", ContactSet(user="bob", remark="Rob", seen=0)) == ("conflict", "seen")


def test_a_contact_is_another_user(writer):
    for request in (FriendRequest(user="ann"), ContactSet(user="ann", remark="me")):
        assert code(writer, "ann", request) == ("bad_request", "user")


def test_what_the_host_keeps_is_not_for_clients(writer):
    writer.rules = Rules(people=replace(RULES, host_owns=frozenset({"friends", "blocks", "follows"})))
    for request in (
        FriendRequest(user="bob"),
        FriendAccept(user="bob"),
        FriendDecline(user="bob"),
        FriendCancel(user="bob"),
        FriendRemove(user="bob"),
        ContactSet(user="bob", blocked=True),
        ContactSet(user="bob", following=True),
    ):
        assert code(writer, "ann", request) == ("not_supported", None)
    writer.ask("ann", ContactSet(user="bob", remark="Rob"))


def test_stamps_of_a_contact_only_rise(writer):
    stamps = [ask(writer, "ann", "bob").contact.stamp]
    for request in (FriendCancel(user="bob"), FriendRequest(user="bob"), FriendCancel(user="bob")):
        stamps.append(writer.ask("ann", request).contact.stamp)
    assert all(earlier < later for earlier, later in pairwise(stamps))
