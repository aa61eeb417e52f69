"""The client and the daemon, two implementations of one protocol, with a real socket between them."""

import asyncio
import sys

import pytest

from chatd.client import (
    AccountChanged,
    Client,
    Closed,
    FileStorage,
    MemoryStorage,
    MessageAdded,
    MessageChanged,
    NotMember,
    PresenceChanged,
    ReceiptsChanged,
    RoomChanged,
    RoomGone,
    Settings,
    StateChanged,
    Timing,
    TypingStarted,
)
from tests.kit.daemon import DaemonProcess, config_for, running_daemon
from tests.kit.tokens import token_for
from tests.kit.waiting import until

TIMEOUT_S = 30.0
QUICK = Timing(
    backoff_base_s=0.05, backoff_cap_s=0.2, gap_s=0.05, read_s=0.05, delivered_s=0.05, typing_s=0.05
)


@pytest.fixture
async def daemon(tmp_path):
    async with running_daemon(config_for(tmp_path)) as running:
        yield running


@pytest.fixture
def client_of():
    def make(url, user, *, storage=None, **settings):
        async def get_token():
            return token_for(user)

        chosen = Settings(**{"timing": QUICK, **settings})
        return Client(url, get_token, storage=storage, settings=chosen)

    return make


class Watch:
    """The changes of a client, to wait for."""

    def __init__(self, client):
        self.stream = client.changes()

    async def until(self, kind, condition=lambda change: True):
        async with asyncio.timeout(TIMEOUT_S):
            async for change in self.stream:
                if isinstance(change, kind) and condition(change):
                    return change
        raise AssertionError(f"the changes ended before a {kind.__name__}")

    async def texts(self, count):
        return [(await self.until(MessageAdded)).message.text for _ in range(count)]


@pytest.mark.parametrize(("first", "second"), [("msgpack", "json"), ("json", "msgpack")])
async def test_two_encodings_talk_and_see_the_same(daemon, client_of, first, second):
    async with (
        client_of(daemon.url, "ann", encoding=first) as ann,
        client_of(daemon.url, "bob", encoding=second) as bob,
    ):
        changes = Watch(bob)
        room = await ann.direct("bob")
        receipt = await room.send({"text": "Hi 👋", "data": {"sealed": b"\x00\xff"}})
        theirs = (await changes.until(MessageAdded)).message
        assert theirs == room.messages[receipt.seq]
        assert (theirs.text, theirs.body["data"]) == ("Hi 👋", {"sealed": b"\x00\xff"})


async def test_everything_that_can_happen_to_a_message_arrives(daemon, client_of):
    async with client_of(daemon.url, "ann") as ann, client_of(daemon.url, "bob") as bob:
        changes = Watch(bob)
        mine = await ann.direct("bob")
        seq = (await mine.send("Hi")).seq
        theirs = bob.room(mine.id)
        await changes.until(MessageAdded)
        await theirs.react(seq, "👍")
        await mine.edit(seq, "Hello")
        await mine.pin(seq)
        await changes.until(MessageChanged, lambda change: change.message.pinned)
        await until(lambda: mine.applied == theirs.applied)
        message = theirs.messages[seq]
        assert (message.text, message.reactions, message.mine) == ("Hello", {"👍": 1}, {"👍"})
        assert (mine.messages[seq].reactions, mine.messages[seq].mine) == ({"👍": 1}, frozenset())
        await mine.recall(seq)
        gone = await changes.until(MessageChanged, lambda change: change.message.recalled)
        assert gone.message.body is None


async def test_what_was_applied_live_is_what_a_fresh_client_fetches(daemon, client_of):
    async with client_of(daemon.url, "ann") as ann, client_of(daemon.url, "bob") as bob:
        mine = await ann.direct("bob")
        theirs = bob.room(mine.id)
        seqs = [receipt.seq for receipt in await asyncio.gather(*(mine.send(str(n)) for n in range(60)))]
        await until(lambda: theirs.applied >= seqs[-1])
        for seq in seqs[::3]:
            await asyncio.gather(theirs.react(seq, "👍"), mine.react(seq, "\u2764"), mine.edit(seq, "edited"))
        for seq in seqs[::7]:
            await mine.recall(seq)
        for seq in set(seqs[1::5]) - set(seqs[::7]):
            await theirs.react(seq, ":c:")
            await theirs.react(seq, ":c:", present=False)
        await until(lambda: mine.applied == theirs.applied == max(mine.head, theirs.head))
        async with client_of(daemon.url, "bob") as fresh:
            fetched = await fresh.room(mine.id).timeline(limit=100)
            assert [message.seq for message in fetched] == seqs
            assert {message.seq: message for message in fetched} == theirs.messages


