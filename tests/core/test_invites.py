"""Invites (core/invites.py)."""

from dataclasses import replace

import pytest
from msgspec import structs

from chatd.core.invites import IssuedInvite
from chatd.core.read_set import Rules
from chatd.core.sections import JOINS
from chatd.protocol.codec import decode_tree
from chatd.protocol.errors import ChatError
from chatd.protocol.joining import InvitesCreate, InvitesLook, InvitesRevoke
from tests.kit.entering import (
    ASK,
    EVE,
    invite_of,
    lets,
    room_of,
    use,
    writer_of,
)
from tests.kit.env import START_MS
from tests.kit.group_requests import add, key, leave
from tests.kit.memory_writer import MemoryWriter

WORKING = IssuedInvite("i" * 22, "", 1, "bob", None, START_MS, START_MS + 1000)


@pytest.mark.parametrize(
    ("why", "change"),
    {
        "revoked": {"revoked": True},
        "ended": {"expires_at": START_MS},
        "used up": {"uses": 3, "uses_max": 3},
        "made by a plain member": {"user": "cat"},
        "made by nobody here": {"user": "zoe"},
    }.items(),
)
def test_every_reason_why_an_invite_does_not_work_is_not_found(why, change):
    room = room_of()
    writer = writer_of(room)
    working = replace(WORKING, room=room.name)
    for invite, code in ((working, None), (replace(working, **change), "not_found")):
        writer.invites = {invite.invite: invite}
        for request in (InvitesLook(invite=invite.invite), use(invite.invite)):
            reply, *_ = writer.decide([(EVE, request)])
            assert (reply.code if isinstance(reply, ChatError) else None) == code, why
            writer.writes.rollback()
    writer.invites = {working.invite: working}
    room.deleted_by = "ann"
    refused, unknown = writer.decide([(EVE, use(working.invite)), (EVE, use("x" * 22))])
    assert str(refused) == str(unknown)


@pytest.mark.parametrize(
    ("policy", "by", "approve", "asks"),
    [
        ({}, "bob", False, False),
        ({}, "bob", True, True),
        # The rule is about those who are let in by plain members.
        ({"approve": True}, "bob", False, False),
        ({"approve": True, "invite": "member"}, "cat", False, True),
        # Who has an invite does not ask.
        ({"join": "request"}, "bob", False, False),
    ],
)
def test_the_card_of_an_invite_says_whether_an_admin_decides(policy, by, approve, asks):
    room = room_of(**policy)
    writer = writer_of(room)
    invite = invite_of(writer, room, by, approve=approve)
    assert writer.ask(EVE, InvitesLook(invite=invite)).card.approve is asks
    assert writer.ask(EVE, use(invite)).requested is asks


def test_the_card_of_an_offer_says_whether_an_admin_decides():
    for by, asks in (("bob", False), ("cat", True)):
        room = room_of(approve=True, invite="member")
        writer = writer_of(room)
        lets(writer, EVE, ASK)
        assert writer.ask(by, add(room, EVE)).offered == [EVE]
        row = decode_tree(writer.rows[EVE, JOINS, room.name].value)
        assert row["card"].get("approve", False) is asks


def test_uses_never_return_and_a_key_uses_one():
    room = room_of()
    writer = writer_of(room)
    invite = invite_of(writer, room, uses_max=2)
    first = use(invite)
    reply = writer.ask(EVE, first)
    assert (reply.summary.room, reply.duplicate) == (room.name, False)
    again = writer.ask(EVE, first)
    assert (again.seq, again.duplicate, again.summary.room) == (reply.seq, True, room.name)
    assert writer.ask(EVE, use(invite)).duplicate
    writer.ask(EVE, leave(room))
    assert writer.ask(EVE, first).duplicate
    assert EVE not in room.members
    assert writer.invites[invite].uses == 1
    writer.ask(EVE, use(invite))
    assert writer.invites[invite].uses == 2
    (refused,) = writer.batch([("dan", use(invite))])
    assert refused.code == "not_found"


def test_the_last_use_is_given_once():
    room = room_of()
    writer = writer_of(room)
    invite = invite_of(writer, room, uses_max=1)
    replies = writer.batch([(f"u{number}", use(invite)) for number in range(20)])
    assert sum(not isinstance(reply, ChatError) for reply in replies) == 1
    assert room.size == 4


def test_a_full_group_says_so_to_who_has_an_invite():
    room = room_of()
    writer = MemoryWriter(room, rules=Rules(group_members=3))
    invite = invite_of(writer, room)
    (refused,) = writer.batch([(EVE, use(invite))])
    assert refused.code == "room_full"
    assert writer.invites[invite].uses == 0


def test_a_revocation_takes_one_or_those_of_a_maker_or_all():
    room = room_of(invite="member")
    writer = writer_of(room)
    made = {by: [invite_of(writer, room, by) for _ in range(2)] for by in ("ann", "bob", "cat")}

    def working():
        return {name for name, invite in writer.invites.items() if not invite.revoked}

    def revoke(user, **keys):
        return writer.ask(user, InvitesRevoke(room=room.name, key=key(), **keys))

    # A plain member sees none but their own.
    assert revoke("cat", invite=made["ann"][0]).duplicate
    revoke("cat", invite=made["cat"][0])
    assert working() == {*made["ann"], *made["bob"], made["cat"][1]}
    revoke("bob", by="ann")
    assert working() == {*made["bob"], made["cat"][1]}
    revoke("bob")
    assert working() == set()
    assert revoke("bob").duplicate


def test_invites_are_bounded_and_made_once_for_a_key():
    room = room_of()
    writer = writer_of(room, invites_max=2)
    request = InvitesCreate(room=room.name, key=key(), uses_max=3, label="flyer")
    first, again = writer.ask("bob", request), writer.ask("bob", request)
    assert (again.invite, again.duplicate) == (first.invite, True)
    (other,) = writer.batch([("bob", structs.replace(request, uses_max=4))])
    assert other.code == "conflict"
    invite_of(writer, room)
    (refused,) = writer.batch([("bob", InvitesCreate(room=room.name, key=key()))])
    assert (refused.code, refused.field) == ("too_large", "room")
    # Of those that are over no more rows are looked at again.
    writer.now += 8 * 86_400_000
    writer.ask("bob", InvitesCreate(room=room.name, key=key(), expires_at=writer.now + 1))
    writer.now += 1
    writer.ask("bob", InvitesCreate(room=room.name, key=key(), expires_at=writer.now + 1000))
    assert [one.expires_at - writer.now for one in writer.invites.values() if not one.revoked] == [1000]
    assert writer.ask("bob", request).duplicate
    for bad, code in ((START_MS, "bad_request"), (START_MS + 400 * 86_400_000, "too_large")):
        (refused,) = writer.batch([("bob", InvitesCreate(room=room.name, key=key(), expires_at=bad))])
        assert (refused.code, refused.field) == (code, "expires_at")
