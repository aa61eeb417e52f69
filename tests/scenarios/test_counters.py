"""protocol.md "Identifiers and counters": dense numbers, one order, unread arithmetic."""

import asyncio
import random
from typing import Any

import pytest

from tests.kit.client import TestClient, fresh_key
from tests.kit.clients import Clients

OPERATIONS = 150  # random operations of the model test; enough that every kind follows every other


class UnreadModel:
    """A model of protocol.md "Unread" over a list of messages."""

    def __init__(self, members: list[str]) -> None:
        self.messages: dict[int, tuple[str, bool, list[str]]] = {}  # seq -> author, countable, mentions
        self.position = dict.fromkeys(members, 1)  # where each starts: the `created` event

    def sent(self, seq: int, author: str, *, silent: bool, mentions: list[str]) -> None:
        self.messages[seq] = (author, not silent, mentions)

    def read(self, user: str, seq: int, last: int) -> None:
        self.position[user] = max(self.position[user], min(seq, last))

    def unread(self, user: str) -> int:
        return len(self._counted(user))

    def mentions(self, user: str) -> int:
        return sum(user in mentions or "*" in mentions for mentions in self._counted(user))

    def _counted(self, user: str) -> list[list[str]]:
        return [
            mentions
            for seq, (author, countable, mentions) in self.messages.items()
            if countable and author != user and seq > self.position[user]
        ]


class Chatter:
    """Random traffic of one room, given to the model and to the server."""

    def __init__(self, room: str, peers: list[TestClient], seed: int) -> None:
        self.room, self.peers, self.last = room, peers, 1
        self.model = UnreadModel([client.user for client in peers])
        self.choose = random.Random(seed)

    async def does_something(self) -> None:
        client = self.choose.choice(self.peers)
        actions = [self.send, self.send, self.send, self.read, self.edit, self.react, self.recall]
        await self.choose.choice(actions)(client)

    async def send(self, client: TestClient) -> None:
        silent = self.choose.random() < 0.2
        mentions = self.choose.choice([[], [], [self.choose.choice(self.peers).user], ["*"]])
        extra: dict[str, Any] = {"silent": True} if silent else {}
        ack = await client.send(self.room, "words", body={"mentions": mentions} if mentions else {}, **extra)
        self.last = ack["seq"]
        self.model.sent(self.last, client.user, silent=silent, mentions=mentions)

    async def read(self, client: TestClient) -> None:
        seq = self.choose.randint(1, self.last + 3)
        reply = await client.read(self.room, seq)
        self.model.read(client.user, seq, self.last)
        assert reply["read"] == self.model.position[client.user]
        assert reply["unread"] == self.model.unread(client.user)
        assert reply["unread_mentions"] == self.model.mentions(client.user)

    async def edit(self, client: TestClient) -> None:
        await self._acts_on_own(client, {"type": "edit", "body": {"text": "better words"}})

    async def recall(self, client: TestClient) -> None:
        await self._acts_on_own(client, {"type": "recall"})

    async def react(self, client: TestClient) -> None:
        await self._acts_on_own(client, {"type": "react", "emoji": "👍", "set": self.choose.random() < 0.7})

    async def _acts_on_own(self, client: TestClient, packet: dict[str, Any]) -> None:
        """On an own message without mentions: what an edit or a recall does to a mention is not specified."""
        own = [s for s, (user, _, named) in self.model.messages.items() if user == client.user and not named]
        if own:
            target = {"room": self.room, "key": fresh_key(), "target": self.choose.choice(own)}
            reply = await client.reply_to({**packet, **target})
            self.last = max(self.last, reply.get("seq", 0))


@pytest.mark.parametrize("seed", range(3))
async def test_unread_equals_the_model_after_random_traffic(clients: Clients, seed: int) -> None:
    room, peers = await clients.in_group("alice", "bob", "carol")
    chatter = Chatter(room, peers, seed)
    for step in range(OPERATIONS):
        await chatter.does_something()
        if step % 10 == 9:
            client = chatter.choose.choice(peers)
            summary = await client.get_room(room)
            assert summary["seq"] == chatter.last
            assert summary.get("unread", 0) == chatter.model.unread(client.user)
            assert summary.get("unread_mentions", 0) == chatter.model.mentions(client.user)
    for client in peers:
        _, hello = await clients.reconnect(client)
        assert hello["sync"]["totals"]["unread"] == chatter.model.unread(client.user)
        assert hello["sync"]["totals"]["mentions"] == chatter.model.mentions(client.user)


