import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from chatd.auth.interface import Claims
from chatd.core.maintenance import PostNotice
from chatd.core.room import Room
from chatd.core.write_set import NewEvent
from chatd.delivery.fanout import parts
from chatd.protocol.members import MembersAdd, MembersRemove, RoomLeave
from chatd.protocol.messages import Body, Event, Send
from chatd.protocol.read_state import Read
from chatd.protocol.rooms import RoomDelete
from chatd.writer.submission import Submission
from tests.kit.inprocess import InProcessServer, device_of, in_process, new_key


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[InProcessServer]:
    async with in_process(tmp_path, rates={"enabled": False}) as server:
        yield server


@pytest.fixture
async def distant(tmp_path: Path) -> AsyncIterator[InProcessServer]:
    """Groups above two members are at level head."""
    async with in_process(tmp_path, rates={"enabled": False}, delivery={"full_members": 2}) as server:
        yield server


@pytest.fixture
async def ann(server):
    return await server.connect("ann")


@pytest.fixture
async def bob(server):
    return await server.connect("bob")


def send(room, **keys):
    return {"type": "send", "room": room, "key": new_key(), "body": {"text": "x"}, **keys}


def text(request):
    return Body(text=request)


class Together:
    """Submits several things that end up in one batch."""

    def __init__(self, server):
        self.server = server
        self.asked = []

    async def __aenter__(self):
        self.hold = self.server.store.hold("commit")
        self.first = asyncio.ensure_future(
            self.server.app.writer.submit_and_wait(
                "zoe", Send(room=self.elsewhere, key=new_key(), body=text("x"))
            )
        )
        await self.hold.reached.wait()
        return self

    async def __aexit__(self, *failure):
        self.hold.release()
        await self.first
        await self.server.wait_idle()

    @classmethod
    async def of(cls, server):
        """Ready to be entered: a room elsewhere keeps the writer busy meanwhile."""
        one = cls(server)
        zoe = await server.connect("zoe")
        one.elsewhere = await zoe.create_group()
        return one

    def request(self, user, request):
        self.server.app.writer.submit(Submission(user, request))


def seen(client, room):
    """(what, seq) of acks, events, room and gone pushes, in the order they came; acks by their seq."""
    found = []
    for packet in client.take():
        if packet["type"] == "event" and packet["room"] == room:
            found += [("event", event["seq"]) for event in packet["events"]]
        elif packet["type"] == "ok" and "seq" in packet:
            found.append(("ack", packet["seq"]))
        elif packet["type"] == "gone" or (packet["type"] == "room" and packet["summary"]["room"] == room):
            found.append((packet["type"], None))
    return found


# --- one encoding for all


async def test_all_members_of_an_encoding_get_the_same_bytes_object(server, ann):
    room = await ann.create_group("bob", "cat", "dan")
    clients = [await server.connect(user) for user in ("bob", "cat", "dan")]
    await ann.send(room)
    assert len({id(client.wire.frames[-1]) for client in clients}) == 1


async def test_an_event_goes_to_every_connection_of_every_member_but_the_asking_one(server, ann, bob):
    room = await ann.create_group("bob")
    other, eve = await server.connect("ann", device=2), await server.connect("eve")
    ann.wire.take()
    bob.wire.take()
    await ann.send(room)
    assert seen(ann, room) == [("ack", 2)]
    assert seen(other, room) == seen(bob, room) == [("event", 2)]
    assert eve.take() == []


async def test_events_of_a_room_in_one_batch_are_one_push(server, ann, bob):
    room = await ann.create_group("bob")
    bob.wire.take()
    ann.send_packets(*({"id": 100 + n, **send(room)} for n in range(5)))
    await server.wait_idle()
    (push,) = bob.take()
    assert [event["seq"] for event in push["events"]] == [2, 3, 4, 5, 6]
    assert len(bob.wire.frames[-1]) > 5 * 20


async def test_the_acknowledgement_stands_where_the_event_would(server, ann, bob):
    room = await ann.create_group("bob")
    async with await Together.of(server):
        for client in (ann, bob, ann, bob, bob, ann):
            client.send_packets({"id": 1000 + len(client.wire.packets), **send(room)})
        ann.wire.take()
        bob.wire.take()
    assert seen(ann, room) == [("ack", 2), ("event", 3), ("ack", 4), ("event", 5), ("event", 6), ("ack", 7)]
    assert seen(bob, room) == [("event", 2), ("ack", 3), ("event", 4), ("ack", 5), ("ack", 6), ("event", 7)]