async def test_two_devices_are_equal_though_one_was_away_while_a_message_was_edited_and_recalled(
    daemon, client_of
):
    async with client_of(daemon.url, "ann") as ann, client_of(daemon.url, "bob") as present:
        mine = await ann.direct("bob")
        seq = (await mine.send("Hi")).seq
        async with client_of(daemon.url, "bob") as absent:
            await absent.room(mine.id).timeline()
            await absent.suspend()
            await mine.pin(seq)
            await present.room(mine.id).react(seq, "👍")
            await mine.edit(seq, "Hello")
            last = await mine.recall(seq)
            await absent.resume()
            live, late = present.room(mine.id), absent.room(mine.id)
            await until(lambda: live.applied == late.applied == last.seq)
            assert live.messages == late.messages
            assert live.messages[seq].edited
            async with client_of(daemon.url, "bob") as fresh:
                assert await fresh.room(mine.id).timeline() == (live.messages[seq],)


async def test_a_group_from_its_making_to_its_end(daemon, client_of):
    async with client_of(daemon.url, "ann") as ann, client_of(daemon.url, "bob") as bob:
        changes = Watch(bob)
        group = await ann.create_group("Bikes", ["bob"], data={"colour": "red"})
        await changes.until(RoomChanged, lambda change: change.room == group.id)
        theirs = bob.room(group.id)
        assert (theirs.summary.title, theirs.summary.data, group.summary.role) == (
            "Bikes",
            {"colour": "red"},
            "owner",
        )
        await group.update(title="Bike tour")
        await changes.until(RoomChanged, lambda change: bob.room(group.id).summary.title == "Bike tour")
        await group.set_roles({"bob": "admin"})
        await theirs.add(["cec"])
        assert sorted([member.user async for member in group.members()]) == ["ann", "bob", "cec"]
        await group.remove(["bob"])
        assert (await changes.until(RoomGone)).reason == "removed"
        with pytest.raises(NotMember):
            await theirs.send("still here?")
        await group.delete()
        assert group.id not in ann.rooms


async def test_read_marks_receipts_typing_and_presence(daemon, client_of):
    async with client_of(daemon.url, "ann") as ann, client_of(daemon.url, "bob") as bob:
        mine = await ann.direct("bob")
        theirs = bob.room(mine.id)
        at_ann, at_bob = Watch(ann), Watch(bob)
        seq = (await mine.send("Hi")).seq
        await at_bob.until(MessageAdded)
        assert theirs.unread == 1
        ann.watch(["bob"])
        assert (await at_ann.until(PresenceChanged)).state == "offline"
        await theirs.send("Who is this?")
        assert (await at_ann.until(PresenceChanged)).state == "online"
        theirs.read()
        await at_ann.until(ReceiptsChanged, lambda change: mine.receipts["bob"].read >= seq)
        assert theirs.unread == 0
        bob.focus([theirs])
        ann.focus([mine])
        await bob.call({"type": "ping"})
        mine.typing()
        assert (await at_bob.until(TypingStarted)).user == "ann"
        await bob.show_presence(False)
        assert (await at_ann.until(PresenceChanged)).state == "offline"


async def test_a_client_that_was_away_misses_nothing_and_receives_nothing_twice(daemon, client_of):
    storage = MemoryStorage()
    async with client_of(daemon.url, "ann") as ann:
        mine = await ann.direct("bob")
        async with client_of(daemon.url, "bob", storage=storage) as bob:
            changes = Watch(bob)
            await mine.send("before")
            assert await changes.texts(1) == ["before"]
        for number in range(60):  # more than the events a hello brings
            await mine.post(f"away {number}")
        await mine.send("last")
        again = client_of(daemon.url, "bob", storage=storage, prefetch=True)
        changes = Watch(again)
        async with again:
            assert await changes.texts(61) == [f"away {number}" for number in range(60)] + ["last"]
            assert again.room(mine.id).unread == 62


