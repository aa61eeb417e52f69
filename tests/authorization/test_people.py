"""The table of what one user may do towards another, one request for each cell, and the bytes that tell nothing."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgpack
import pytest

from chatd.core.accounts import Amend
from tests.kit.inprocess import InProcessClient, InProcessServer, in_process, new_key

LINES = (Path(__file__).parent / "people.txt").read_text().splitlines()
(_, *COLUMNS), *BODY = [line.split() for line in LINES if line and not line.startswith("#")]
ROWS = {name: dict(zip(COLUMNS, cells, strict=True)) for name, *cells in BODY}
# What these replies say must not tell one from the other.
ALIKE = ("unknown", "closed", "blocked")
DENIED = ("write", "add", "call", "presence", "page", "find")
FEATURES = ["account", "people"]


@dataclass
class Pair:
    """ann, who asks, and the target. `room`: a direct room in which both have written, with the messages of each."""

    server: InProcessServer
    ann: InProcessClient
    user: str
    target: InProcessClient | None = None
    room: str = ""
    own: int = 0
    others: int = 0

    async def ask(self, type: str, **keys: Any) -> dict[str, Any]:
        return await self.ann.request(type=type, **keys)

    async def mutate(self, type: str, **keys: Any) -> dict[str, Any]:
        return await self.ask(type, room=self.room, key=new_key(), **keys)

    def told(self, *types: str) -> list[dict[str, Any]]:
        return [] if self.target is None else self.target.take(*types)


async def met(server: InProcessServer, user: str) -> Pair:
    """Return ann and a target, in the relation of its column but for what ends it."""
    ann = await server.connect("ann", features=FEATURES)
    if user == "unknown":
        return Pair(server, ann, user)
    target = await server.connect(user, features=FEATURES)
    reply = await ann.request(type="room.direct", user=user)
    pair = Pair(server, ann, user, target, str(reply["summary"]["room"]))
    pair.own = (await ann.send(pair.room))["seq"]
    pair.others = (await target.send(pair.room))["seq"]
    if user in ("friend", "denied"):
        await ann.request(type="friend.request", user=user)
        await target.request(type="friend.request", user="ann")
    await target.request(type="profile.set", name="T", handle=f"{user}.t", bio="words")
    return pair


async def parted(pair: Pair) -> None:
    """Let the target close, block, deny or be blocked."""
    target = pair.target
    if pair.user == "closed":
        await pair.server.app.writer.submit_and_wait("closed", Amend(disabled=True))
    elif pair.user == "blocked" and target is not None:
        await target.request(type="contact.set", user="ann", blocked=True)
    elif pair.user == "denied" and target is not None:
        number = (await target.request(type="circle.set", name="Work"))["circle"]["number"]
        await target.request(type="contact.set", user="ann", circles=[number])
        rules = {name: {"to": "everyone", "deny": [number]} for name in DENIED if name != "presence"}
        rules["presence"] = {"to": "friends", "deny": [number]}
        assert (await target.request(type="privacy.set", rules=rules))["type"] == "ok"
    elif pair.user == "blocker":
        await pair.ann.request(type="contact.set", user="blocker", blocked=True)
    for client in (pair.ann, target):
        if client is not None:
            client.take()


Answer = tuple[str, dict[str, Any]]
Row = Callable[[Pair], Awaitable[Answer]]


def plain(reply: dict[str, Any], seen: Any = True, otherwise: str = "nothing") -> str:
    """Return the code of a refusal, `duplicate`, or whether something was seen."""
    if reply["type"] == "error":
        return str(reply["code"])
    return "duplicate" if reply.get("duplicate") else "ok" if seen else otherwise


def mutation(type: str, target: str, **keys: Any) -> Row:
    async def row(pair: Pair) -> Answer:
        reply = await pair.mutate(type, target=getattr(pair, target), **keys)
        return plain(reply, seen=pair.told("event") or pair.target is None or type == "recall"), reply

    return row


async def send(pair: Pair) -> Answer:
    reply = await pair.mutate("send", body={"text": "hello"})
    return plain(reply, seen=pair.told("event")), reply


async def send_first(pair: Pair) -> Answer:
    """A target of the same kind who never met ann: the relation of its column, without a room."""
    pair.room = str((await pair.ask("room.direct", user=pair.user))["summary"]["room"])
    assert pair.told() == []
    reply = await pair.mutate("send", body={"text": "hello"})
    return (
        "ask" if any("request" in push.get("summary", {}) for push in pair.told()) else plain(reply)
    ), reply


async def direct(pair: Pair) -> Answer:
    reply = await pair.ask("room.direct", user=pair.user)
    return plain(reply), reply


async def typing(pair: Pair) -> Answer:
    assert pair.target is not None
    await pair.target.request(type="focus", rooms=[pair.room])
    reply = await pair.ask("typing", room=pair.room)
    return plain(reply, seen=pair.told("typing")), reply


async def read(pair: Pair) -> Answer:
    reply = await pair.ask("read", room=pair.room, seq=pair.others)
    await pair.server.advance(1)
    return plain(reply, seen=pair.told("receipts")), reply


async def readers(pair: Pair) -> Answer:
    assert pair.target is not None
    await pair.target.request(type="read", room=pair.room, seq=pair.own)
    reply = await pair.ask("readers", room=pair.room, seq=pair.own)
    return plain(reply, seen=reply["count"]), reply


async def friend_request(pair: Pair) -> Answer:
    reply = await pair.ask("friend.request", user=pair.user)
    return plain(reply), {key: value for key, value in reply.items() if key != "contact"}


def added(reply: dict[str, Any], user: str) -> str:
    """Return what came of a user who was added to a group."""
    if reply.get("not_added") == [user]:
        return "left_out"
    return "offered" if reply.get("offered") == [user] else "ok"


async def room_create(pair: Pair) -> Answer:
    reply = await pair.ask("room.create", key=new_key(), kind="group", title="t", users=[pair.user])
    outcome = added(reply, pair.user)
    assert outcome != "ok" or pair.told("room")
    return outcome, {**reply, "summary": reply["summary"]["members"]}


async def members_add(pair: Pair) -> Answer:
    pair.room = await pair.ann.create_group()
    reply = await pair.mutate("members.add", users=[pair.user])
    return added(reply, pair.user), reply


async def watch(pair: Pair) -> Answer:
    reply = await pair.ask("watch", users=[pair.user])
    return ("ok" if reply["users"][0].get("state") == "online" else "offline"), reply


async def users_get(pair: Pair) -> Answer:
    reply = await pair.ask("users.get", users=[pair.user], page=True)
    (card,) = reply["users"]
    return ("page" if "page" in card else "plate" if "name" in card else "empty"), reply


async def users_find(pair: Pair) -> Answer:
    reply = await pair.ask("users.find", handle=f"{pair.user}.t")
    return plain(reply, seen=reply["users"], otherwise="empty"), reply


REQUESTS: dict[str, Row] = {
    "room.direct": direct,
    "send/first": send_first,
    "send": send,
    "edit": mutation("edit", "own", body={"text": "better"}),
    "react": mutation("react", "others", emoji="👍", set=True),
    "pin": mutation("pin", "others", set=True),
    "recall": mutation("recall", "own"),
    "typing": typing,
    "read": read,
    "readers": readers,
    "friend.request": friend_request,
    "room.create": room_create,
    "members.add": members_add,
    "watch": watch,
    "users.get": users_get,
    "users.find": users_find,
}
# The rows about a direct room of two who wrote there; before all others the pair never met in a room.
IN_A_ROOM = ("send", "edit", "react", "pin", "recall", "typing", "read", "readers")


async def unmet(server: InProcessServer, user: str) -> Pair:
    """Return ann and a target as `met` does, without a room of both."""
    ann = await server.connect("ann", features=FEATURES)
    pair = Pair(server, ann, user)
    if user != "unknown":
        target = pair.target = await server.connect(user, features=FEATURES)
        if user in ("friend", "denied"):
            await ann.request(type="friend.request", user=user)
            await target.request(type="friend.request", user="ann")
        await target.request(type="profile.set", name="T", handle=f"{user}.t", bio="words")
    return pair


def said(reply: dict[str, Any], user: str) -> bytes:
    """Return the bytes of a reply, without its number, its time and the name of the target."""
    shown = {key: value for key, value in reply.items() if key not in ("id", "time")}
    packed: bytes = msgpack.packb(shown)
    return packed.replace(msgpack.packb(user), b"?")


@pytest.mark.parametrize("name", ROWS)
async def test_a_row_is_as_the_table_says(name: str, tmp_path: Path) -> None:
    found, replies, work = {}, {}, {}
    for column in COLUMNS:
        if ROWS[name][column] == "-":
            found[column] = "-"
            continue
        people = {"enabled": True, "unknown_users": "refuse"}
        async with in_process(tmp_path / column, rates={"enabled": False}, people=people) as server:
            pair = await (met if name in IN_A_ROOM else unmet)(server, column)
            await parted(pair)
            before, calls = server.store.stamp, server.store.calls.copy()
            found[column], reply = await REQUESTS[name](pair)
            work[column] = server.store.calls - calls
            replies[column] = said(reply, column)
            if reply["type"] == "error":
                assert server.store.stamp == before, f"{column}: it was refused and carried out"
                assert pair.told() == [], f"{column}: the other heard of what was not done"
    assert found == ROWS[name]
    alike = [column for column in ALIKE if column in replies]
    assert len({replies[column] for column in alike}) <= 1, "the replies tell which"
    assert all(work[column] == work[alike[0]] for column in alike), f"the work tells which: {work}"


def test_every_row_has_a_request() -> None:
    assert set(ROWS) == set(REQUESTS)