async def test_several_frames_of_a_batch_for_one_connection_are_one_write(server, ann, bob):
    room = await ann.create_group("bob")
    async with await Together.of(server):
        for client in (ann, bob, ann):
            client.send_packets({"id": 1000 + len(client.wire.packets), **send(room)})
        ann.wire.frames.clear()
    assert seen(ann, room)[-3:] == [("ack", 2), ("event", 3), ("ack", 4)]
    assert len(ann.wire.frames) == 1


async def test_a_large_batch_is_cut_into_frames(tmp_path):
    async with in_process(tmp_path, rates={"enabled": False}, limits={"server_frame_bytes": 65536}) as server:
        ann, bob = await server.connect("ann"), await server.connect("bob")
        room = await ann.create_group("bob")
        bob.wire.take()
        async with await Together.of(server) as together:
            for _ in range(12):
                together.request("ann", Send(room=room, key=new_key(), body=text("x" * 16_000)))
        pushes = bob.take()
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


async def test_a_notice_has_no_author_to_acknowledge(server, ann, bob):
    room = await ann.create_group("bob")
    ann.wire.take()
    bob.wire.take()
    await server.app.writer.submit_and_wait("", PostNotice(room=room, key=new_key(), body=text("x")))
    assert seen(ann, room) == seen(bob, room) == [("event", 2)]


async def test_an_author_who_hung_up_disturbs_nobody(server, ann, bob):
    room = await ann.create_group("bob")
    bob.wire.take()
    async with await Together.of(server):
        ann.send_packets(send(room))
        ann.hang_up(1006)
    assert seen(bob, room) == [("event", 2)]


# --- members come and go in the middle of a batch


async def test_a_user_added_in_a_batch_receives_from_there_on(server, ann, bob):
    room = await ann.create_group()
    async with await Together.of(server) as together:
        together.request("ann", Send(room=room, key=new_key(), body=text("before")))
        together.request("ann", MembersAdd(room=room, key=new_key(), users=["bob"]))
        together.request("ann", Send(room=room, key=new_key(), body=text("after")))
    assert seen(bob, room) == [("room", None), ("event", 3), ("event", 4)]


async def test_a_user_removed_in_a_batch_receives_nothing_from_there_on(server, ann, bob):
    room = await ann.create_group("bob")
    bob.wire.take()
    ann.wire.take()
    async with await Together.of(server) as together:
        together.request("ann", Send(room=room, key=new_key(), body=text("before")))
        together.request("ann", MembersRemove(room=room, key=new_key(), users=["bob"]))
        together.request("ann", Send(room=room, key=new_key(), body=text("after")))
    assert seen(bob, room) == [("event", 2), ("gone", None)]
    assert seen(ann, room) == [("event", 2), ("event", 3), ("event", 4)]
    await ann.send(room)
    server.env.advance(5)
    assert bob.take() == []


async def test_a_user_added_and_removed_in_a_batch_receives_gone(server, ann, bob):
    room = await ann.create_group()
    async with await Together.of(server) as together:
        together.request("ann", MembersAdd(room=room, key=new_key(), users=["bob"]))
        together.request("ann", Send(room=room, key=new_key(), body=text("between")))
        together.request("ann", MembersRemove(room=room, key=new_key(), users=["bob"]))
        together.request("ann", Send(room=room, key=new_key(), body=text("after")))
    assert not any(packet["type"] == "event" for packet in bob.wire.packets)
    assert seen(bob, room)[-1] == ("gone", None)
    assert not bob.session.subscriptions.rooms


async def test_a_user_who_leaves_receives_gone_and_the_acknowledgement(server, ann, bob):
    room = await ann.create_group("bob")
    second = await server.connect("bob", device=2)
    bob.wire.take()
    reply = await bob.request(type="room.leave", room=room, key=new_key())
    assert seen(bob, room) == [("gone", None), ("ack", reply["seq"])]
    assert second.take() == [{"type": "gone", "room": room, "reason": "left"}]


async def test_a_deleted_room_is_gone_for_everybody(server, ann, bob):
    room = await ann.create_group("bob", "cat")
    bob.wire.take()
    await server.app.writer.submit_and_wait("ann", RoomDelete(room=room, key=new_key()))
    for client in (ann, bob):
        assert client.take("gone") == [{"type": "gone", "room": room, "reason": "deleted"}]
    assert not any(subscribers.name == room for subscribers in server.app.hub.rooms.values())


