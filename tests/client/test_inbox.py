"""The list of rooms as an app uses it, where a daemon would need more than a test has."""

import asyncio

from chatd.client import Found, Hit

EVENT = {"seq": 9, "kind": "message", "user": "bob", "time": 9, "ordinal": 9, "body": {"text": "The ferry"}}


async def test_a_search_is_asked_as_documented(connected):
    client, peer = await connected()
    searching = asyncio.create_task(
        client.search("ferry", author="bob", has=["image"], period=(5, None), more="m1")
    )
    request = await peer.expect("search")
    await peer.ok(request, hits=[{"event": EVENT, "room": "r", "count": 10, "place": 3}], more="m2", behind=7)
    assert await searching == Found([Hit(EVENT, "r", 10)], "m2", 7)
    wanted = {"text": "ferry", "from": "bob", "has": ["image"], "since": 5, "more": "m1"}
    assert {name: value for name, value in request.items() if name not in ("type", "id")} == wanted


async def test_all_rooms_are_read_in_parts(connected):
    rooms = [{"room": f"r{n}", "seq": 10, "ordinal": 10, "unread": 1} for n in range(201)]
    client, peer = await connected(rooms=rooms)
    reading = asyncio.create_task(client.read_all())
    for count in (200, 1):
        request = await peer.expect("reads")
        assert [row["seq"] for row in request["rooms"]] == [10] * count
        rows = [
            {"room": row["room"], "read": 10, "unread": 0, "unread_mentions": 0, "ordinal": 10}
            for row in request["rooms"]
        ]
        await peer.ok(request, rooms=rows)
    await reading
    assert sum(room.unread for room in client.rooms.values()) == 0
