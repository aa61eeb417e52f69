import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from chatd.core.admin import Notify
from chatd.core.room import Room
from chatd.core.write_set import NewEvent
from chatd.delivery.fanout import parts
from chatd.ports import Claims
from chatd.protocol.objects import Body, Event
from chatd.protocol.requests import MembersAdd, MembersRemove, Read, RoomDelete, RoomLeave, Send
from chatd.writer.writer import Submission
from tests.kit.indoors import Indoors, device_of, indoors, new_key


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[Indoors]:
    async with indoors(tmp_path, rates={"enabled": False}) as house:
        yield house


@pytest.fixture
async def distant(tmp_path: Path) -> AsyncIterator[Indoors]:
    """Groups above two members are at level head."""
    async with indoors(tmp_path, rates={"enabled": False}, delivery={"full_members": 2}) as house:
        yield house


@pytest.fixture
async def ann(house):
    return await house.meets("ann")


@pytest.fixture
async def bob(house):
    return await house.meets("bob")


def send(room, **keys):
    return {"type": "send", "room": room, "key": new_key(), "body": {"text": "x"}, **keys}


def text(request):
    return Body(text=request)


class Together:
    """Submits several things that end up in one batch."""

    def __init__(self, house):
        self.house = house
        self.asked = []

    async def __aenter__(self):
        self.hold = self.house.store.hold("commit")
        self.first = asyncio.ensure_future(
            self.house.inside.writer.carry("zoe", Send(room=self.elsewhere, key=new_key(), body=text("x")))
        )
        await self.hold.reached.wait()
        return self

    async def __aexit__(self, *failure):
        self.hold.release()
        await self.first
        await self.house.quiet()

    @classmethod
    async def of(cls, house):
        """Ready to be entered: a room elsewhere keeps the writer busy meanwhile."""
        one = cls(house)
        zoe = await house.meets("zoe")
        one.elsewhere = await zoe.makes_group()
        return one

    def asks(self, user, request):
        self.house.inside.writer.submit(Submission(user, request))


def seen(guest, room):
    """(what, seq) of acks, events, room and gone pushes, in the order they came; acks by their seq."""
    found = []
    for packet in guest.hears():
        if packet["type"] == "event" and packet["room"] == room:
            found += [("event", event["seq"]) for event in packet["events"]]
        elif packet["type"] == "ok" and "seq" in packet:
            found.append(("ack", packet["seq"]))
        elif packet["type"] == "gone" or (packet["type"] == "room" and packet["summary"]["room"] == room):
            found.append((packet["type"], None))
    return found


# --- one encoding for all


async def test_all_members_of_an_encoding_get_the_same_bytes_object(house, ann):
    room = await ann.makes_group("bob", "cat", "dan")
    guests = [await house.meets(user) for user in ("bob", "cat", "dan")]
    await ann.sends(room)
    assert len({id(guest.wire.frames[-1]) for guest in guests}) == 1


async def test_an_event_goes_to_every_connection_of_every_member_but_the_asking_one(house, ann, bob):
    room = await ann.makes_group("bob")
    other, eve = await house.meets("ann", device=2), await house.meets("eve")
    ann.wire.take()
    bob.wire.take()
    await ann.sends(room)
    assert seen(ann, room) == [("ack", 2)]
    assert seen(other, room) == seen(bob, room) == [("event", 2)]
    assert eve.hears() == []


async def test_events_of_a_room_in_one_batch_are_one_push(house, ann, bob):
    room = await ann.makes_group("bob")
    bob.wire.take()
    ann.says(*({"id": 100 + n, **send(room)} for n in range(5)))
    await house.quiet()
    (push,) = bob.hears()
    assert [event["seq"] for event in push["events"]] == [2, 3, 4, 5, 6]
    assert len(bob.wire.frames[-1]) > 5 * 20