async def test_a_later_member_gets_the_head_instead_of_an_edit_of_an_invisible_message(server, ann, bob):
    room = await ann.create_group("bob")
    await ann.send(room)
    await ann.request(type="members.add", room=room, key=new_key(), users=["cat"])
    cat = await server.connect("cat")
    bob.wire.take()
    await ann.request(type="edit", room=room, key=new_key(), target=2, body={"text": "secret"})
    assert [packet["type"] for packet in bob.take()] == ["event"]
    assert cat.take() == [{"type": "head", "rooms": [{"room": room, "seq": 4, "ordinal": 1}]}]
    assert not any(b"secret" in frame for frame in cat.wire.frames)
    await ann.send(room)
    assert seen(cat, room) == [("event", 5)]


# --- levels


async def group_of_four(server):
    ann = await server.connect("ann")
    room = await ann.create_group("bob", "cat", "dan")
    bob = await server.connect("bob")
    await server.advance(2)  # the head of its creation is out
    ann.wire.take()
    bob.wire.take()
    return ann, bob, room


async def test_at_level_head_only_the_head_is_pushed(distant):
    ann, bob, room = await group_of_four(distant)
    await ann.send(room)
    assert bob.take() == [{"type": "head", "rooms": [{"room": room, "seq": 2, "ordinal": 1}]}]


async def test_the_author_gets_the_acknowledgement_and_their_other_devices_the_event(distant):
    ann, _, room = await group_of_four(distant)
    other = await distant.connect("ann", device=2)
    reply = await ann.send(room)
    assert reply["seq"] == 2
    assert [packet["type"] for packet in other.take()] == ["event", "head"]


async def test_a_mention_is_pushed_in_full_at_any_level(distant):
    ann, bob, room = await group_of_four(distant)
    cat = await distant.connect("cat")
    await ann.request(type="send", room=room, key=new_key(), body={"text": "x", "mentions": ["bob"]})
    assert bob.take("event")[0]["events"][0]["seq"] == 2
    assert cat.take("event") == []


async def test_a_mention_of_everybody_is_none_in_a_room_at_level_head(distant):
    ann, bob, room = await group_of_four(distant)
    await ann.request(type="send", room=room, key=new_key(), body={"text": "x", "mentions": ["*"]})
    assert bob.take("event") == []
    assert bob.take("head") == []


async def test_a_focused_room_is_pushed_in_full(distant):
    ann, bob, room = await group_of_four(distant)
    await bob.request(type="focus", rooms=[room])
    bob.wire.take()
    await ann.send(room)
    assert [packet["type"] for packet in bob.take()] == ["event"]
    await bob.request(type="focus", rooms=[])
    distant.env.advance(2)
    bob.wire.take()
    await ann.send(room)
    assert [packet["type"] for packet in bob.take()] == ["head"]


async def test_a_background_client_receives_nothing_of_a_muted_room_but_its_name(server, ann):
    room = await ann.create_group("bob")
    bob = await server.connect("bob", mode="background")
    await bob.request(type="preferences", room=room, muted_until=1)
    bob.wire.take()
    await ann.send(room)
    assert bob.take() == []
    await ann.request(type="send", room=room, key=new_key(), body={"text": "x", "mentions": ["bob"]})
    assert seen(bob, room) == [("event", 3)]


async def test_a_mention_of_everybody_reaches_a_sleeping_phone_in_a_small_room(server, ann):
    room = await ann.create_group("bob")
    bob = await server.connect("bob", mode="background")
    await bob.request(type="preferences", room=room, muted_until=1)
    bob.wire.take()
    await ann.request(type="send", room=room, key=new_key(), body={"text": "x", "mentions": ["*"]})
    assert seen(bob, room) == [("event", 2)]


async def test_a_group_that_grows_beyond_the_mark_goes_to_level_head_and_back(distant):
    ann = await distant.connect("ann")
    room = await ann.create_group("bob")
    bob = await distant.connect("bob")
    await ann.request(type="members.add", room=room, key=new_key(), users=["cat"])
    distant.env.advance(2)
    bob.wire.take()
    await ann.send(room)
    assert [packet["type"] for packet in bob.take()] == ["head"]
    await ann.request(type="members.remove", room=room, key=new_key(), users=["cat"])
    bob.wire.take()
    await ann.send(room)
    assert [packet["type"] for packet in bob.take()] == ["event"]


