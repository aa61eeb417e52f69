"""What a member cleared or deleted for themselves stays away, whatever happens to it afterwards."""

from pathlib import Path
from typing import Any

import pytest

from tests.kit.inprocess import InProcessClient, in_process, new_key


async def code(client: InProcessClient, kind: str, **keys: Any) -> str:
    return str((await client.request(type=kind, **keys)).get("code", "ok"))


async def without(client: InProcessClient, room: str, seq: int, kind: str) -> None:
    """Have a member who has read everything take a message out of their view."""
    assert await code(client, "read", room=room, seq=seq) == "ok"
    keys: dict[str, Any] = {"ranges": [[seq, seq]]} if kind == "delete" else {"seq": seq}
    assert await code(client, kind, room=room, **keys) == "ok"
    client.wire.take()


@pytest.mark.parametrize("kind", ["delete", "clear"])
async def test_an_edit_of_what_a_member_took_away_shows_none_of_their_devices_its_text(
    tmp_path: Path, kind: str
) -> None:
    async with in_process(tmp_path) as server:
        ann, bob, cat = [await server.connect(user) for user in ("ann", "bob", "cat")]
        phone = await server.connect("bob", 2)
        room = await ann.create_group("bob", "cat")
        seq = (await ann.send(room, "secret"))["seq"]
        await without(bob, room, seq, kind)
        phone.wire.take(), cat.wire.take()
        edited = {"room": room, "key": new_key(), "target": seq, "body": {"text": "secret still"}}
        assert await code(ann, "edit", **edited) == "ok"
        assert [push["events"][0]["kind"] for push in cat.take("event")] == ["edit"]
        head = {"type": "head", "rooms": [{"room": room, "seq": seq + 1, "ordinal": 1}]}
        for client in (bob, phone):
            assert client.take() == [head]
            shown = [
                await client.request(type="log", room=room, **{"from": seq + 1}),
                await client.request(type="history", room=room),
                await client.request(type="messages", room=room, seqs=[seq]),
                await client.request(type="changes", room=room, low=1, high=seq, since=1),
                await client.request(type="sync", previews=True, events=10),
                await server.connect("bob", 3),
            ]
            assert "secret" not in str(shown)
        await ann.send(room, "next")
        assert [push["events"][0]["seq"] for push in bob.take("event")] == [seq + 2]


async def test_nothing_is_done_to_a_message_that_one_deleted_but_that_it_is_recalled(tmp_path: Path) -> None:
    async with in_process(tmp_path) as server:
        ann, bob = await server.connect("ann"), await server.connect("bob")
        room = await ann.create_group("bob")
        seq = (await ann.send(room, "secret"))["seq"]
        await without(ann, room, seq, "delete")
        asked = [
            ("edit", {"body": {"text": "other"}}),
            ("react", {"emoji": "👍", "set": True}),
            ("pin", {"set": True}),
            ("announce", {}),
        ]
        for kind, keys in asked:
            assert await code(ann, kind, room=room, key=new_key(), target=seq, **keys) == "not_found", kind
        assert await code(bob, "react", room=room, key=new_key(), target=seq, emoji="👍", set=True) == "ok"
        assert await code(ann, "recall", room=room, key=new_key(), target=seq) == "ok"
