"""Random lives: whatever people do to rooms and to each other, a phone that synchronises ends up with the truth."""

import asyncio
import random
from collections import Counter
from typing import Any

import pytest

from tests.kit.company import Company
from tests.kit.phone import Phone, fresh_key
from tests.kit.replica import Replica
from tests.kit.roomlist import RoomList

USERS = ("alice", "bob", "carol", "dave")
STEPS = 60
QUIET_EVERY = 15  # steps between two comparisons

# Pushes do not repeat what a client counts itself or learns from events.
LIVE_KEYS = (
    "room",
    "seq",
    "title",
    "public",
    "peer",
    "role",
    "muted_until",
    "pinned",
    "hidden",
    "first_visible",
)


class Life:
    """Random deeds of some users in a few rooms. Every mutation may be sent twice, as after a lost ack."""

    def __init__(self, phones: dict[str, Phone], seed: int) -> None:
        self.phones = phones
        self.choose = random.Random(seed)
        self.rooms: dict[str, Phone] = {}  # with a phone that had all rights at first
        self.sent: list[tuple[str, int, Phone]] = []
        self.done: Counter[str] = Counter()

    async def goes_on(self) -> None:
        """Three deeds at the same time."""
        deeds = [self.sends] * 4 + [self.changes] * 3 + [self.reads, self.prefers, self.creates, self.looks]
        deeds += [self.comes, self.comes, self.goes, self.invites, self.removes, self.promotes, self.updates]
        phones = list(self.phones.values())
        await asyncio.gather(*(self.choose.choice(deeds)(self.choose.choice(phones)) for _ in range(3)))

    async def creates(self, phone: Phone) -> None:
        if len(self.rooms) < 6:
            others = self.choose.sample(USERS, 3)
            fields = {"title": "t", "users": others, "public": self.choose.random() < 0.7}
            reply = await self._does(phone, {"type": "room.create", "kind": "group", **fields})
            self.rooms[reply["summary"]["room"]] = phone
        else:
            peer = self.choose.choice([user for user in USERS if user != phone.user])
            self.rooms[await phone.opens_direct(peer)] = phone

    async def sends(self, phone: Phone) -> None:
        mentions = self.choose.choice([[], [], ["*"], [self.choose.choice(USERS)]])
        body = {"text": "words", **({"mentions": mentions} if mentions else {})}
        room = self._room()
        if room and (
            seq := (await self._does(phone, {"type": "send", "room": room, "body": body})).get("seq")
        ):
            self.sent.append((room, seq, phone))

    async def changes(self, phone: Phone) -> None:
        """Do something to a message: mostly as its author, sometimes as whoever may not."""
        if not self.sent:
            return
        room, target, author = self.choose.choice(self.sent[-20:])
        deed: dict[str, Any] = self.choose.choice(
            [
                {"type": "edit", "body": {"text": "other words"}},
                {"type": "recall"},
                {"type": "react", "emoji": self.choose.choice("👍🎉"), "set": self.choose.random() < 0.7},
                {"type": "react", "emoji": "👍", "set": True},
                {"type": "pin", "set": self.choose.random() < 0.7},
            ]
        )
        by = self.choose.choice([author, author, self.rooms[room], phone])
        await self._does(by, {**deed, "room": room, "target": target})

    async def reads(self, phone: Phone) -> None:
        if room := self._room():
            await phone.is_answered({"type": "read", "room": room, "seq": self.choose.randint(0, 30)})

    async def prefers(self, phone: Phone) -> None:
        choices = [
            {"pinned": True},
            {"pinned": False},
            {"hidden": True},
            {"muted_until": 1},
            {"muted_until": 0},
        ]
        if room := self._room():
            await phone.is_answered({"type": "preferences", "room": room, **self.choose.choice(choices)})

    async def looks(self, phone: Phone) -> None:
        rooms = self.choose.sample(list(self.rooms), min(2, len(self.rooms)))
        await phone.asks({"type": "focus", "rooms": rooms})
        await phone.asks({"type": "mode", "mode": self.choose.choice(["foreground", "background"])})

    async def comes(self, phone: Phone) -> None:
        await self._in_room(phone, {"type": "room.join"})

    async def goes(self, phone: Phone) -> None:
        if self.choose.random() < 0.6:
            await self._in_room(phone, {"type": "room.leave"})
        else:
            await self._ruling(phone, {"type": "room.delete"})

    async def invites(self, phone: Phone) -> None:
        await self._ruling(phone, {"type": "members.add", "users": self.choose.sample(USERS, 2)})

    async def removes(self, phone: Phone) -> None:
        await self._ruling(phone, {"type": "members.remove", "users": [self.choose.choice(USERS)]})

    async def promotes(self, phone: Phone) -> None:
        role = self.choose.choice(["member", "admin", "owner"])
        users = [{"user": self.choose.choice(USERS), "role": role}]
        await self._ruling(phone, {"type": "members.role", "users": users})

    async def updates(self, phone: Phone) -> None:
        fields = self.choose.choice(
            [{"title": f"t{self.choose.random()}"}, {"public": True}, {"public": False}]
        )
        await self._ruling(phone, {"type": "room.update", **fields})

    def _room(self) -> str | None:
        return self.choose.choice(list(self.rooms)) if self.rooms else None

    async def _ruling(self, phone: Phone, packet: dict[str, Any]) -> None:
        """Something for owners: mostly done by the one who made the room."""
        if room := self._room():
            by = self.rooms[room] if self.choose.random() < 0.8 else phone
            await self._does(by, {**packet, "room": room})

    async def _in_room(self, phone: Phone, packet: dict[str, Any]) -> None:
        if room := self._room():
            await self._does(phone, {**packet, "room": room})

    async def _does(self, phone: Phone, packet: dict[str, Any]) -> dict[str, Any]:
        """Send a mutation, sometimes again with its key: what was stored is answered as it was."""
        packet = {**packet, "key": fresh_key()}
        reply = await phone.is_answered(packet)
        self.done[packet["type"]] += reply["type"] == "ok" and "duplicate" not in reply
        if reply["type"] == "ok" and "duplicate" not in reply and self.choose.random() < 0.4:
            again = await phone.asks(packet)
            number = None if packet["type"] == "room.create" else reply.get("seq")
            assert (again["duplicate"], again.get("seq")) == (True, number)
        return reply


