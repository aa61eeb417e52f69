"""protocol.md, Identifiers and counters: dense numbers, one order, unread arithmetic."""

import asyncio
import random
from typing import Any

import pytest

from tests.kit.company import Company
from tests.kit.phone import Phone, fresh_key

OPERATIONS = 150  # random operations of the model test; enough that every kind follows every other


class UnreadModel:
    """What protocol.md 4.2 says about unread, over a list of messages; the whole truth in a few lines."""

    def __init__(self, members: list[str]) -> None:
        self.messages: dict[int, tuple[str, bool, list[str]]] = {}  # seq -> author, countable, mentions
        self.read: dict[str, int] = dict.fromkeys(
            members, 1
        )  # the read position starts at the `created` event

    def sent(self, seq: int, author: str, *, silent: bool, mentions: list[str]) -> None:
        self.messages[seq] = (author, not silent, mentions)

    def reads(self, user: str, seq: int, last: int) -> None:
        self.read[user] = max(self.read[user], min(seq, last))

    def unread(self, user: str) -> int:
        return len(self._counted(user))

    def mentions(self, user: str) -> int:
        return sum(user in mentions or "*" in mentions for mentions in self._counted(user))

    def _counted(self, user: str) -> list[list[str]]:
        return [
            mentions
            for seq, (author, countable, mentions) in self.messages.items()
            if countable and author != user and seq > self.read[user]
        ]


class Chatter:
    """Random traffic of one room, told to the model as it is told to the server."""

    def __init__(self, room: str, phones: list[Phone], seed: int) -> None:
        self.room, self.phones, self.last = room, phones, 1
        self.model = UnreadModel([phone.user for phone in phones])
        self.choose = random.Random(seed)

    async def does_something(self) -> None:
        phone = self.choose.choice(self.phones)
        deeds = [self.sends, self.sends, self.sends, self.reads, self.edits, self.reacts, self.recalls]
        await self.choose.choice(deeds)(phone)

    async def sends(self, phone: Phone) -> None:
        silent = self.choose.random() < 0.2
        mentions = self.choose.choice([[], [], [self.choose.choice(self.phones).user], ["*"]])
        extra: dict[str, Any] = {"silent": True} if silent else {}
        ack = await phone.sends(self.room, "words", body={"mentions": mentions} if mentions else {}, **extra)
        self.last = ack["seq"]
        self.model.sent(self.last, phone.user, silent=silent, mentions=mentions)

    async def reads(self, phone: Phone) -> None:
        seq = self.choose.randint(1, self.last + 3)
        reply = await phone.reads(self.room, seq)
        self.model.reads(phone.user, seq, self.last)
        assert reply["read"] == self.model.read[phone.user]
        assert reply["unread"] == self.model.unread(phone.user)
        assert reply["unread_mentions"] == self.model.mentions(phone.user)

    async def edits(self, phone: Phone) -> None:
        await self._acts_on_own(phone, {"type": "edit", "body": {"text": "better words"}})

    async def recalls(self, phone: Phone) -> None:
        await self._acts_on_own(phone, {"type": "recall"})

    async def reacts(self, phone: Phone) -> None:
        await self._acts_on_own(phone, {"type": "react", "emoji": "👍", "set": self.choose.random() < 0.7})

    async def _acts_on_own(self, phone: Phone, packet: dict[str, Any]) -> None:
        """On an own message without mentions: what an edit or a recall does to a mention is not specified."""
        own = [s for s, (user, _, named) in self.model.messages.items() if user == phone.user and not named]
        if own:
            target = {"room": self.room, "key": fresh_key(), "target": self.choose.choice(own)}
            reply = await phone.is_answered({**packet, **target})
            self.last = max(self.last, reply.get("seq", 0))


@pytest.mark.parametrize("seed", range(3))
async def test_unread_equals_the_model_after_random_traffic(people: Company, seed: int) -> None:
    room, phones = await people.in_group("alice", "bob", "carol")
    chatter = Chatter(room, phones, seed)
    for step in range(OPERATIONS):
        await chatter.does_something()
        if step % 10 == 9:
            phone = chatter.choose.choice(phones)
            summary = await phone.gets(room)
            assert summary["seq"] == chatter.last
            assert summary.get("unread", 0) == chatter.model.unread(phone.user)
            assert summary.get("unread_mentions", 0) == chatter.model.mentions(phone.user)
    for phone in phones:
        _, hello = await people.again(phone)
        assert hello["sync"]["totals"]["unread"] == chatter.model.unread(phone.user)
        assert hello["sync"]["totals"]["mentions"] == chatter.model.mentions(phone.user)


