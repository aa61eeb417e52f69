"""The share of one account, and the users whom it can lock out, when it tries: rows and bytes, never time."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from tests.kit.inprocess import InProcessClient, in_process, new_key

DAY_S = 86_400
A_DAY = {"stored_bytes_per_day": 1 << 20, "rooms_per_day": 20, "added_per_day": 100}
FAST = {"requests_per_s": 1e6, "requests_burst": 1_000_000, "writes_per_s": 1e6, "writes_burst": 1_000_000,
        "room_per_s": 1e6, "room_burst": 1_000_000, "bytes_per_s": 1e9, "bytes_burst": 1 << 30}  # fmt: skip


def stored(directory: Path) -> list[int]:
    """Return the number of bytes, rooms and members in the database."""
    with closing(sqlite3.connect(directory / "chatd.sqlite")) as connection:
        one = "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size"
        return [connection.execute(text).fetchone()[0]
                for text in (one, "SELECT count(*) FROM rooms", "SELECT count(*) FROM members")]  # fmt: skip


async def flood(client: InProcessClient, requests: Iterator[dict[str, Any]]) -> None:
    """Send until a request is refused."""
    for _ in range(10_000):
        reply = await client.request(**next(requests), key=new_key())
        if reply["type"] == "error":
            break
    assert (reply["code"], reply["scope"]) == ("rate_limited", "user"), reply
    assert 0 < reply["retry_after"] <= DAY_S * 1000


def crowds() -> Iterator[dict[str, Any]]:
    number = 0
    while True:
        number += 1
        yield {
            "type": "room.create",
            "kind": "group",
            "title": "x",
            "users": [f"nobody{number}-{n}" for n in range(9)],
        }


def again(**packet: Any) -> Iterator[dict[str, Any]]:
    while True:
        yield dict(packet)


def updates(room: str) -> Iterator[dict[str, Any]]:
    number = 0
    while True:
        number += 1
        yield {"type": "room.update", "room": room, "data": f"{number:016000}"}


async def test_one_account_fills_no_more_than_its_share_of_a_day(tmp_path: Path) -> None:
    """The bucket of a day, and its refill during that day: twice the share, and once on each day after."""
    async with in_process(tmp_path, rates={**FAST, **A_DAY}) as server:
        mallory = await server.connect("mallory")
        own = await mallory.create_group()
        await mallory.request(type="room.update", room=own, key=new_key(), public=True)
        empty, rooms, places = stored(tmp_path)
        alone = again(type="room.create", kind="group", title="x")
        await flood(mallory, crowds())
        await flood(mallory, alone)
        await flood(mallory, updates(own))
        short, long = (again(type="send", room=own, body={"text": "x" * size}) for size in (1, 16_000))
        await flood(mallory, long)
        for _ in range(24):
            await server.advance(DAY_S / 24)
            mallory = await server.connect("mallory")
            for flooding in (crowds(), alone, short):
                await flood(mallory, flooding)
        after, rooms_after, places_after = stored(tmp_path)
        assert rooms_after - rooms <= 2 * A_DAY["rooms_per_day"]
        assert places_after - places <= 2 * (A_DAY["rooms_per_day"] + A_DAY["added_per_day"])
        assert after - empty <= 2 * A_DAY["stored_bytes_per_day"]


async def test_refusals_by_the_day_are_never_abuse(tmp_path: Path) -> None:
    async with in_process(
        tmp_path, rates={**FAST, **A_DAY, "abuse_refusals": 3, "abuse_grace_s": 0.0}
    ) as server:
        mallory = await server.connect("mallory")
        for _ in range(40):
            await server.advance(0.1)
            reply = await mallory.request(type="room.create", key=new_key(), kind="group", title="x")
        assert reply["code"] == "rate_limited"
        assert mallory.wire.closed_with is None


async def test_who_comes_and_goes_in_a_room_of_others_logs_no_more_than_may_be_written(
    tmp_path: Path,
) -> None:
    async with in_process(tmp_path) as server:
        ann = await server.connect("ann")
        room = await ann.create_group(public=True)
        ann.take()
        clients = [await server.connect("mallory", device) for device in range(1, 6)]
        for number in range(40):
            kind = "room.join" if number % 2 == 0 else "room.leave"
            clients[number % 5].send_request(type=kind, room=room, key=new_key())
        await server.wait_idle()
        events = [event for push in ann.take("event") for event in push["events"]]
        assert 0 < len(events) <= server.config.rates.writes_burst


async def test_who_types_all_the_time_is_relayed_now_and_then(tmp_path: Path) -> None:
    async with in_process(tmp_path) as server:
        ann = await server.connect("ann")
        room = await ann.create_group("mallory")
        await ann.request(type="focus", rooms=[room])
        ann.take()
        for device in range(1, 6):
            client = await server.connect("mallory", device)
            for _ in range(30):
                client.send_packets({"type": "typing", "room": room})
        await server.wait_idle()
        assert 0 < len(ann.take("typing")) <= server.config.rates.writes_burst


async def test_nobody_is_locked_out_by_rooms_that_others_put_them_into(tmp_path: Path) -> None:
    async with in_process(tmp_path, rates={"enabled": False}, limits={"rooms_per_user": 10}) as server:
        mallories = [await server.connect(f"mallory{number}") for number in range(3)]
        rooms = [await client.create_group("victim") for client in mallories for _ in range(10)]
        for client in mallories:
            reply = await client.request(type="room.direct", user="victim")
            assert (reply["code"], reply["field"]) == ("quota", "user")
        victim = server.client()
        id = victim.say_hello("victim")
        await server.wait_idle()
        page = victim.reply(id)["sync"]
        assert page["totals"]["rooms"] == 10
        own = [await victim.create_group() for _ in range(5)]
        reply = await victim.request(type="room.create", key=new_key(), kind="group", title="x")
        assert reply["code"] == "quota"
        left = page["rooms"][0]["room"]
        assert (await victim.request(type="room.leave", room=left, key=new_key()))["type"] == "ok"
        await victim.create_group()
        victim.hang_up()
        for number, room in enumerate(rooms):
            await mallories[number // 10].request(type="room.delete", room=room, key=new_key())
        victim = server.client()
        id = victim.say_hello("victim")
        await server.wait_idle()
        assert {summary["room"] for summary in victim.reply(id)["sync"]["rooms"]} >= set(own)
        assert stored(tmp_path)[2] < 70