async def test_the_acknowledgement_stands_where_the_event_would(house, ann, bob):
    room = await ann.makes_group("bob")
    async with await Together.of(house):
        for guest in (ann, bob, ann, bob, bob, ann):
            guest.says({"id": 1000 + len(guest.wire.packets), **send(room)})
        ann.wire.take()
        bob.wire.take()
    assert seen(ann, room) == [("ack", 2), ("event", 3), ("ack", 4), ("event", 5), ("event", 6), ("ack", 7)]
    assert seen(bob, room) == [("event", 2), ("ack", 3), ("event", 4), ("ack", 5), ("ack", 6), ("event", 7)]


async def test_who_hears_several_frames_of_a_batch_hears_them_in_one_write(house, ann, bob):
    room = await ann.makes_group("bob")
    async with await Together.of(house):
        for guest in (ann, bob, ann):
            guest.says({"id": 1000 + len(guest.wire.packets), **send(room)})
        ann.wire.frames.clear()
    assert seen(ann, room)[-3:] == [("ack", 2), ("event", 3), ("ack", 4)]
    assert len(ann.wire.frames) == 1


async def test_a_large_batch_is_cut_into_frames(tmp_path):
    async with indoors(tmp_path, rates={"enabled": False}, limits={"server_frame_bytes": 65536}) as house:
        ann, bob = await house.meets("ann"), await house.meets("bob")
        room = await ann.makes_group("bob")
        bob.wire.take()
        async with await Together.of(house) as together:
            for _ in range(12):
                together.asks("ann", Send(room=room, key=new_key(), body=text("x" * 16_000)))
        pushes = bob.hears()
        assert [event["seq"] for push in pushes for event in push["events"]] == list(range(2, 14))
        assert len(pushes) > 1
        assert max(map(len, bob.wire.frames)) <= 65536
        assert max(map(len, ann.wire.frames)) <= 65536


def test_a_run_is_cut_where_a_frame_is_full():
    room = Room(1, "g00000000001", "group", "ann", 0)
    run = [
        NewEvent(room, Event(seq=n, kind="message"), b"x" * size) for n, size in enumerate((4, 4, 4, 20, 1))
    ]
    assert [[len(new.blob) for new in part] for part in parts(run, 8)] == [[4, 4], [4], [20], [1]]
    assert list(parts([], 8)) == []


async def test_a_notice_has_no_author_to_acknowledge(house, ann, bob):
    room = await ann.makes_group("bob")
    ann.wire.take()
    bob.wire.take()
    await house.inside.writer.carry("", Notify(room, text("x")))
    assert seen(ann, room) == seen(bob, room) == [("event", 2)]


async def test_an_author_who_hung_up_disturbs_nobody(house, ann, bob):
    room = await ann.makes_group("bob")
    bob.wire.take()
    async with await Together.of(house):
        ann.says(send(room))
        ann.hangs_up(1006)
    assert seen(bob, room) == [("event", 2)]


# --- members come and go in the middle of a batch


async def test_who_is_added_in_a_batch_hears_from_there_on(house, ann, bob):
    room = await ann.makes_group()
    async with await Together.of(house) as together:
        together.asks("ann", Send(room=room, key=new_key(), body=text("before")))
        together.asks("ann", MembersAdd(room=room, key=new_key(), users=["bob"]))
        together.asks("ann", Send(room=room, key=new_key(), body=text("after")))
    assert seen(bob, room) == [("room", None), ("event", 3), ("event", 4)]


async def test_who_is_removed_in_a_batch_hears_nothing_from_there_on(house, ann, bob):
    room = await ann.makes_group("bob")
    bob.wire.take()
    ann.wire.take()
    async with await Together.of(house) as together:
        together.asks("ann", Send(room=room, key=new_key(), body=text("before")))
        together.asks("ann", MembersRemove(room=room, key=new_key(), users=["bob"]))
        together.asks("ann", Send(room=room, key=new_key(), body=text("after")))
    assert seen(bob, room) == [("event", 2), ("gone", None)]
    assert seen(ann, room) == [("event", 2), ("event", 3), ("event", 4)]
    await ann.sends(room)
    house.env.advance(5)
    assert bob.hears() == []


