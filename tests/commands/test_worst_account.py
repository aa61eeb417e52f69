"""No frame is larger than the limit: the worst possible account asks for everything and receives it."""

import json
import sqlite3
from contextlib import asynccontextmanager, closing

import msgpack
import pytest

from chatd.core.cursors import cursor_of
from chatd.delivery.outbox import HEADS_PER_FRAME
from chatd.protocol.codec import encode
from chatd.protocol.limits import DEVICES_LISTED_MAX, REACTIONS_MAX
from chatd.protocol.messages import Body, Event, ReactionCount
from chatd.protocol.rooms import RoomUpdate
from chatd.storage.sqlite.sync import GONE_MAX
from tests.kit.adapters import sqlite
from tests.kit.env import START_MS
from tests.kit.frames import server_frames
from tests.kit.inprocess import device_of, in_process, new_key

ROOMS, LOUD, TOMBSTONES = 3000, 20, 1500  # of them all; with as much to show as may be; left behind
MESSAGES = 30
NODES = 4000  # values of one `data`
LETTER = "\x01"  # one byte of MessagePack, six of JSON
EMOJIS = [f":{number:062}:" for number in range(REACTIONS_MAX)]
USUAL = {"server_frame_bytes": 262_144, "body_bytes": 16_384, "page": 200, "focus": 8}
SMALL = {"server_frame_bytes": 65_536, "body_bytes": 4_096, "page": 409, "watch": 409, "focus": 4}


def long_name(number):
    return f"{number:064}"


ANN = long_name(0)


