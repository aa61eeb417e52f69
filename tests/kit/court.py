"""Who may what: the table tests/authorization/matrix.txt, the people in its columns and the requests in its rows."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.kit.indoors import Guest, Indoors, device_of, new_key

TABLE = Path(__file__).parents[1] / "authorization" / "matrix.txt"
ENDED = ("banned", "expired", "revoked")  # columns of those whose connection ends

AUTHOR, VIZIER, VICTIM, NEWCOMER = "author", "vizier", "victim", "newcomer"  # on whom is acted
SPARE_DEVICE = 7  # of whoever asks; the author has device 1


@dataclass(frozen=True)
class Row:
    """One row of the table; `outcomes` by column."""

    name: str
    word: str
    outcomes: dict[str, str]

    @property
    def command(self) -> str:
        return self.name.partition("/")[0]


def rows() -> dict[str, Row]:
    """The table, by name of the row."""
    lines = [line.split() for line in TABLE.read_text().splitlines() if line and not line.startswith("#")]
    (_, _, *columns), *body = lines
    found = {name: Row(name, word, dict(zip(columns, cells, strict=True))) for name, word, *cells in body}
    assert len(found) == len(body), "a row stands there twice"
    return found


@dataclass(frozen=True)
class Stage:
    """A room with two messages, `own` of `user` who asks, if he could post, and `others` of somebody else."""

    room: str
    own: int
    others: int
    user: str = ""


REQUESTS: dict[str, Callable[[Stage], dict[str, Any]]] = {
    "auth": lambda stage: {"token": stage.user},
    "mode": lambda stage: {"mode": "background"},
    "ping": lambda stage: {},
    "pong": lambda stage: {},
    "sync": lambda stage: {},
    "log": lambda stage: {"room": stage.room, "from": 1},
    "history": lambda stage: {"room": stage.room},
    "changes": lambda stage: {"room": stage.room, "low": 1, "high": 9, "since": 0},
    "messages": lambda stage: {"room": stage.room, "seqs": [stage.others]},
    "send": lambda stage: {"room": stage.room, "body": {"text": "words"}},
    "edit/own": lambda stage: {"room": stage.room, "target": stage.own, "body": {"text": "other words"}},
    "edit/others": lambda stage: {
        "room": stage.room,
        "target": stage.others,
        "body": {"text": "other words"},
    },
    "recall/own": lambda stage: {"room": stage.room, "target": stage.own},
    "recall/others": lambda stage: {"room": stage.room, "target": stage.others},
    "react": lambda stage: {"room": stage.room, "target": stage.others, "emoji": "👍", "set": True},
    "pin": lambda stage: {"room": stage.room, "target": stage.others, "set": True},
    "read": lambda stage: {"room": stage.room, "seq": stage.others},
    "delivered": lambda stage: {"rooms": [{"room": stage.room, "seq": stage.others}]},
    "readers": lambda stage: {"room": stage.room, "seq": stage.others},
    "focus": lambda stage: {"rooms": [stage.room]},
    "typing": lambda stage: {"room": stage.room},
    "watch": lambda stage: {"users": [AUTHOR]},
    "room.create": lambda stage: {"kind": "group", "title": "t"},
    "room.direct": lambda stage: {"user": NEWCOMER},
    "room.get": lambda stage: {"room": stage.room},
    "room.update": lambda stage: {"room": stage.room, "title": "another"},
    "room.delete": lambda stage: {"room": stage.room},
    "room.join": lambda stage: {"room": stage.room},
    "room.leave": lambda stage: {"room": stage.room},
    "members.list": lambda stage: {"room": stage.room},
    "members.add": lambda stage: {"room": stage.room, "users": [NEWCOMER]},
    "members.remove": lambda stage: {"room": stage.room, "users": [VICTIM]},
    "members.remove/admin": lambda stage: {"room": stage.room, "users": [VIZIER]},
    "members.role": lambda stage: {"room": stage.room, "users": [{"user": VICTIM, "role": "admin"}]},
    "preferences/room": lambda stage: {"room": stage.room, "pinned": True},
    "preferences/account": lambda stage: {"receipts": False},
    "preferences/presence": lambda stage: {"presence": True},
    "users.get": lambda stage: {"users": [AUTHOR]},
    "devices.push": lambda stage: {"platform": "apns", "token": "t"},
    "devices.list": lambda stage: {},
    "devices.remove/own": lambda stage: {"device": device_of(SPARE_DEVICE)},
    "devices.remove/others": lambda stage: {"device": device_of(1)},
}


def request_of(name: str, stage: Stage) -> dict[str, Any]:
    """The request of a row, with a key of its own; keys that the command does not know are ignored."""
    return {"type": name.partition("/")[0], "key": new_key(), **REQUESTS[name](stage)}


class Court:
    """A house with the people rooms are made of; `stages` makes a fresh room for each question."""

    def __init__(self, house: Indoors, author: Guest, king: Guest) -> None:
        self.house = house
        self.author = author
        self._king = king

    @classmethod
    async def opens(cls, house: Indoors) -> "Court":
        return cls(house, await house.meets(AUTHOR), await house.meets("king"))

    async def arrives(self, column: str) -> Guest:
        """Somebody of this column, connected twice: with device 2, and with one to spare."""
        spare = await self.house.meets(column, SPARE_DEVICE)
        spare.hangs_up()
        await self.house.quiet()
        return await self.house.meets(column, 2)

    async def stages(self, column: str, asker: Guest) -> Stage:
        """A fresh room in which `asker` is what the column says; nothing waits for anybody afterwards."""
        user = asker.session.user
        if column == "direct":
            reply = await self.author.asks(type="room.direct", user=user)
            stage = await self._written(asker, str(reply["summary"]["room"]), asker)
        else:
            inside = column not in ("stranger", "passer_by")
            stage = await self._group(column, asker, [user] if inside else [])
        for guest in (asker, self.author, self._king):
            guest.wire.take()
        return stage

    async def _group(self, column: str, asker: Guest, more: list[str]) -> Stage:
        user = asker.session.user
        users = (AUTHOR, VIZIER, VICTIM, *more)
        room = await self._king.makes_group(*users, public=column == "passer_by")
        roles = {VIZIER: "admin"} | ({user: column} if column in ("admin", "owner") else {})
        await self._rules("members.role", room, users=[{"user": u, "role": r} for u, r in roles.items()])
        stage = await self._written(asker if more else self.author, room, asker)
        if column == "removed":
            await self._rules("members.remove", room, users=[user])
        if column == "deleted":
            await self._rules("room.delete", room)
        return stage

    async def _written(self, writer: Guest, room: str, asker: Guest) -> Stage:
        own = (await writer.sends(room))["seq"]
        return Stage(room, own, (await self.author.sends(room))["seq"], asker.session.user)

    async def _rules(self, kind: str, room: str, **keys: Any) -> None:
        reply = await self._king.asks(type=kind, room=room, key=new_key(), **keys)
        assert reply["type"] == "ok", reply

    async def asks(self, asker: Guest, name: str, stage: Stage) -> str:
        """Ask the request of a row; the outcome as the cells of the table have it."""
        before = self.house.store.stamp
        id = asker.asks_for(**request_of(name, stage))
        await self.house.quiet()
        replies = [packet for packet in asker.wire.packets if packet.get("id") == id]
        return outcome_of(name, replies, moved=self.house.store.stamp != before)


def outcome_of(name: str, replies: list[dict[str, Any]], *, moved: bool) -> str:
    """What a request came to; `moved`: something was stored."""
    if not replies:
        return "silent"
    (reply,) = replies
    if reply["type"] == "error":
        assert not moved, f"{name} was refused and carried out: {reply!r}"
        return str(reply["code"])
    if "duplicate" in reply:
        return "duplicate"
    seen = any("state" in row for row in reply.get("users", ()))
    done = {"focus": bool(reply.get("rooms")), "delivered": moved, "watch": seen}
    return "ok" if done.get(name, True) else "passed"