async def test_s04_two_writers_make_one_contiguous_order_for_three_readers(clients: Clients) -> None:
    room, (alice, bob, *readers) = await clients.in_group("alice", "bob", "carol", "dave", "erin")

    async def writes(client: TestClient) -> list[int]:
        return [(await client.send(room, f"{client.user} {number}"))["seq"] for number in range(50)]

    of_alice, of_bob = await asyncio.gather(writes(alice), writes(bob))
    last = max(of_alice + of_bob)
    assert sorted(of_alice + of_bob) == list(range(2, 102))
    seen = [await reader.collect_until(room, last) for reader in readers]
    assert [event["seq"] for event in seen[0]] == list(range(2, 102))
    assert [event["ordinal"] for event in seen[0]] == list(range(1, 101))
    assert seen[0] == seen[1] == seen[2]
    assert {event["seq"] for event in seen[0] if event["user"] == "alice"} == set(of_alice)


async def test_all_members_receive_identical_bytes(clients: Clients) -> None:
    room, (alice, bob, carol) = await clients.in_group("alice", "bob", "carol")
    ack = await alice.send(room, "the same for everybody")
    await bob.next_event(room)
    await carol.next_event(room)
    assert bob.link.frames_received[-1] == carol.link.frames_received[-1]
    assert ack["seq"] == 2


async def test_the_ordinal_counts_messages_only(clients: Clients) -> None:
    room, (alice, _) = await clients.in_direct("alice", "bob")
    first = await alice.send(room, "one")
    await alice.edit(room, first["seq"], "uno")
    silent = await alice.send(room, "hush", silent=True)
    second = await alice.send(room, "two")
    assert (first["ordinal"], second["ordinal"]) == (1, 2)
    assert "ordinal" not in silent
    assert second["seq"] == first["seq"] + 3


async def test_rooms_count_on_their_own(clients: Clients) -> None:
    alice, bob = await clients.connect_all("alice", "bob")
    rooms = [await alice.create_group(name, bob) for name in ("one", "two")]
    for _ in range(3):
        assert len({(await alice.send(room, "x"))["ordinal"] for room in rooms}) == 1


async def test_a_new_member_has_nothing_unread_of_before(clients: Clients) -> None:
    room, (alice, _) = await clients.in_group("alice", "bob")
    for _ in range(5):
        await alice.send(room, "before", body={"mentions": ["*"]})
    carol = await clients.connect("carol")
    joined = await alice.mutate("members.add", room, users=["carol"])
    summary = (await carol.receive("room"))["summary"]
    assert summary["first_visible"] == joined["seq"]
    assert (summary.get("unread", 0), summary.get("unread_mentions", 0)) == (0, 0)
    await alice.send(room, "after")
    assert (await carol.get_room(room))["unread"] == 1


async def test_own_sends_are_not_unread_and_move_no_read_position(clients: Clients) -> None:
    room, (alice, bob) = await clients.in_direct("alice", "bob")
    await bob.send(room, "question")
    await alice.send(room, "answer")
    summary = await alice.get_room(room)
    assert summary["unread"] == 1
    assert summary.get("read", 0) < 2


async def test_a_recalled_message_stays_counted_until_read(clients: Clients) -> None:
    room, (alice, bob) = await clients.in_direct("alice", "bob")
    sent = await alice.send(room, "oops")
    await alice.recall(room, sent["seq"])
    assert (await bob.get_room(room))["unread"] == 1
    assert (await bob.read(room, sent["seq"]))["unread"] == 0


async def test_silent_messages_count_neither_as_unread_nor_as_mentions(clients: Clients) -> None:
    room, (alice, bob) = await clients.in_direct("alice", "bob")
    await alice.send(room, "hush", silent=True, body={"mentions": ["bob"]})
    summary = await bob.get_room(room)
    assert (summary.get("unread", 0), summary.get("unread_mentions", 0)) == (0, 0)


async def test_mentions_of_strangers_are_ignored(clients: Clients) -> None:
    room, (alice, bob) = await clients.in_direct("alice", "bob")
    stranger = await clients.connect("mallory")
    await alice.send(room, "who?", body={"mentions": ["mallory", "nobody", "bob", "bob"]})
    assert (await bob.get_room(room))["unread_mentions"] == 1
    await stranger.expect_silence()


async def test_names_of_rooms_and_sessions_are_unique(clients: Clients) -> None:
    alice = await clients.open("alice")
    bob = await clients.open("bob")
    sessions = [(await client.say_hello())["session"] for client in (alice, bob)]
    assert sessions[0] != sessions[1]
    group = await alice.create_group("tea")
    direct = await alice.open_direct(bob)
    assert (group[0], direct[0]) == ("g", "d")
