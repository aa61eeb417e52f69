"""Permissions in channels: each request of a table, asked by everybody who may stand to a channel."""

from pathlib import Path
from typing import Any

import pytest

from tests.kit.inprocess import InProcessClient, in_process, new_key

COLUMNS = ("stranger", "former", "follower", "admin", "owner")
# In the order of COLUMNS; what changes the channel for those behind comes last there.
TABLE = """
room.get         not_found not_member ok        ok        ok
room.join        ok        ok         duplicate duplicate duplicate
history          not_found not_member ok        ok        ok
log              not_found not_member ok        ok        ok
messages         not_found not_member ok        ok        ok
read             not_found not_member ok        ok        ok
react            not_found not_member ok        ok        ok
readers          not_found not_member ok        ok        ok
typing           not_found not_member ok        ok        ok
preferences      not_found not_member ok        ok        ok
members.list     not_found not_member ok        ok        ok
send             not_found not_member forbidden ok        ok
forward          not_found not_member forbidden ok        ok
edit             not_found not_member forbidden forbidden ok
recall           not_found not_member forbidden ok        conflict
pin              not_found not_member forbidden ok        duplicate
members.add      not_found not_member forbidden ok        duplicate
members.remove   not_found not_member forbidden ok        duplicate
members.role     not_found not_member forbidden forbidden ok
room.update      not_found not_member forbidden ok        duplicate
room.leave       not_found duplicate  ok        ok        ok
room.delete      not_found not_member forbidden forbidden ok
"""
ROWS = [line.split() for line in TABLE.split("\n") if line]


def request(kind: str, room: str, seq: int) -> dict[str, Any]:
    body = {"text": "words"}
    keys: dict[str, dict[str, Any]] = {
        "log": {"from": 1},
        "messages": {"seqs": [seq]},
        "read": {"seq": seq},
        "react": {"target": seq, "emoji": "👍", "set": True},
        "readers": {"seq": seq},
        "preferences": {"muted_until": 1},
        "send": {"body": body},
        "forward": {"from": room, "seqs": [seq]},
        "edit": {"target": seq, "body": body},
        "recall": {"target": seq},
        "pin": {"target": seq, "set": True},
        "members.add": {"users": ["newcomer"]},
        "members.remove": {"users": ["victim"]},
        "members.role": {"users": [{"user": "victim", "role": "admin"}]},
        "room.update": {"title": "another"},
    }
    mutates = (
        kind.startswith(("members.", "room.")) or "set" in keys.get(kind, {}) or "body" in keys.get(kind, {})
    )
    keyed = mutates or kind in ("recall", "forward")
    packet = {"type": kind, "room": room, **keys.get(kind, {})}
    return {**packet, "key": new_key()} if keyed and kind not in ("room.get", "members.list") else packet


def outcome(reply: dict[str, Any]) -> str:
    if reply["type"] == "error":
        return str(reply["code"])
    return "duplicate" if reply.get("duplicate") else "ok"


@pytest.mark.parametrize(("kind", "expected"), [(row[0], row[1:]) for row in ROWS], ids=lambda row: str(row))
async def test_who_may_do_what_in_a_channel(tmp_path: Path, kind: str, expected: list[str]) -> None:
    async with in_process(tmp_path, channels={"enabled": True, "create": "users"}) as server:
        clients: dict[str, InProcessClient] = {name: await server.connect(name) for name in COLUMNS}
        owner = clients["owner"]
        made = await owner.request(
            type="room.create", key=new_key(), kind="channel", title="news", users=["victim"]
        )
        room = made["summary"]["room"]
        for name in COLUMNS[1:4]:
            await clients[name].request(type="room.join", room=room, key=new_key())
        await clients["former"].request(type="room.leave", room=room, key=new_key())
        roles = [{"user": "admin", "role": "admin"}]
        await owner.request(type="members.role", room=room, key=new_key(), users=roles)
        sent = await owner.send(room, "a post")
        found = [outcome(await clients[name].request(**request(kind, room, sent["seq"]))) for name in COLUMNS]
        assert found == expected
