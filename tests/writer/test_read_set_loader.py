import pytest
from msgspec import UNSET

from chatd.commands.table import COMMANDS
from chatd.core.accounts import Amend, RecordDevice, Revoke
from chatd.core.entering import SetMembers
from chatd.core.forwarding import JudgedForward
from chatd.core.maintenance import CompactLog, PostNotice
from chatd.core.read_set import Tail
from chatd.core.scheduled import EndScheduled, SendScheduled
from chatd.protocol.drafts import Draft
from chatd.protocol.envelope import RoomMutation
from chatd.protocol.members import MembersAdd, RoomJoin
from chatd.protocol.messages import Attachment, Body, Edit, React, Send
from chatd.protocol.read_state import Delivered, DeliveredRoom, Read
from chatd.protocol.rooms import Preferences, RoomCreate, RoomDirect
from chatd.writer import needs
from chatd.writer.channel_needs import named_rooms
from chatd.writer.joining_needs import joining
from chatd.writer.needs import NEEDS, used_keys
from chatd.writer.submission import Submission
from tests.kit.inprocess import device_of, new_key


class Gathered:
    """The state of the writer's loader before a batch."""

    def __init__(self, server):
        self.server = server
        self.read_set_loader = server.app.writer._read_set_loader

    async def __call__(self, *asked, known_keys=False):
        batch = [Submission(user, request) for user, request in asked]
        return await self.read_set_loader.load(batch, known_keys=known_keys)


@pytest.fixture
def gather(server):
    return Gathered(server)


@pytest.fixture
async def ann(server):
    return await server.connect("ann")


@pytest.fixture
async def room(server, ann):
    """A group of ann and bob with three messages of ann, the last one mentioning bob."""
    name = await ann.create_group("bob")
    for mentions in ([], [], ["bob"]):
        await ann.request(
            type="send",
            room=name,
            key=f"message-{len(mentions)}-{new_key()}",
            body={"text": "x", "mentions": mentions},
        )
    server.app.context.rooms.cache.forget_idle(float("inf"), ())
    return name


async def test_rooms_that_are_named_are_loaded(gather, room):
    reads = await gather(("bob", Read(room=room, seq=1)), ("eve", Read(room="g00000000000", seq=1)))
    assert set(reads.rooms) == {room}


@pytest.mark.parametrize("request_of_eve", [Read, RoomJoin])
async def test_a_stranger_loads_no_room_unless_it_is_open_to_all(gather, room, ann, request_of_eve):
    more = {"seq": 1} if request_of_eve is Read else {"key": new_key()}
    asked = ("eve", request_of_eve(room=room, **more))
    assert set((await gather(asked)).rooms) == set()
    await ann.request(type="room.update", room=room, key=new_key(), public=True)
    gather.server.app.context.rooms.cache.forget_idle(float("inf"), ())
    assert set((await gather(asked)).rooms) == ({room} if request_of_eve is RoomJoin else set())


async def test_a_message_that_is_acted_on_is_there_with_the_reactions_asked_about(ann, gather, room):
    await ann.request(type="react", room=room, key=new_key(), target=2, emoji="👍", set=True)
    reads = await gather(
        ("ann", React(room=room, key=new_key(), target=2, emoji="👍", set=True)),
        ("ann", React(room=room, key=new_key(), target=2, emoji="👎", set=True)),
        ("ann", Edit(room=room, key=new_key(), target=3, body=Body(text="y"))),
        ("ann", Edit(room=room, key=new_key(), target=1, body=Body(text="y"))),
    )
    assert {seq for _, seq in reads.messages} == {2, 3}
    assert reads.messages[1, 2].mine == {("ann", "👍")}


async def test_keys_of_sends_are_looked_up_only_the_second_time(ann, gather, room):
    send = Send(room=room, key=new_key(), body=Body(text="x"))
    await ann.request(type="send", room=room, key=send.key, body={"text": "x"})
    assert not (await gather(("ann", send))).keyed
    reads = await gather(("ann", send), known_keys=True)
    assert reads.keyed[1, "ann", send.key].event.seq == 5


async def test_keys_of_operations_are_looked_up_at_once(ann, gather, room):
    key = new_key()
    await ann.request(type="edit", room=room, key=key, target=2, body={"text": "y"})
    reads = await gather(("ann", Edit(room=room, key=key, target=2, body=Body(text="y"))))
    assert reads.keyed[1, "ann", key].event.seq == 5


async def test_a_tail_is_read_only_where_the_position_stops_short(server, gather, room):
    reads = await gather(("bob", Read(room=room, seq=3)), ("bob", Read(room=room, seq=99)))
    assert reads.tails == {(1, "bob", 3): Tail(2, 0, 1), (1, "bob", 99): Tail(3, 0, 0)}
    assert server.store.calls["counted"] == 1


async def test_strangers_and_reads_that_move_nothing_cost_no_counting(server, gather, room):
    await server.app.writer.submit_and_wait("bob", Read(room=room, seq=3))
    before = server.store.calls["counted"]
    await gather(("eve", Read(room=room, seq=2)), ("bob", Read(room=room, seq=2)))
    assert server.store.calls["counted"] == before


@pytest.mark.parametrize(("seq", "tail"), [(2, Tail(1, 0, 1)), (3, Tail(2, 0, 1)), (4, Tail(3, 0, 0))])
async def test_a_tail_is_counted_from_whichever_end_is_nearer(gather, ann, room, seq, tail):
    for _ in range(2):
        await ann.send(room)
    reads = await gather(("bob", Read(room=room, seq=seq)))
    assert reads.tails == {(1, "bob", seq): tail}


