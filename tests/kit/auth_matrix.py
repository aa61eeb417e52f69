"""The permissions: the table tests/authorization/matrix.txt, the users in its columns and the requests in its rows."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tests.kit.inprocess import InProcessClient, InProcessServer, device_of, new_key

TABLE = Path(__file__).parents[1] / "authorization" / "matrix.txt"
# Columns of users whose connection ends.
ENDED = ("banned", "expired", "revoked")

# Users who are banned from a room: they see what `removed` and `stranger` see.
SHUT_OUT, NEVER_IN = "shut_out", "never_in"

# The users who are acted on.
AUTHOR, DEPUTY, VICTIM, NEWCOMER = "author", "deputy", "victim", "newcomer"
# The spare device of the user who asks; the author has device 1.
SPARE_DEVICE = 7


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
    """Return the rows of the table by name."""
    lines = [line.split() for line in TABLE.read_text().splitlines() if line and not line.startswith("#")]
    (_, _, *columns), *body = lines
    found = {name: Row(name, word, dict(zip(columns, cells, strict=True))) for name, word, *cells in body}
    assert len(found) == len(body), "a row stands there twice"
    return found


@dataclass(frozen=True)
class PreparedRoom:
    """A room with two messages, `own` of the user who asks, if they could post, and `others` of another user.

    `home`: a room in which the user is alone. `invite`: one to the room that works.
    """

    room: str
    own: int
    others: int
    user: str = ""
    home: str = ""
    invite: str = "A" * 22


REQUESTS: dict[str, Callable[[PreparedRoom], dict[str, Any]]] = {
    "auth": lambda prepared: {"token": prepared.user},
    "mode": lambda prepared: {"mode": "background"},
    "ping": lambda prepared: {},
    "pong": lambda prepared: {},
    "sync": lambda prepared: {},
    "log": lambda prepared: {"room": prepared.room, "from": 1},
    "history": lambda prepared: {"room": prepared.room},
    "changes": lambda prepared: {"room": prepared.room, "low": 1, "high": 9, "since": 0},
    "messages": lambda prepared: {"room": prepared.room, "seqs": [prepared.others]},
    "send": lambda prepared: {"room": prepared.room, "body": {"text": "words"}},
    "edit/own": lambda prepared: {
        "room": prepared.room,
        "target": prepared.own,
        "body": {"text": "other words"},
    },
    "edit/others": lambda prepared: {
        "room": prepared.room,
        "target": prepared.others,
        "body": {"text": "other words"},
    },
    "recall/own": lambda prepared: {"room": prepared.room, "target": prepared.own},
    "recall/others": lambda prepared: {"room": prepared.room, "target": prepared.others},
    "react": lambda prepared: {"room": prepared.room, "target": prepared.others, "emoji": "👍", "set": True},
    "pin": lambda prepared: {"room": prepared.room, "target": prepared.others, "set": True},
    "forward/to": lambda prepared: {"room": prepared.room, "from": prepared.room, "seqs": [prepared.others]},
    "forward/from": lambda prepared: {
        "room": prepared.home or prepared.room,
        "from": prepared.room,
        "seqs": [prepared.own, prepared.others],
    },
    "read": lambda prepared: {"room": prepared.room, "seq": prepared.others},
    "delivered": lambda prepared: {"rooms": [{"room": prepared.room, "seq": prepared.others}]},
    "readers": lambda prepared: {"room": prepared.room, "seq": prepared.others},
    "focus": lambda prepared: {"rooms": [prepared.room]},
    "typing": lambda prepared: {"room": prepared.room},
    "watch": lambda prepared: {"users": [AUTHOR]},
    "room.create": lambda prepared: {"kind": "group", "title": "t"},
    "room.direct": lambda prepared: {"user": NEWCOMER},
    "room.get": lambda prepared: {"room": prepared.room},
    "room.update": lambda prepared: {"room": prepared.room, "title": "another"},
    "room.delete": lambda prepared: {"room": prepared.room},
    "room.join": lambda prepared: {"room": prepared.room},
    "room.leave": lambda prepared: {"room": prepared.room},
    "members.list": lambda prepared: {"room": prepared.room},
    "members.add": lambda prepared: {"room": prepared.room, "users": [NEWCOMER]},
    "members.remove": lambda prepared: {"room": prepared.room, "users": [VICTIM]},
    "members.remove/admin": lambda prepared: {"room": prepared.room, "users": [DEPUTY]},
    "members.role": lambda prepared: {"room": prepared.room, "users": [{"user": VICTIM, "role": "admin"}]},
    "members.remove/ban": lambda prepared: {"room": prepared.room, "users": [VICTIM], "ban": True},
    "members.unban": lambda prepared: {"room": prepared.room, "users": [VICTIM]},
    "members.silence": lambda prepared: {"room": prepared.room, "users": [VICTIM], "until": 1},
    "members.silence/admin": lambda prepared: {"room": prepared.room, "users": [DEPUTY], "until": 1},
    "members.nickname": lambda prepared: {"room": prepared.room, "nickname": "Captain"},
    "members.nickname/others": lambda prepared: {"room": prepared.room, "nickname": "", "user": VICTIM},
    "members.get": lambda prepared: {"room": prepared.room, "users": [VICTIM]},
    "members.list/banned": lambda prepared: {"room": prepared.room, "role": "banned"},
    "announce": lambda prepared: {"room": prepared.room, "target": prepared.others},
    "room.update/policy": lambda prepared: {"room": prepared.room, "policy": {"slow_s": 5}},
    "room.update/owned": lambda prepared: {"room": prepared.room, "policy": {"history": "all"}},
    "room.update/retain": lambda prepared: {"room": prepared.room, "policy": {"retain_s": 86_400}},
    "invites.create": lambda prepared: {"room": prepared.room},
    "invites.list": lambda prepared: {"room": prepared.room},
    "invites.revoke": lambda prepared: {"room": prepared.room},
    "invites.look": lambda prepared: {"invite": prepared.invite},
    "invites.use": lambda prepared: {"invite": prepared.invite},
    "joins.list": lambda prepared: {"room": prepared.room},
    "joins.decide": lambda prepared: {"room": prepared.room, "users": [VICTIM], "accept": True},
    "unread/room": lambda prepared: {"room": prepared.room},
    "unread/badge": lambda prepared: {},
    "reads": lambda prepared: {"rooms": [{"room": prepared.room, "seq": prepared.others}]},
    "verify": lambda prepared: {"rooms": 0, "digest": 0},
    "preferences/folder": lambda prepared: {"room": prepared.room, "folder": 1, "unread_mark": True},
    "preferences/folders": lambda prepared: {"folders": [{"id": 2, "name": "Work"}], "credit": False},
    "draft": lambda prepared: {"room": prepared.room, "body": {"text": "I could br"}},
    "draft/dropped": lambda prepared: {"room": prepared.room},
    "schedule": lambda prepared: {"room": prepared.room, "at": 1, "body": {"text": "hi"}},
    "schedule/cancelled": lambda prepared: {"room": prepared.room},
    "delete/unread": lambda prepared: {"room": prepared.room, "ranges": [[prepared.others, prepared.others]]},
    "clear": lambda prepared: {"room": prepared.room, "seq": 1},
    "preferences/room": lambda prepared: {"room": prepared.room, "pinned": True},
    "preferences/account": lambda prepared: {"receipts": False},
    "preferences/presence": lambda prepared: {"presence": True},
    "users.get": lambda prepared: {"users": [AUTHOR]},
    "users.get/page": lambda prepared: {"users": [AUTHOR], "page": True},
    "preferences/push": lambda prepared: {"push": {"groups": "mentions"}},
    "preferences/notify": lambda prepared: {"room": prepared.room, "notify": "mentions"},
    "devices.push": lambda prepared: {"platform": "apns", "token": "9f2c41d8"},
    "devices.push/removed": lambda prepared: {"platform": "apns", "token": ""},
    "devices.list": lambda prepared: {},
    "devices.remove/own": lambda prepared: {"device": device_of(SPARE_DEVICE)},
    "devices.remove/others": lambda prepared: {"device": device_of(1)},
    "privacy.set": lambda prepared: {"rules": {"page": {"to": "nobody"}}},
    "room.accept": lambda prepared: {"room": prepared.room},
    "room.decline": lambda prepared: {"room": prepared.room},
    **{
        f"friend.{verb}": lambda prepared: {"user": AUTHOR}
        for verb in ("request", "accept", "decline", "cancel", "remove")
    },
    "file.link": lambda prepared: {
        "places": [{"room": prepared.room, "seq": prepared.others, "file": "A" * 22}]
    },
    "played": lambda prepared: {"room": prepared.room, "seq": prepared.others},
    "file.list": lambda prepared: {},
    "sticker.list": lambda prepared: {},
    "send/comment": lambda prepared: {"room": prepared.room, "body": {"text": "hi"}, "post": 1},
    "history/post": lambda prepared: {"room": prepared.room, "post": 1},
    "comments": lambda prepared: {"room": prepared.room, "seqs": [1]},
    "room.update/comments": lambda prepared: {"room": prepared.room, "comments": prepared.room},
    "search/room": lambda prepared: {"room": prepared.room, "text": "hello"},
    "rooms.find": lambda prepared: {"text": "hello"},
    "search/rooms": lambda prepared: {"text": "hello"},
    "push.test": lambda prepared: {},
    "push.decisions": lambda prepared: {},
    "bots.get": lambda prepared: {"bot": AUTHOR},
    "profile.set": lambda prepared: {"name": "words"},
    "users.find": lambda prepared: {"handle": "author"},
    "contact.set": lambda prepared: {"user": AUTHOR, "blocked": True},
    "circle.set": lambda prepared: {"name": "Bikes"},
    "circle.delete": lambda prepared: {"number": 1},
    "report/message": lambda prepared: {"room": prepared.room, "seq": prepared.others, "reason": "abuse"},
    "report/room": lambda prepared: {"room": prepared.room, "reason": "spam"},
    "report/user": lambda prepared: {"user": AUTHOR, "reason": "fraud"},
}


def request_of(name: str, prepared: PreparedRoom) -> dict[str, Any]:
    """Return the request of a row, with a fresh key; keys that the command does not know are ignored."""
    return {"type": name.partition("/")[0], "key": new_key(), **REQUESTS[name](prepared)}


class AuthMatrix:
    """A server with the users of every room; `prepare_room` makes a fresh room for each request."""

    def __init__(self, server: InProcessServer, author: InProcessClient, founder: InProcessClient) -> None:
        self.server = server
        self.author = author
        self._founder = founder

    @classmethod
    async def open(cls, server: InProcessServer) -> "AuthMatrix":
        return cls(server, await server.connect(AUTHOR), await server.connect("founder"))

    async def connect_as(self, column: str) -> InProcessClient:
        """Return a user of this column, connected twice: with device 2, and with a spare one."""
        spare = await self.server.connect(column, SPARE_DEVICE)
        spare.hang_up()
        await self.server.wait_idle()
        return await self.server.connect(column, 2)

    async def prepare_room(self, column: str, asker: InProcessClient) -> PreparedRoom:
        """Return a fresh room in which `asker` is what the column says; no push waits for anybody afterwards."""
        user = asker.session.user
        if column == "direct":
            reply = await self.author.request(type="room.direct", user=user)
            prepared = await self._written(asker, str(reply["summary"]["room"]), asker)
        else:
            inside = column not in ("stranger", "passer_by", NEVER_IN)
            prepared = await self._group(column, asker, [user] if inside else [])
        prepared = replace(prepared, home=await asker.create_group())
        for client in (asker, self.author, self._founder):
            client.wire.take()
        return prepared

    async def _group(self, column: str, asker: InProcessClient, more: list[str]) -> PreparedRoom:
        user = asker.session.user
        users = (AUTHOR, DEPUTY, VICTIM, *more)
        room = await self._founder.create_group(*users, public=column == "passer_by")
        roles = {DEPUTY: "admin"} | ({user: column} if column in ("admin", "owner") else {})
        await self._moderate("members.role", room, users=[{"user": u, "role": r} for u, r in roles.items()])
        prepared = await self._written(asker if more else self.author, room, asker)
        made = await self._moderate("invites.create", room)
        prepared = replace(prepared, invite=made["invite"]["invite"])
        if column in ("removed", SHUT_OUT):
            await self._moderate("members.remove", room, users=[user], ban=column == SHUT_OUT)
        if column == NEVER_IN:
            await self._moderate("members.remove", room, users=[user], ban=True)
        if column == "deleted":
            await self._moderate("room.delete", room)
        return prepared

    async def _written(self, writer: InProcessClient, room: str, asker: InProcessClient) -> PreparedRoom:
        own = (await writer.send(room))["seq"]
        return PreparedRoom(room, own, (await self.author.send(room))["seq"], asker.session.user)

    async def _moderate(self, kind: str, room: str, **keys: Any) -> dict[str, Any]:
        reply = await self._founder.request(type=kind, room=room, key=new_key(), **keys)
        assert reply["type"] == "ok", reply
        return reply

    async def outcome(self, asker: InProcessClient, name: str, prepared: PreparedRoom) -> str:
        """Send the request of a row and return its outcome, in the words of the table."""
        before = self.server.store.stamp
        id = asker.send_request(**request_of(name, prepared))
        await self.server.wait_idle()
        replies = [packet for packet in asker.wire.packets if packet.get("id") == id]
        return outcome_of(name, replies, moved=self.server.store.stamp != before)


def outcome_of(name: str, replies: list[dict[str, Any]], *, moved: bool) -> str:
    """Return the outcome of a request; `moved`: something was stored."""
    if not replies:
        return "silent"
    (reply,) = replies
    if reply["type"] == "error":
        assert not moved, f"{name} was refused and carried out: {reply!r}"
        return str(reply["code"])
    if "duplicate" in reply:
        return "duplicate"
    seen = any("state" in row for row in reply.get("users", ()))
    shown = bool(reply.get("rooms"))
    done = {"focus": shown, "reads": shown, "delivered": moved, "watch": seen}
    return "ok" if done.get(name, True) else "passed"