async def test_who_is_added_and_removed_in_a_batch_hears_that_it_is_gone(house, ann, bob):
    room = await ann.makes_group()
    async with await Together.of(house) as together:
        together.asks("ann", MembersAdd(room=room, key=new_key(), users=["bob"]))
        together.asks("ann", Send(room=room, key=new_key(), body=text("between")))
        together.asks("ann", MembersRemove(room=room, key=new_key(), users=["bob"]))
        together.asks("ann", Send(room=room, key=new_key(), body=text("after")))
    assert not any(packet["type"] == "event" for packet in bob.wire.packets)
    assert seen(bob, room)[-1] == ("gone", None)
    assert not bob.session.rooms


async def test_who_leaves_hears_gone_and_the_acknowledgement(house, ann, bob):
    room = await ann.makes_group("bob")
    second = await house.meets("bob", device=2)
    bob.wire.take()
    reply = await bob.asks(type="room.leave", room=room, key=new_key())
    assert seen(bob, room) == [("gone", None), ("ack", reply["seq"])]
    assert second.hears() == [{"type": "gone", "room": room, "reason": "left"}]


async def test_a_deleted_room_is_gone_for_everybody(house, ann, bob):
    room = await ann.makes_group("bob", "cat")
    bob.wire.take()
    await house.inside.writer.carry("ann", RoomDelete(room=room, key=new_key()))
    for guest in (ann, bob):
        assert guest.hears("gone") == [{"type": "gone", "room": room, "reason": "deleted"}]
    assert not any(audience.name == room for audience in house.inside.live.audiences.values())


async def test_who_joined_later_gets_the_head_instead_of_an_edit_of_what_he_may_not_see(house, ann, bob):
    room = await ann.makes_group("bob")
    await ann.sends(room)
    await ann.asks(type="members.add", room=room, key=new_key(), users=["cat"])
    cat = await house.meets("cat")
    bob.wire.take()
    await ann.asks(type="edit", room=room, key=new_key(), target=2, body={"text": "secret"})
    assert [packet["type"] for packet in bob.hears()] == ["event"]
    assert cat.hears() == [{"type": "head", "rooms": [{"room": room, "seq": 4, "ordinal": 1}]}]
    assert not any(b"secret" in frame for frame in cat.wire.frames)
    await ann.sends(room)
    assert seen(cat, room) == [("event", 5)]


# --- levels


async def group_of_four(house):
    ann = await house.meets("ann")
    room = await ann.makes_group("bob", "cat", "dan")
    bob = await house.meets("bob")
    await house.passes(2)  # the head of its creation is out
    ann.wire.take()
    bob.wire.take()
    return ann, bob, room


async def test_at_level_head_only_the_head_is_told(distant):
    ann, bob, room = await group_of_four(distant)
    await ann.sends(room)
    assert bob.hears() == [{"type": "head", "rooms": [{"room": room, "seq": 2, "ordinal": 1}]}]


async def test_the_author_gets_the_acknowledgement_and_his_other_devices_the_event(distant):
    ann, _, room = await group_of_four(distant)
    other = await distant.meets("ann", device=2)
    reply = await ann.sends(room)
    assert reply["seq"] == 2
    assert [packet["type"] for packet in other.hears()] == ["event", "head"]


async def test_a_mention_is_told_in_full_at_any_level(distant):
    ann, bob, room = await group_of_four(distant)
    cat = await distant.meets("cat")
    await ann.asks(type="send", room=room, key=new_key(), body={"text": "x", "mentions": ["bob"]})
    assert bob.hears("event")[0]["events"][0]["seq"] == 2
    assert cat.hears("event") == []


async def test_a_mention_of_everybody_is_none_in_a_room_at_level_head(distant):
    ann, bob, room = await group_of_four(distant)
    await ann.asks(type="send", room=room, key=new_key(), body={"text": "x", "mentions": ["*"]})
    assert bob.hears("event") == []
    assert bob.hears("head") == []