async def test_what_a_batch_counts_is_bounded_and_the_rest_is_set_aside(gather, monkeypatch, room):
    monkeypatch.setattr(needs, "COUNTED_EVENTS_MAX", 1)
    reads = await gather(*(("bob", Read(room=room, seq=seq)) for seq in (2, 3, 4, 1)))
    assert [seq for _, _, seq in reads.tails] == [4, 3]
    assert [asked.request.seq for asked in reads.postponed] == [2, 1]


async def test_rooms_that_would_be_made_twice_are_found(server, ann, gather, room):
    key = new_key()
    made = (await ann.request(type="room.create", key=key, kind="group", title="t"))["summary"]["room"]
    pair = (await ann.request(type="room.direct", user="bob"))["summary"]["room"]
    reads = await gather(
        ("ann", RoomCreate(key=key, kind="group", title="t")),
        ("bob", RoomDirect(user="ann")),
        ("bob", RoomDirect(user="cat")),
    )
    assert reads.created["ann", key].name == made
    assert [found.name for found in reads.pairs.values()] == [pair]
    assert len({number for number, _ in reads.fresh}) == 3


async def test_accounts_that_change_or_enter_are_there(server, gather, room):
    for user in ("ann", "bob", "cat", "dan"):
        await server.app.writer.submit_and_wait(user, Amend())
    reads = await gather(
        ("ann", Preferences(receipts=False)), ("bob", MembersAdd(room=room, key=new_key(), users=["cat"]))
    )
    assert set(reads.accounts) == {"ann", "bob", "cat"}


async def test_devices_that_change_are_there(server, gather):
    await server.app.writer.submit_and_wait("ann", RecordDevice(device_of(1), "app"))
    reads = await gather(("ann", RecordDevice(device_of(1))), ("ann", Revoke(device_of(2))))
    assert {place: row.app for place, row in reads.devices.items()} == {("ann", device_of(1)): "app"}


async def test_a_receipts_preference_reaches_loaded_rooms_with_its_commit(server, ann, room):
    loaded = await server.app.context.rooms.get(room)
    await ann.request(type="preferences", receipts=False)
    assert (loaded.members["ann"].receipts, loaded.members["bob"].receipts) == (False, True)


@pytest.mark.parametrize(
    ("request_", "names"),
    [
        (Read(room="g00000000000", seq=1), ["g00000000000"]),
        (
            Delivered(rooms=[DeliveredRoom("g00000000000", 1), DeliveredRoom("g00000000001", 1)]),
            ["g00000000000", "g00000000001"],
        ),
        (Preferences(receipts=True), []),
        (RoomCreate(key="key-00000001", kind="group", title="t"), []),
        (RoomDirect(user="bob"), []),
        (PostNotice(room="g00000000000", key="key-00000001", body=Body(text="x")), ["g00000000000"]),
        (CompactLog("g00000000000", 1), ["g00000000000"]),
    ],
)
def test_the_rooms_a_request_names(request_, names):
    assert list(named_rooms(request_)) == names


@pytest.mark.parametrize(
    ("request_", "users"),
    [
        (RoomCreate(key="key-00000001", kind="group", title="t", users=["bob"]), ["ann", "bob"]),
        (RoomDirect(user="bob"), ["ann", "bob"]),
        (RoomJoin(room="g00000000000", key="key-00000001"), ["ann"]),
        (MembersAdd(room="g00000000000", key="key-00000001", users=["bob", "cat"]), ["bob", "cat"]),
        (Read(room="g00000000000", seq=1), []),
    ],
)
def test_who_may_enter_by_a_request(request_, users):
    assert list(joining(Submission("ann", request_))) == users


def test_every_change_of_a_room_looks_its_key_up():
    changes = {kind for kind in COMMANDS if issubclass(kind, RoomMutation)}
    assert {kind for kind, needed in NEEDS.items() if used_keys in needed} == changes | {
        PostNotice,
        SetMembers,
        JudgedForward,
        Draft,
        SendScheduled,
        EndScheduled,
    }


async def test_a_need_is_read_once_for_all_that_have_it_and_not_for_those_that_have_it_not(
    server, gather, ann, room
):
    server.store.calls.clear()
    react = [React(room=room, key=new_key(), target=2, emoji="👍", set=True) for _ in range(3)]
    await gather(
        *(("ann", request) for request in react), ("ann", Send(room=room, key=new_key(), body=Body(text="x")))
    )
    calls = {name: server.store.calls[name] for name in ("messages_at", "reactions_set", "keyed", "people")}
    assert calls == {"messages_at": 1, "reactions_set": 1, "keyed": 1, "people": 0}


async def test_a_send_needs_its_room_and_nothing_else(server, gather, ann, room):
    await gather(("ann", Send(room=room, key=new_key(), body=Body(text="x"))))
    server.store.calls.clear()
    await gather(("ann", Send(room=room, key=new_key(), body=Body(text="x"))))
    assert not server.store.calls


@pytest.mark.parametrize(("urls", "takes_detour"), [
    ((), False), (("https://example.com/a",), False), (("https://example.com/a", f"media:{'A' * 22}"), True),
])  # fmt: skip
async def test_only_a_send_with_files_of_this_server_is_read_for(gather, ann, urls, takes_detour):
    """A plain one needs its room and nothing else."""
    room = await ann.create_group()
    body = Body(text="x", attachments=[Attachment(url, "x/x") for url in urls] or UNSET)
    asked = []
    gather.read_set_loader._needs_of = lambda batch, reads: asked.extend(batch) or settled()
    await gather(("ann", Send(room=room, key=new_key(), body=body)))
    assert bool(asked) is takes_detour


async def settled():
    """Nothing was to be read."""