async def test_a_random_life_has_some_of_everything(people: Company) -> None:
    life = Life({user: await people.meets(user) for user in USERS}, 1)
    for _ in range(3 * STEPS):
        await life.goes_on()
    kinds = "room.create room.join room.leave room.delete room.update members.add members.remove members.role"
    assert {*kinds.split(), "send", "edit", "recall", "react", "pin"} == (+life.done).keys()


@pytest.mark.parametrize("seed", range(4))
async def test_a_phone_that_syncs_with_its_cursor_has_what_a_new_phone_is_told(
    people: Company, seed: int
) -> None:
    life = Life({user: await people.meets(user) for user in USERS}, seed)
    synced = {user: await people.meets(user) for user in USERS}
    lists = {user: RoomList() for user in USERS}
    for step in range(STEPS):
        await life.goes_on()
        if step % QUIET_EVERY == QUIET_EVERY - 1:
            for user in USERS:
                synced[user], hello = await people.again(synced[user], **lists[user].position)
                lists[user].take_hello(hello)
                assert lists[user].rooms == await _truth(people, user)


async def _truth(people: Company, user: str) -> dict[str, Any]:
    """The room list as a phone without any memory is told it."""
    fresh = await people.connects(user)
    hello = await fresh.says_hello(previews=False)
    await fresh.hangs_up()
    complete = RoomList()
    complete.take_hello(hello)
    return complete.rooms


@pytest.mark.parametrize("seed", range(4))
async def test_a_phone_that_only_listens_has_what_a_new_phone_is_told(people: Company, seed: int) -> None:
    life = Life({user: await people.meets(user) for user in USERS}, 100 + seed)
    listening = {user: await people.meets(user, encoding="json" if seed % 2 else "msgpack") for user in USERS}
    for step in range(STEPS):
        await life.goes_on()
        if step % QUIET_EVERY == QUIET_EVERY - 1:
            for user, phone in listening.items():
                await phone.catches_up()
                assert _live(_listened(phone)) == _live(await _truth(people, user))


def _listened(phone: Phone) -> dict[str, Any]:
    kept = RoomList()
    for packet in phone.heard:
        if packet["type"] == "ok" and "sync" in packet:
            kept.take_hello(packet)
        kept.take_push(packet)
    return kept.rooms


def _live(rooms: dict[str, Any]) -> dict[str, Any]:
    return {name: {key: room.get(key) for key in LIVE_KEYS} for name, room in rooms.items()}


@pytest.mark.settings(delivery={"full_members": 2, "large_members": 3, "reactions_interval_s": 0.05})
@pytest.mark.parametrize("seed", range(4))
async def test_logs_are_dense_and_converge_in_small_and_large_rooms(people: Company, seed: int) -> None:
    life = Life({user: await people.meets(user) for user in USERS}, 200 + seed)
    for _ in range(STEPS):
        await life.goes_on()
    for user in USERS:
        phone = await people.connects(user)
        hello = await phone.says_hello()
        for summary in hello["sync"]["rooms"]:
            await _is_sound(phone, summary)


async def _is_sound(phone: Phone, summary: dict[str, Any]) -> None:
    room, first = summary["room"], summary.get("first_visible", 1)
    log, page = await _log_and_history(phone, room, first)
    assert [event["seq"] for event in log] == list(range(first, max(first, page["seq"] + 1)))
    assert page["seq"] >= summary["seq"]
    replayed, fetched = Replica(), Replica()
    replayed.apply_all(log + log)
    fetched.apply_all(page["events"])
    assert replayed.messages == fetched.messages


async def _log_and_history(
    phone: Phone, room: str, first: int
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Both of the same moment: read again while summaries of reactions are still being stored.

    A message may already show a change above the `seq` of its reply, never the other way round.
    """
    while True:
        log = await phone.logs(room, first)
        page = await phone.asks({"type": "history", "room": room, "limit": 100})
        newest = max([page["seq"], *(event.get("changed", 0) for event in page["events"])])
        if not log or log[-1]["seq"] == newest:
            return log, page