async def test_a_focused_room_is_told_in_full(distant):
    ann, bob, room = await group_of_four(distant)
    await bob.asks(type="focus", rooms=[room])
    bob.wire.take()
    await ann.sends(room)
    assert [packet["type"] for packet in bob.hears()] == ["event"]
    await bob.asks(type="focus", rooms=[])
    distant.env.advance(2)
    bob.wire.take()
    await ann.sends(room)
    assert [packet["type"] for packet in bob.hears()] == ["head"]


async def test_a_sleeping_phone_hears_nothing_of_a_muted_room_but_its_name(house, ann):
    room = await ann.makes_group("bob")
    bob = await house.meets("bob", mode="background")
    await bob.asks(type="preferences", room=room, muted_until=1)
    bob.wire.take()
    await ann.sends(room)
    assert bob.hears() == []
    await ann.asks(type="send", room=room, key=new_key(), body={"text": "x", "mentions": ["bob"]})
    assert seen(bob, room) == [("event", 3)]


async def test_a_mention_of_everybody_reaches_a_sleeping_phone_in_a_small_room(house, ann):
    room = await ann.makes_group("bob")
    bob = await house.meets("bob", mode="background")
    await bob.asks(type="preferences", room=room, muted_until=1)
    bob.wire.take()
    await ann.asks(type="send", room=room, key=new_key(), body={"text": "x", "mentions": ["*"]})
    assert seen(bob, room) == [("event", 2)]


async def test_a_group_that_grows_beyond_the_mark_goes_to_level_head_and_back(distant):
    ann = await distant.meets("ann")
    room = await ann.makes_group("bob")
    bob = await distant.meets("bob")
    await ann.asks(type="members.add", room=room, key=new_key(), users=["cat"])
    distant.env.advance(2)
    bob.wire.take()
    await ann.sends(room)
    assert [packet["type"] for packet in bob.hears()] == ["head"]
    await ann.asks(type="members.remove", room=room, key=new_key(), users=["cat"])
    bob.wire.take()
    await ann.sends(room)
    assert [packet["type"] for packet in bob.hears()] == ["event"]


@pytest.mark.parametrize("full_members", [2, 500])
async def test_numbers_on_one_connection_never_go_down(tmp_path, full_members):
    async with indoors(tmp_path, rates={"enabled": False}, delivery={"full_members": full_members}) as house:
        guests = [await house.meets(user) for user in ("ann", "bob", "cat")]
        room = await guests[0].makes_group("bob", "cat")
        for guest in guests:
            guest.wire.take()
        for round_ in range(6):
            for number, guest in enumerate(guests):
                mentions = ["cat"] if number == 1 else []
                guest.says({"id": 5000 + round_, **send(room, body={"text": "x", "mentions": mentions})})
            if round_ % 2:
                await house.passes(0.6)
        await house.passes(3)
        for guest in guests:
            numbers = []
            for packet in guest.hears():
                if packet["type"] == "event":
                    numbers += [event["seq"] for event in packet["events"]]
                elif packet["type"] == "head":
                    numbers.append(packet["rooms"][0]["seq"])
                elif packet["type"] == "ok":
                    numbers.append(packet["seq"])
            assert numbers == sorted(numbers)
            assert numbers[-1] == 19


# --- positions, typing, accounts


