"""Reads a made-up database back through the daemon, page by page: how long each takes, and whether it is right."""

import random
import time
from typing import Any

from bench.checks import Tally
from bench.client.phone import Phone
from bench.codec import Packet
from bench.endpoint import Endpoint
from bench.histogram import Histogram
from bench.history.filling import message
from bench.history.shape import HEAVY_USERS, RUN, Room, Shape

PAGE = 50  # messages: what one screen of a phone asks for (protocol.md "Reading history")
_ROOMS_A_PAGE = 200  # `limits.page`: the most a sync brings at once


class Reading:
    """One phone after the other looks at what years left; every answer is compared with the shape."""

    def __init__(self, there: Endpoint, shape: Shape, tally: Tally, seed: int) -> None:
        self.pages = Histogram()  # from asking for 50 messages to having them decoded
        self.hellos = Histogram()  # from saying hello to having the first rooms decoded
        self.syncs = Histogram()  # the same, until all rooms are there
        self._there = there
        self._shape = shape
        self._tally = tally
        self._chance = random.Random(seed)
        self._rooms = {room.name: room for room in shape.all_rooms}

    async def greet(self, times: int) -> None:
        for place in range(times):
            user = self._shape.script.user(self._shape.heavy(place % HEAVY_USERS))
            phone = await self._there.dial()
            started_ns = time.perf_counter_ns()
            page = (await self._there.hello(phone, user, f"{RUN}-{place}"))["sync"]
            self.hellos.record(time.perf_counter_ns() - started_ns)
            found: list[Packet] = list(page["rooms"])
            while "more" in page:
                page = await phone.request({"type": "sync", "more": page["more"], "rooms": _ROOMS_A_PAGE})
                found += page["rooms"]
            self.syncs.record(time.perf_counter_ns() - started_ns)
            await phone.close()
            self._check_rooms(user, {summary["room"]: summary for summary in found})

    async def leaf(self, times: int) -> None:
        """Asks for a page somewhere in the log of some room, that often, in the name of one of its members."""
        heavy = [self._shape.heavy(place) for place in range(HEAVY_USERS)]
        users = [self._shape.script.user(number) for number in heavy]
        phones = {user: await self._there.enter(user, f"{RUN}-reader") for user in users}
        theirs = {user: [room for room in self._rooms.values() if user in room.users] for user in phones}
        for _ in range(times):
            user = self._chance.choice(list(phones))
            await self._page(phones[user], self._chance.choice(theirs[user]))
        for phone in phones.values():
            await phone.close()

    async def _page(self, phone: Phone, room: Room) -> None:
        before = self._chance.randint(min(3, room.messages + 2), room.messages + 2)
        asked: Packet = {"type": "history", "room": room.name, "before": before, "limit": PAGE}
        started_ns = time.perf_counter_ns()
        reply = await phone.request(asked)
        self.pages.record(time.perf_counter_ns() - started_ns)
        last = before - 2  # the ordinal of the message before
        wanted = [self._message(room, ordinal) for ordinal in range(max(1, last - PAGE + 1), last + 1)]
        self._same(f"history of {room.name} before {before}", reply["events"], wanted)
        self._same(f"the end of {room.name}", reply["seq"], room.messages + 1)

    def _message(self, room: Room, ordinal: int) -> dict[str, Any]:
        return message(room, ordinal, self._shape.text(room, ordinal))

    def _check_rooms(self, user: str, found: dict[str, Packet]) -> None:
        wanted = {room.name: room for room in self._rooms.values() if user in room.users}
        if missing := wanted.keys() - found.keys():
            self._tally.add("lost", f"{user} misses {len(missing)} rooms", len(missing))
        if foreign := found.keys() - wanted.keys():
            self._tally.add("misrouted", f"{user} sees {len(foreign)} rooms they are not in", len(foreign))
        for name in wanted.keys() & found.keys():
            self._check_summary(user, wanted[name], found[name])

    def _check_summary(self, user: str, room: Room, summary: Packet) -> None:
        (member,) = [one for one in self._shape.members(room) if one.user == user]
        unread = room.messages - member.read_ordinal - member.own_unread
        told = [summary.get(key, 0) for key in ("seq", "ordinal", "unread", "members")]
        wanted = [room.messages + 1, room.messages, unread, len(room.users)]
        self._same(f"{room.name} as {user} sees it", told, wanted)
        if room.messages:
            last = self._message(room, room.messages)
            self._same(f"the preview of {room.name}", summary.get("preview"), last)

    def _same(self, what: str, told: object, wanted: object) -> None:
        if told != wanted:
            self._tally.add("altered", f"{what} is {str(told)[:200]}, not {str(wanted)[:200]}")
