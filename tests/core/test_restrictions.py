"""Restrictions: what each keeps a user from, and that they end by the clock alone."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatd.commands.table import COMMANDS
from chatd.core.accounts import Amend
from chatd.core.entering import SetMembers
from chatd.core.restrictions import SAYS, Restrict, banned, check_spoken, in_force, is_banned, is_paced
from chatd.core.users import FOR_EVER, Restriction
from chatd.protocol.drafts import Schedule
from chatd.protocol.errors import Refused
from chatd.protocol.friends import FriendAccept, FriendCancel, FriendDecline, FriendRemove
from chatd.protocol.groups import MembersSilence, MembersUnban
from chatd.protocol.history import Log
from chatd.protocol.joining import InvitesRevoke, InvitesUse, JoinsDecide
from chatd.protocol.members import MembersAdd, MembersRemove, MembersRole, RoomJoin, RoomLeave
from chatd.protocol.messages import Body, Edit, Forward, React, Recall, Send, SentBody
from chatd.protocol.presence import Typing
from chatd.protocol.read_state import Read
from chatd.protocol.rooms import RoomCreate, RoomDelete, RoomDirect
from tests.kit.memory_writer import MemoryWriter, group

ROOM, KEY = "g00000000001", "key-00000001"
BODY = Body(text="hi")
SAID = [
    Send(room=ROOM, key=KEY, body=BODY),
    Forward(room=ROOM, key=KEY, from_=ROOM, seqs=[1]),
    Edit(room=ROOM, key=KEY, target=1, body=BODY),
    React(room=ROOM, key=KEY, target=1, emoji="👍", set=True),
    Typing(room=ROOM),
    RoomCreate(key=KEY, kind="group", title="t"),
]
QUIET = [
    Recall(room=ROOM, key=KEY, target=1),
    React(room=ROOM, key=KEY, target=1, emoji="👍", set=False),
    Read(room=ROOM, seq=1),
    RoomLeave(room=ROOM, key=KEY),
    Log(room=ROOM, from_=1),
]
CANCELLED = Schedule(room=ROOM, key=KEY)
QUIET += [CANCELLED, Schedule(room=ROOM, key=KEY, body=SentBody(text="x"))]
DAY = 86_400_000
times = st.integers(2, 10 * DAY)


def refusal(restriction: Restriction, request: Any, now: int) -> Refused | None:
    try:
        check_spoken(restriction, request, now)
    except Refused as refused:
        return refused
    return None


@given(st.sampled_from(["ban", "mute", "limit"]), st.one_of(st.just(FOR_EVER), times), times, st.data())
def test_a_restriction_holds_until_its_end_and_not_a_millisecond_longer(
    what: Any, until: int, now: int, data: st.DataObject
) -> None:
    restriction = Restriction(what, until)
    request = data.draw(st.sampled_from([*SAID, *QUIET]))
    holds = until == FOR_EVER or now < until
    refused = refusal(restriction, request, now)
    expected = {"ban": "forbidden", "mute": "muted" if request in SAID else None, "limit": None}[what]
    assert (refused.code if refused else None) == (expected if holds else None)
    assert is_banned(restriction, now) == (holds and what == "ban")
    is_message = isinstance(request, Send | Forward | Schedule) and request != CANCELLED
    assert is_paced(restriction, request, now) == (holds and what == "limit" and is_message)
    assert in_force(restriction, now) == (restriction if holds else None)
    if refused is not None and what == "mute":
        # Who waits as they are told is not told to wait again, unless for more than a day.
        wait = refused.retry_after
        assert wait == (DAY if until == FOR_EVER else min(until - now, DAY))
        assert refused.scope == "user"
        assert refusal(restriction, request, now + wait) is None or wait == DAY


def test_who_is_limited_forwards_one_message_at_a_time() -> None:
    many = Forward(room=ROOM, key=KEY, from_=ROOM, seqs=[1, 2])
    assert refusal(Restriction("limit", FOR_EVER), many, 5).code == "rejected"
    assert refusal(Restriction("limit", 5), many, 5) is None


def test_every_request_that_others_see_something_of_is_said_or_known_to_be_quiet() -> None:
    """A new request is decided on here: whether it gets past a mute."""
    quiet = {
        Recall, RoomDirect, RoomDelete, RoomJoin, RoomLeave, MembersRemove, MembersRole, MembersUnban, MembersSilence,
        InvitesRevoke, InvitesUse, JoinsDecide, Schedule,
        FriendAccept, FriendDecline, FriendCancel, FriendRemove,
    }  # fmt: skip
    shown = {kind for kind, command in COMMANDS.items() if command.allow in ("send", "create")}
    assert shown == {*SAYS} | quiet


def test_a_ban_says_when_it_ends_if_it_does() -> None:
    assert banned(Restriction("ban", 5_000), 2_000).retry_after == 3_000
    assert banned(Restriction("ban", FOR_EVER), 2_000).retry_after is None


@pytest.mark.parametrize(
    "asked",
    [
        RoomDirect(user="bob"),
        RoomCreate(key=KEY, kind="group", title="t", users=["bob"]),
        MembersAdd(room=ROOM, key=KEY, users=["carl"]),
        SetMembers(room=ROOM, key=KEY, users=["carl"]),
    ],
)
@pytest.mark.parametrize("what", ["limit", "mute"])
def test_who_is_limited_or_muted_draws_nobody_into_a_conversation_until_it_ends(
    what: Any, asked: Any
) -> None:
    writer = MemoryWriter(group(ann="owner", bob="member"))
    writer.ask("ann", Restrict(Restriction(what, writer.now + 1_000)))
    with pytest.raises(Refused) as refused:
        writer.ask("ann", asked)
    said = (refused.value.code, refused.value.reason or refused.value.scope)
    assert said == {"limit": ("rejected", "limited"), "mute": ("muted", "user")}[what]
    writer.now += 1_000
    writer.ask("ann", asked)


def test_a_direct_room_that_is_there_stays_open_to_who_is_limited() -> None:
    writer = MemoryWriter()
    opened = writer.ask("ann", RoomDirect(user="bob"))
    writer.ask("ann", Restrict(Restriction("limit", FOR_EVER)))
    assert writer.ask("ann", RoomDirect(user="bob")).summary.room == opened.summary.room


def test_a_restriction_and_the_rest_of_an_account_leave_each_other_alone() -> None:
    writer = MemoryWriter()
    mute = Restriction("mute", FOR_EVER, "spam")
    writer.ask("ann", Amend(name="Ann"))
    writer.ask("ann", Restrict(mute))
    writer.ask("ann", Amend(name="Anna"))
    account = writer.accounts["ann"]
    assert (account.name, account.restriction) == ("Anna", mute)
    writer.ask("ann", Restrict(None))
    assert writer.accounts["ann"].restriction is None