async def test_a_very_long_absence_jumps_and_old_pages_are_corrected_when_shown(daemon, client_of):
    storage = MemoryStorage()
    async with client_of(daemon.url, "ann") as ann:
        mine = await ann.direct("bob")
        first = await mine.send("first")
        bob = client_of(daemon.url, "bob", storage=storage)
        async with bob:
            theirs = bob.room(mine.id)
            await theirs.timeline()
            await bob.suspend()
            await asyncio.gather(*(mine.send(str(number)) for number in range(520)))
            await mine.edit(first.seq, "changed meanwhile")
            await bob.resume()
            await bob.connect()
            newest = await theirs.timeline(limit=10)
            assert [message.text for message in newest] == [str(number) for number in range(510, 520)]
            page = await theirs.history(before=first.seq + 1, limit=1)
            assert page.messages[-1].text == "changed meanwhile"
            everything = await theirs.timeline(limit=1000)
            assert [message.text for message in everything[1:]] == [str(number) for number in range(520)]


async def test_the_second_client_of_a_device_replaces_the_first(daemon, client_of):
    storage = MemoryStorage()
    async with client_of(daemon.url, "ann", storage=storage) as first:
        changes = Watch(first)
        async with client_of(daemon.url, "ann", storage=storage):
            assert (await changes.until(StateChanged)).code == 4200
        with pytest.raises(Closed):
            await first.call({"type": "ping"})


async def test_a_wrong_token_is_an_end_not_a_loop(daemon):
    async def get_token():
        return "nonsense"

    with pytest.raises(Closed, match="token_invalid"):
        async with Client(daemon.url, get_token):
            raise AssertionError("a nonsense token was taken")


async def test_nothing_acknowledged_is_lost_or_doubled_when_the_daemon_is_killed(tmp_path, client_of):
    process = DaemonProcess(tmp_path)
    await process.start()
    try:
        ann = client_of(process.url, "ann", storage=FileStorage(tmp_path / "ann"))
        async with ann, client_of(process.url, "bob", prefetch=True) as bob:
            heard = []
            bob.subscribe(
                lambda change: heard.append(change.message.text) if isinstance(change, MessageAdded) else None
            )
            room = await ann.direct("bob")
            texts = [str(number) for number in range(150)]
            sending = asyncio.gather(*(room.send(text) for text in texts))
            for at in (20, 80):
                await until(lambda at=at: len(heard) >= at or sending.done())
                await process.kill9()
                await process.start()
            receipts = await sending
            await until(lambda: len(heard) >= len(texts))
            assert heard == texts
            assert len({receipt.seq for receipt in receipts}) == len(texts)
            assert [receipt.seq for receipt in receipts] == sorted(receipt.seq for receipt in receipts)
            assert [message.text for message in await bob.room(room.id).timeline(limit=200)] == texts
    finally:
        await process.kill9()


async def test_the_example_chats(daemon, client_of):
    async with client_of(daemon.url, "bob") as bob:
        changes = Watch(bob)
        example = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "chatd.client.example",
            daemon.url,
            token_for("ann"),
            "bob",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        example.stdin.write(b"Hi Bob\n")
        await example.stdin.drain()
        heard = (await changes.until(MessageAdded)).message
        assert (heard.text, heard.user) == ("Hi Bob", "ann")
        await bob.room(heard.room).send("Hi Ann")
        async with asyncio.timeout(TIMEOUT_S):
            assert await example.stdout.readline() == b"bob: Hi Ann\n"
            example.stdin.close()
            assert await example.wait() == 0


async def test_a_preference_reaches_the_other_device_now_and_after_a_restart(daemon, client_of, tmp_path):
    storage = tmp_path / "tablet.chat"
    async with client_of(daemon.url, "ann") as client:
        async with client_of(daemon.url, "ann", storage=FileStorage(storage)) as tablet:
            assert tablet.preferences == {"receipts": True, "presence": True}
            watch = Watch(tablet)
            await client.show_receipts(False)
            await watch.until(AccountChanged)
            assert tablet.preferences == {"receipts": False, "presence": True}
        await client.show_presence(False)
    later = client_of("ws://127.0.0.1:1/v1/ws", "ann", storage=FileStorage(storage))
    await later.start()  # without a network
    assert later.preferences == {"receipts": False, "presence": True}
    await later.close()
    async with client_of(daemon.url, "ann", storage=FileStorage(storage), encoding="json") as tablet:
        assert tablet.preferences == {"receipts": False, "presence": False}