async def test_s04_two_writers_make_one_contiguous_order_for_three_readers(people: Company) -> None:
    room, (alice, bob, *readers) = await people.in_group("alice", "bob", "carol", "dave", "erin")

    async def writes(phone: Phone) -> list[int]:
        return [(await phone.sends(room, f"{phone.user} {number}"))["seq"] for number in range(50)]

    of_alice, of_bob = await asyncio.gather(writes(alice), writes(bob))
    last = max(of_alice + of_bob)
    assert sorted(of_alice + of_bob) == list(range(2, 102))
    seen = [await reader.collects_until(room, last) for reader in readers]
    assert [event["seq"] for event in seen[0]] == list(range(2, 102))
    assert [event["ordinal"] for event in seen[0]] == list(range(1, 101))
    assert seen[0] == seen[1] == seen[2]
    assert {event["seq"] for event in seen[0] if event["user"] == "alice"} == set(of_alice)


async def test_all_members_receive_identical_bytes(people: Company) -> None:
    room, (alice, bob, carol) = await people.in_group("alice", "bob", "carol")
    ack = await alice.sends(room, "the same for everybody")
    await bob.hears(room)
    await carol.hears(room)
    assert bob.link.frames_received[-1] == carol.link.frames_received[-1]
    assert ack["seq"] == 2


async def test_the_ordinal_counts_messages_only(people: Company) -> None:
    room, (alice, _) = await people.in_direct("alice", "bob")
    first = await alice.sends(room, "one")
    await alice.edits(room, first["seq"], "uno")
    silent = await alice.sends(room, "hush", silent=True)
    second = await alice.sends(room, "two")
    assert (first["ordinal"], second["ordinal"]) == (1, 2)
    assert "ordinal" not in silent
    assert second["seq"] == first["seq"] + 3


async def test_rooms_count_on_their_own(people: Company) -> None:
    alice, bob = await people.meet("alice", "bob")
    rooms = [await alice.creates_group(name, bob) for name in ("one", "two")]
    for _ in range(3):
        assert len({(await alice.sends(room, "x"))["ordinal"] for room in rooms}) == 1


async def test_a_new_member_has_nothing_unread_of_before(people: Company) -> None:
    room, (alice, _) = await people.in_group("alice", "bob")
    for _ in range(5):
        await alice.sends(room, "before", body={"mentions": ["*"]})
    carol = await people.meets("carol")
    joined = await alice.does("members.add", room, users=["carol"])
    summary = (await carol.receives("room"))["summary"]
    assert summary["first_visible"] == joined["seq"]
    assert (summary.get("unread", 0), summary.get("unread_mentions", 0)) == (0, 0)
    await alice.sends(room, "after")
    assert (await carol.gets(room))["unread"] == 1


async def test_own_sends_are_not_unread_and_move_no_read_position(people: Company) -> None:
    room, (alice, bob) = await people.in_direct("alice", "bob")
    await bob.sends(room, "question")
    await alice.sends(room, "answer")
    summary = await alice.gets(room)
    assert summary["unread"] == 1
    assert summary.get("read", 0) < 2


async def test_a_recalled_message_stays_counted_until_read(people: Company) -> None:
    room, (alice, bob) = await people.in_direct("alice", "bob")
    sent = await alice.sends(room, "oops")
    await alice.recalls(room, sent["seq"])
    assert (await bob.gets(room))["unread"] == 1
    assert (await bob.reads(room, sent["seq"]))["unread"] == 0


async def test_silent_messages_count_neither_as_unread_nor_as_mentions(people: Company) -> None:
    room, (alice, bob) = await people.in_direct("alice", "bob")
    await alice.sends(room, "hush", silent=True, body={"mentions": ["bob"]})
    summary = await bob.gets(room)
    assert (summary.get("unread", 0), summary.get("unread_mentions", 0)) == (0, 0)


async def test_mentions_of_strangers_are_ignored(people: Company) -> None:
    room, (alice, bob) = await people.in_direct("alice", "bob")
    stranger = await people.meets("mallory")
    await alice.sends(room, "who?", body={"mentions": ["mallory", "nobody", "bob", "bob"]})
    assert (await bob.gets(room))["unread_mentions"] == 1
    await stranger.is_silent()


async def test_names_of_rooms_and_sessions_are_unique(people: Company) -> None:
    alice = await people.connects("alice")
    bob = await people.connects("bob")
    sessions = [(await phone.says_hello())["session"] for phone in (alice, bob)]
    assert sessions[0] != sessions[1]
    group = await alice.creates_group("tea")
    direct = await alice.opens_direct(bob)
    assert (group[0], direct[0]) == ("g", "d")