@pytest.mark.parametrize("full_members", [2, 500])
async def test_numbers_on_one_connection_never_go_down(tmp_path, full_members):
    async with in_process(
        tmp_path, rates={"enabled": False}, delivery={"full_members": full_members}
    ) as server:
        clients = [await server.connect(user) for user in ("ann", "bob", "cat")]
        room = await clients[0].create_group("bob", "cat")
        for client in clients:
            client.wire.take()
        for round_ in range(6):
            for number, client in enumerate(clients):
                mentions = ["cat"] if number == 1 else []
                client.send_packets(
                    {"id": 5000 + round_, **send(room, body={"text": "x", "mentions": mentions})}
                )
            if round_ % 2:
                await server.advance(0.6)
        await server.advance(3)
        for client in clients:
            numbers = []
            for packet in client.take():
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
async def test_no_counter_is_older_than_what_was_pushed_before_it(tmp_path, level):
    """A request made before a message is answered behind it when one commit holds both."""
    async with in_process(
        tmp_path, rates={"enabled": False}, delivery={"full_members": 500 if level == "full" else 2}
    ) as server:
        ann, bob = await server.connect("ann"), await server.connect("bob")
        group = await ann.create_group("bob", "cat")
        direct = (await ann.request(type="room.direct", user="bob"))["summary"]["room"]
        for room in (group, direct):
            await ann.send(room)
        bob.wire.take()
        questions = [
            {"type": "read", "room": group, "seq": 1},
            {"type": "room.direct", "user": "ann"},
            {"type": "room.get", "room": group},
        ]
        async with await Together.of(server) as together:
            bob.send_packets(*({"id": 900 + number, **asked} for number, asked in enumerate(questions)))
            for room in (group, direct, group):
                together.request("ann", Send(room=room, key=new_key(), body=text("x")))
        answers = {900 + number: bob.reply(900 + number) for number in range(len(questions))}
        assert (answers[900]["unread"], answers[900]["ordinal"]) == (3, 3)
        for id, ordinal in ((901, 2), (902, 3)):
            summary = answers[id]["summary"]
            assert (summary["unread"], summary["ordinal"]) == (ordinal, ordinal)


async def test_a_user_removed_by_the_same_commit_is_not_shown_the_room(server, ann, bob):
    room = await ann.create_group("bob")
    async with await Together.of(server) as together:
        bob.send_packets(
            {"type": "room.get", "id": 900, "room": room}, {"type": "read", "id": 901, "room": room, "seq": 1}
        )
        together.request("ann", MembersRemove(room=room, key=new_key(), users=["bob"]))
        together.request("ann", Send(room=room, key=new_key(), body=text("x")))
    assert [bob.reply(id)["code"] for id in (900, 901)] == ["not_member", "not_member"]


async def test_a_user_who_left_and_came_back_gets_the_counters_of_the_new_membership(server, ann, bob):
    room = await ann.create_group("bob")
    await ann.send(room)
    async with await Together.of(server) as together:
        bob.send_packets({"type": "read", "id": 900, "room": room, "seq": 1})
        together.request("ann", MembersRemove(room=room, key=new_key(), users=["bob"]))
        together.request("ann", MembersAdd(room=room, key=new_key(), users=["bob"]))
        together.request("ann", Send(room=room, key=new_key(), body=text("x")))
    assert (bob.reply(900)["read"], bob.reply(900)["unread"]) == (3, 1)


async def test_a_position_says_which_message_it_counts_last(server, ann, bob):
    room = await ann.create_group("bob")
    await ann.send(room)
    other = await server.connect("bob", device=2)
    async with await Together.of(server) as together:
        together.request("bob", Read(room=room, seq=2))
        together.request("ann", Send(room=room, key=new_key(), body=text("x")))
    assert [packet["type"] for packet in other.take()] == ["event", "position"]
    assert other.wire.packets[-1] == {
        "type": "position", "room": room, "read": 2, "unread": 1, "unread_mentions": 0, "ordinal": 2
    }  # fmt: skip


async def test_a_moved_read_position_is_pushed_to_the_other_devices(server, ann, bob):
    room = await ann.create_group("bob")
    await ann.send(room)
    other = await server.connect("bob", device=2)
    bob.wire.take()
    await bob.request(type="read", room=room, seq=2)
    assert other.take() == [
        {"type": "position", "room": room, "read": 2, "unread": 0, "unread_mentions": 0, "ordinal": 1}
    ]
    assert [packet["type"] for packet in bob.take()] == ["ok"]