@pytest.mark.parametrize("level", ["full", "head"])
async def test_no_counter_is_older_than_what_was_told_before_it(tmp_path, level):
    """What is asked before a message is answered behind it when one commit holds both."""
    async with indoors(
        tmp_path, rates={"enabled": False}, delivery={"full_members": 500 if level == "full" else 2}
    ) as house:
        ann, bob = await house.meets("ann"), await house.meets("bob")
        group = await ann.makes_group("bob", "cat")
        direct = (await ann.asks(type="room.direct", user="bob"))["summary"]["room"]
        for room in (group, direct):
            await ann.sends(room)
        bob.wire.take()
        questions = [
            {"type": "read", "room": group, "seq": 1},
            {"type": "room.direct", "user": "ann"},
            {"type": "room.get", "room": group},
        ]
        async with await Together.of(house) as together:
            bob.says(*({"id": 900 + number, **asked} for number, asked in enumerate(questions)))
            for room in (group, direct, group):
                together.asks("ann", Send(room=room, key=new_key(), body=text("x")))
        answers = {900 + number: bob.reply(900 + number) for number in range(len(questions))}
        assert (answers[900]["unread"], answers[900]["ordinal"]) == (3, 3)
        for id, ordinal in ((901, 2), (902, 3)):
            summary = answers[id]["summary"]
            assert (summary["unread"], summary["ordinal"]) == (ordinal, ordinal)


async def test_who_was_put_out_by_the_same_commit_is_not_shown_the_room(house, ann, bob):
    room = await ann.makes_group("bob")
    async with await Together.of(house) as together:
        bob.says(
            {"type": "room.get", "id": 900, "room": room}, {"type": "read", "id": 901, "room": room, "seq": 1}
        )
        together.asks("ann", MembersRemove(room=room, key=new_key(), users=["bob"]))
        together.asks("ann", Send(room=room, key=new_key(), body=text("x")))
    assert [bob.reply(id)["code"] for id in (900, 901)] == ["not_member", "not_member"]


async def test_who_left_and_came_back_is_told_the_counters_of_the_new_place(house, ann, bob):
    room = await ann.makes_group("bob")
    await ann.sends(room)
    async with await Together.of(house) as together:
        bob.says({"type": "read", "id": 900, "room": room, "seq": 1})
        together.asks("ann", MembersRemove(room=room, key=new_key(), users=["bob"]))
        together.asks("ann", MembersAdd(room=room, key=new_key(), users=["bob"]))
        together.asks("ann", Send(room=room, key=new_key(), body=text("x")))
    assert (bob.reply(900)["read"], bob.reply(900)["unread"]) == (3, 1)


async def test_a_position_says_which_message_it_counts_last(house, ann, bob):
    room = await ann.makes_group("bob")
    await ann.sends(room)
    other = await house.meets("bob", device=2)
    async with await Together.of(house) as together:
        together.asks("bob", Read(room=room, seq=2))
        together.asks("ann", Send(room=room, key=new_key(), body=text("x")))
    assert [packet["type"] for packet in other.hears()] == ["event", "position"]
    assert other.wire.packets[-1] == {
        "type": "position", "room": room, "read": 2, "unread": 1, "unread_mentions": 0, "ordinal": 2
    }  # fmt: skip


async def test_a_moved_read_position_is_told_to_the_other_devices(house, ann, bob):
    room = await ann.makes_group("bob")
    await ann.sends(room)
    other = await house.meets("bob", device=2)
    bob.wire.take()
    await bob.asks(type="read", room=room, seq=2)
    assert other.hears() == [
        {"type": "position", "room": room, "read": 2, "unread": 0, "unread_mentions": 0, "ordinal": 1}
    ]
    assert [packet["type"] for packet in bob.hears()] == ["ok"]


async def test_a_lower_position_without_id_is_answered_to_who_asked(house, ann, bob):
    room = await ann.makes_group("bob")
    await ann.sends(room)
    other = await house.meets("bob", device=2)
    await bob.asks(type="read", room=room, seq=2)
    bob.wire.take()
    other.wire.take()
    bob.says({"type": "read", "room": room, "seq": 1})
    await house.quiet()
    assert bob.hears() == [
        {"type": "position", "room": room, "read": 2, "unread": 0, "unread_mentions": 0, "ordinal": 1}
    ]
    assert other.hears() == []


