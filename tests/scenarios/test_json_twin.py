"""protocol.md "JSON": the JSON subprotocol is the exact twin of the MessagePack one."""

import base64
from typing import Any

from tests.kit.clients import Clients

SEALED = b"\x00\xff\xfe\xef\x10"


def as_json(content: Any) -> Any:
    """The same value as JSON shows it: bytes become {"$bytes": base64url}."""
    if isinstance(content, bytes):
        return {"$bytes": base64.urlsafe_b64encode(content).rstrip(b"=").decode()}
    if isinstance(content, dict):
        return {name: as_json(value) for name, value in content.items()}
    if isinstance(content, list):
        return [as_json(value) for value in content]
    return content


async def test_s21_both_encodings_in_one_room_see_equal_values(clients: Clients) -> None:
    packed = await clients.connect("alice")
    spelled = await clients.connect("bob", encoding="json")
    watcher = await clients.connect("alice", encoding="json")
    room = await packed.create_group("tea ☕", spelled, data={"sealed": SEALED, "deep": [1, {"two": -2}]})
    await packed.send(room, "Hi 👋", body={"data": {"sealed": SEALED, "half": 0.5, "no": False}})
    await spelled.send(room, "hé", body={"data": {"sealed": {"$bytes": "AP_-7xA"}, "largest": 2**53 - 1}})
    await packed.edit(room, 2, "Hi \U0001f9e1")
    await spelled.react(room, 2, "❤️")
    last = (await packed.pin(room, 2))["seq"]
    as_watcher = await watcher.read_log(room)
    assert as_json(await packed.read_log(room)) == as_watcher
    assert len(as_watcher) == last
    pushed = await watcher.collect_until(room, last)
    assert as_json([await _plain(packed, room, event["seq"]) for event in pushed]) == [
        await _plain(watcher, room, event["seq"]) for event in pushed
    ]
    assert as_json(await packed.get_room(room)) == await watcher.get_room(room)


async def test_bytes_from_json_are_bytes_in_messagepack(clients: Clients) -> None:
    room, (packed, _) = await clients.in_direct("alice", "bob")
    spelled = await clients.connect("bob", encoding="json")
    await spelled.send(room, "sealed", body={"data": {"sealed": {"$bytes": "AP_-7xA"}}})
    event = await packed.next_event(room)
    assert event["body"]["data"] == {"sealed": SEALED}


async def test_bytes_from_messagepack_are_base64url_in_json(clients: Clients) -> None:
    room, (packed, _) = await clients.in_direct("alice", "bob")
    spelled = await clients.connect("bob", encoding="json")
    await packed.send(room, "sealed", body={"data": [SEALED, {"deeper": SEALED}]})
    event = await spelled.next_event(room)
    assert event["body"]["data"] == [{"$bytes": "AP_-7xA"}, {"deeper": {"$bytes": "AP_-7xA"}}]


async def _plain(client: Any, room: str, seq: int) -> Any:
    """One event as the log has it for this phone, without what is only the reader's."""
    (event, *_) = (await client.request({"type": "log", "room": room, "from": seq, "to": seq}))["events"]
    return {name: value for name, value in event.items() if name != "mine"}