async def test_a_lower_position_without_id_is_answered_to_who_asked(server, ann, bob):
    room = await ann.create_group("bob")
    await ann.send(room)
    other = await server.connect("bob", device=2)
    await bob.request(type="read", room=room, seq=2)
    bob.wire.take()
    other.wire.take()
    bob.send_packets({"type": "read", "room": room, "seq": 1})
    await server.wait_idle()
    assert bob.take() == [
        {"type": "position", "room": room, "read": 2, "unread": 0, "unread_mentions": 0, "ordinal": 1}
    ]
    assert other.take() == []


async def test_typing_is_pushed_to_those_who_focus_and_are_in_front(server, ann, bob):
    room = await ann.create_group("bob", "cat")
    cat, sleeper = await server.connect("cat"), await server.connect("bob", device=2)
    for client in (ann, bob, sleeper):
        await client.request(type="focus", rooms=[room])
    await sleeper.request(type="mode", mode="background")
    for client in (ann, bob, cat, sleeper):
        client.wire.take()
    ann.send_packets({"type": "typing", "room": room})
    await server.wait_idle()
    assert bob.take() == [{"type": "typing", "room": room, "user": "ann"}]
    assert ann.take() == cat.take() == sleeper.take() == []


async def test_typing_goes_to_nobody_in_a_large_room(tmp_path):
    async with in_process(tmp_path, rates={"enabled": False}, delivery={"typing_members": 2}) as server:
        ann, bob, room = await group_of_four(server)
        await bob.request(type="focus", rooms=[room])
        bob.wire.take()
        ann.send_packets({"type": "typing", "room": room})
        await server.wait_idle()
        assert bob.take() == []


async def test_a_removed_device_is_sent_away_after_its_reply(server):
    for number in (1, 2):
        server.identity.claims[f"ann{number}"] = Claims("ann", 4e9, device=device_of(number))
    one, two = await server.connect("ann1", device=1), await server.connect("ann2", device=2)
    await one.request(type="devices.remove", device=two.session.device)
    server.env.advance(0)
    assert two.wire.closed_with == (4201, "revoked")
    reply = await one.request(type="devices.remove", device=one.session.device)
    server.env.advance(0)
    assert reply["type"] == "ok"
    assert one.wire.closed_with == (4201, "revoked")


async def test_a_receipts_preference_is_in_force_at_once(server, ann, bob):
    room = (await ann.request(type="room.direct", user="bob"))["summary"]["room"]
    await bob.request(type="preferences", receipts=False)
    await ann.send(room)
    bob.wire.take()
    await ann.request(type="read", room=room, seq=2)
    await server.advance(2)
    assert bob.take("receipts") == []


async def test_a_user_who_leaves_receives_it_once(server, ann, bob):
    room = await ann.create_group("bob")
    await server.app.writer.submit_and_wait("bob", RoomLeave(room=room, key=new_key()))
    assert len(bob.take("gone")) == 1


async def test_a_head_after_lagging_says_no_less_than_the_acknowledgements_before_it(server, ann, bob):
    """The events of others give way to a head, the acknowledgement of an own one does not."""
    room = await ann.create_group("bob")
    ann.wire.take()
    ann.wire.clog(ann.session, 300_000)
    await bob.send(room)
    ann.send_request(type="send", room=room, key=new_key(), body={"text": "own"})
    await server.wait_idle()
    ann.wire.clear(ann.session)
    own, head = ann.take("ok", "head")
    assert (own["seq"], head["rooms"]) == (3, [{"room": room, "seq": 3, "ordinal": 2}])


async def test_a_connection_that_overflows_during_a_push_harms_nobody_else(server, ann, bob, caplog):
    """It is unsubscribed while the subscribers are walked: all behind it get the push, and stay connected."""
    slow, fast = await server.connect("cat"), await server.connect("dan")
    room = await ann.create_group("cat", "bob", "dan")
    for client in (bob, fast):
        client.wire.take()
    slow.wire.clog(slow.session, 1_200_000)
    await ann.send(room)
    assert slow.wire.aborted
    assert [len(client.take("event")) for client in (bob, fast)] == [1, 1]
    assert not any(client.wire.closed_with for client in (ann, bob, fast))
    assert "not told to everybody" not in caplog.text


async def test_an_author_who_overflows_does_not_make_all_subscribers_authors(server, ann, bob):
    """Counted after it is unsubscribed, those with a push of their own would be as many as are left."""
    slow = await server.connect("cat")
    room = await ann.create_group("bob", "cat")
    for author in (ann, slow):
        author.send_request(**send(room))
    slow.wire.clog(slow.session, 1_200_000)
    bob.wire.take()
    await server.wait_idle()
    assert slow.wire.aborted
    assert seen(bob, room) == [("event", 2), ("event", 3)]