def longest(size):
    """Host data of at most so many bytes that JSON makes most of."""
    empty = [b""] * min(NODES, size // 2 - 4)
    return [*empty, LETTER * (size - 2 * len(empty) - 8)]


def message(seq, limits):
    """The longest message there is, with all reactions."""
    body = Body(data=longest(limits["body_bytes"] - 16))
    assert len(encode(body)) <= limits["body_bytes"]
    event = Event(
        seq=seq, kind="message", user=long_name(seq % 90), time=START_MS, ordinal=seq - 1, body=body
    )
    event.key, event.changed = f"{seq:036}", seq
    event.reactions = [ReactionCount(emoji, 10_000) for emoji in EMOJIS]
    return event


def rooms_of(limits):
    """Rows of `rooms`, the loud ones last, where a list begins."""
    data = encode(longest(limits["body_bytes"]))
    for number in range(1, ROOMS + TOMBSTONES + 1):
        loud = ROOMS - LOUD < number <= ROOMS
        seq = MESSAGES + 1 if loud else 1
        texts = (LETTER * 256, LETTER * 2048, 1, data) if loud else (LETTER * 256, "", 0, b"")
        counts = (seq, seq - 1, START_MS + number, 1, seq if loud else 0, 100 if loud else 1)
        yield (
            number,
            f"g{number:011}",
            "group",
            ANN,
            START_MS,
            None,
            None,
            *counts,
            *texts,
            None,
            0,
            ROOMS + TOMBSTONES if loud else number,
        )


def members_of(number):
    gone = "removed" if number > ROOMS else None
    users = [ANN, *(map(long_name, range(1, 100)) if number == ROOMS else ())]
    for user in users:
        yield (
            user,
            number,
            "owner" if user == ANN else "member",
            START_MS,
            1,
            1,
            0,
            0,
            0,
            1,
            0,
            0,
            0,
            gone,
            number,
        )


def events_of(number, blobs):
    created = encode(Event(seq=1, kind="created", user=ANN, time=START_MS, users=[ANN]))
    first, rest = number << 32, (None, None, None)
    yield (first | 1, "created", ANN, START_MS, None, *rest, None, number, None, created)
    for seq, blob in blobs if number == ROOMS else blobs[-1:]:
        yield (first | seq, "message", long_name(seq % 90), START_MS, seq - 1, *rest, seq, number, None, blob)


def rows_of(limits):
    """Everything that is stored, by table."""
    rooms, loud = range(1, ROOMS + TOMBSTONES + 1), range(ROOMS - LOUD + 1, ROOMS + 1)
    blobs = [(seq, encode(message(seq, limits))) for seq in range(2, MESSAGES + 2)]
    texts = LETTER * 256, LETTER * 2048
    yield "rooms", list(rooms_of(limits))
    yield "members", [row for number in rooms for row in members_of(number)]
    yield "memberships", [(ANN, ROOMS)]
    yield "events", [row for number in loud for row in events_of(number, blobs)]
    yield "reactions", [(ROOMS, seq, ANN, emoji) for seq, _ in blobs for emoji in EMOJIS]
    yield "users", [(long_name(n), *texts, 1, 1, 0, 0, 0, None, START_MS) for n in range(100)]
    words = LETTER * 64, LETTER * 64
    yield "devices", [(ANN, device_of(n), *words, START_MS + n, 0, 0) for n in range(DEVICES_LISTED_MAX)]


def build(path, limits):
    with closing(sqlite3.connect(path)) as connection:
        for table, rows in rows_of(limits):
            columns = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")][: len(rows[0])]
            places = ", ".join("?" * len(columns))
            connection.executemany(f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({places})", rows)
        connection.execute("UPDATE meta SET value = ? WHERE key = 'stamp'", (ROOMS + TOMBSTONES,))
        connection.commit()


@asynccontextmanager
async def limited_server(tmp_path, limits):
    await (await sqlite(tmp_path)).close()
    build(tmp_path / "chatd.sqlite", limits)
    async with in_process(tmp_path, rates={"enabled": False}, limits=limits) as server:
        yield server


class Requester:
    """A connection of the worst account, in one of the encodings."""

    def __init__(self, server, *, text):
        self.client = server.client(text=text)
        self.text = text
        self.server = server

    def send_packets(self, packet):
        self.client.session.received(json.dumps(packet).encode() if self.text else msgpack.packb(packet))

    async def request(self, **packet):
        packet["id"] = len(self.client.wire.packets) + 1000
        self.send_packets(packet)
        await self.server.wait_idle()
        return self.client.reply(packet["id"])

    def largest(self):
        """The size of the largest frame that came, inflated."""
        return max(len(payload) for write in self.client.wire.frames for _, payload in server_frames(write))


def everything(room):
    """Requests with the longest possible replies."""
    users = list(map(long_name, range(1, 100)))
    yield from ({"type": "log", "room": room, "from": start} for start in (1, 5, 25))
    yield from ({"type": "history", "room": room, "limit": 100, **where}
                for where in ({}, {"before": 25}, {"after": 3}, {"around": 20}))  # fmt: skip
    yield {"type": "changes", "room": room, "low": 1, "high": 99, "since": 0}
    yield {"type": "messages", "room": room, "seqs": list(range(2, MESSAGES + 2))}
    yield {"type": "users.get", "users": users}
    yield {"type": "readers", "room": room, "seq": 1}
    yield {"type": "members.list", "room": room}
    yield {"type": "watch", "users": users}
    yield {"type": "devices.list"}
    yield {"type": "room.get", "room": room}


def nonsense(room):
    """Requests with the longest possible errors."""
    junk = LETTER * 20_000
    yield {"type": junk}
    yield {"type": "mode", "mode": junk}
    yield {"type": "send", "room": room, "key": new_key(), "body": {"text": "x", junk: 1}}
    yield {
        "type": "send",
        "room": room,
        "key": new_key(),
        "body": {"text": "x", "attachments": [{"url": "u", junk: 1}]},
    }
    yield {"type": "send", "room": room, "key": new_key(), "body": {"data": {junk: {"$bytes": junk}}}}
    yield {"type": "log", "room": junk, "from": 1}
    yield {"type": "react", "room": room, "key": new_key(), "target": 2, "emoji": junk[:64], "set": True}


@pytest.mark.parametrize("text", [False, True], ids=["msgpack", "json"])
@pytest.mark.parametrize("limits", [USUAL, SMALL], ids=["usual", "small"])
async def test_no_reply_is_larger_than_a_frame(tmp_path, limits, text):
    room, loud = f"g{ROOMS:011}", [f"g{ROOMS - back:011}" for back in range(limits["focus"])]
    async with limited_server(tmp_path, limits) as server:
        hello = {"type": "hello", "version": 1, "token": ANN, "rooms": 1000, "focus": loud}
        epoch, before = server.store.epoch, ROOMS + TOMBSTONES - GONE_MAX
        since = {"epoch": epoch, "cursor": cursor_of(epoch, before), "events": 50, "previews": True}
        for known in ({}, since):
            requester = Requester(server, text=text)
            found = [(await requester.request(**hello, device=device_of(1), **known))["sync"]]
            while "more" in found[-1]:
                found.append(await requester.request(type="sync", more=found[-1]["more"]))
            named = {summary["room"] for page in found for summary in page["rooms"]}
            assert (len(named), len(found[0].get("gone", ()))) == ((LOUD, GONE_MAX) if known else (ROOMS, 0))
            assert requester.largest() <= limits["server_frame_bytes"]
        for packet in everything(room):
            reply = await requester.request(**packet)
            assert reply["type"] == "ok", reply
            assert requester.largest() <= limits["server_frame_bytes"], packet
        for packet in nonsense(room):
            await requester.request(**packet)
            assert requester.largest() <= limits["server_frame_bytes"], packet["type"]


@pytest.mark.parametrize("text", [False, True], ids=["msgpack", "json"])
@pytest.mark.parametrize("limits", [USUAL, SMALL], ids=["usual", "small"])
async def test_no_push_is_larger_than_a_frame(tmp_path, limits, text):
    room, size = f"g{ROOMS:011}", limits["body_bytes"]
    async with limited_server(tmp_path, limits) as server:
        ann = Requester(server, text=text)
        await ann.request(type="hello", version=1, token=ANN, device=device_of(1), focus=[room])
        await ann.request(type="watch", users=list(map(long_name, range(1, 100))))
        bob, cat = await server.connect(long_name(1)), await server.connect(long_name(2))
        settings = {"title": LETTER * 255, "avatar": LETTER * 2047, "data": longest(size - 1)}
        others = [await server.connect(long_name(number)) for number in range(3, 100)]
        for client in (bob, cat):
            body = {"data": longest(size - 16)}
            for _ in range(20):
                client.send_request(type="send", room=room, key=new_key(), body=body)
        await server.app.writer.submit_and_wait(ANN, RoomUpdate(room=room, key=new_key(), **settings))
        for client in others:
            client.send_packets({"type": "read", "room": room, "seq": 10**6})
        await server.wait_idle()
        await server.advance(5)
        heard = {packet["type"] for packet in ann.client.wire.packets}
        assert {"event", "room", "receipts", "presence"} <= heard
        assert ann.largest() <= limits["server_frame_bytes"]
        heads = {f"g{number:011}": (2**32 - 1, 2**32 - 1) for number in range(HEADS_PER_FRAME)}
        assert len(ann.client.session.head_frame(heads)) <= limits["server_frame_bytes"]