async def test_typing_is_told_to_those_who_look_and_are_awake(house, ann, bob):
    room = await ann.makes_group("bob", "cat")
    cat, sleeper = await house.meets("cat"), await house.meets("bob", device=2)
    for guest in (ann, bob, sleeper):
        await guest.asks(type="focus", rooms=[room])
    await sleeper.asks(type="mode", mode="background")
    for guest in (ann, bob, cat, sleeper):
        guest.wire.take()
    ann.says({"type": "typing", "room": room})
    await house.quiet()
    assert bob.hears() == [{"type": "typing", "room": room, "user": "ann"}]
    assert ann.hears() == cat.hears() == sleeper.hears() == []


async def test_typing_goes_to_nobody_in_a_large_room(tmp_path):
    async with indoors(tmp_path, rates={"enabled": False}, delivery={"typing_members": 2}) as house:
        ann, bob, room = await group_of_four(house)
        await bob.asks(type="focus", rooms=[room])
        bob.wire.take()
        ann.says({"type": "typing", "room": room})
        await house.quiet()
        assert bob.hears() == []


async def test_a_removed_device_is_sent_away_after_its_reply(house):
    for number in (1, 2):
        house.passports.claims[f"ann{number}"] = Claims("ann", 4e9, device=device_of(number))
    one, two = await house.meets("ann1", device=1), await house.meets("ann2", device=2)
    await one.asks(type="devices.remove", device=two.session.device)
    house.env.advance(0)
    assert two.wire.closed_with == (4201, "revoked")
    reply = await one.asks(type="devices.remove", device=one.session.device)
    house.env.advance(0)
    assert reply["type"] == "ok"
    assert one.wire.closed_with == (4201, "revoked")


async def test_a_receipts_preference_is_in_force_at_once(house, ann, bob):
    room = (await ann.asks(type="room.direct", user="bob"))["summary"]["room"]
    await bob.asks(type="preferences", receipts=False)
    await ann.sends(room)
    bob.wire.take()
    await ann.asks(type="read", room=room, seq=2)
    await house.passes(2)
    assert bob.hears("receipts") == []


async def test_nobody_hears_twice_of_a_leave_by_himself(house, ann, bob):
    room = await ann.makes_group("bob")
    await house.inside.writer.carry("bob", RoomLeave(room=room, key=new_key()))
    assert len(bob.hears("gone")) == 1


async def test_a_head_after_lagging_says_no_less_than_the_acknowledgements_before_it(house, ann, bob):
    """The events of others give way to a head, the acknowledgement of an own one does not."""
    room = await ann.makes_group("bob")
    ann.wire.take()
    ann.wire.clog(ann.session, 300_000)
    await bob.sends(room)
    ann.asks_for(type="send", room=room, key=new_key(), body={"text": "own"})
    await house.quiet()
    ann.wire.clear(ann.session)
    own, head = ann.hears("ok", "head")
    assert (own["seq"], head["rooms"]) == (3, [{"room": room, "seq": 3, "ordinal": 2}])


async def test_a_connection_that_overflows_while_all_are_told_harms_nobody_else(house, ann, bob, caplog):
    """Its seat goes while the audience is gone through: everybody behind it is told, and stays connected."""
    slow, fast = await house.meets("cat"), await house.meets("dan")
    room = await ann.makes_group("cat", "bob", "dan")
    for guest in (bob, fast):
        guest.wire.take()
    slow.wire.clog(slow.session, 1_200_000)
    await ann.sends(room)
    assert slow.wire.aborted
    assert [len(guest.hears("event")) for guest in (bob, fast)] == [1, 1]
    assert not any(guest.wire.closed_with for guest in (ann, bob, fast))
    assert "not told to everybody" not in caplog.text


async def test_an_author_who_overflows_does_not_make_an_audience_of_authors(house, ann, bob):
    """Counted after its seat is gone, those who are told apart would be as many as are left."""
    slow = await house.meets("cat")
    room = await ann.makes_group("bob", "cat")
    for author in (ann, slow):
        author.asks_for(**send(room))
    slow.wire.clog(slow.session, 1_200_000)
    bob.wire.take()
    await house.quiet()
    assert slow.wire.aborted
    assert seen(bob, room) == [("event", 2), ("event", 3)]
