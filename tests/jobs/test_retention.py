"""Messages go when the time is over for which their room or the server keeps them, and nothing of them is left."""

import asyncio
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from msgspec import structs

from chatd.core import removal
from chatd.core.maintenance import ForgetKeys
from chatd.protocol.messages import Send, SentBody
from chatd.storage.sqlite import removal as stored
from tests.kit.inprocess import InProcessClient, InProcessServer, in_process, new_key
from tests.kit.random_workload import SECTIONS

HOUR = 3600
DAY = 24 * HOUR
PLANTED = "Zq7planted"


def sections(**changes: Any) -> dict[str, dict[str, Any]]:
    """Return the settings of a server without rates. `changes` of [storage]."""
    return {**SECTIONS, "storage": {"operations_kept": 6, **changes}}


async def pass_time(server: InProcessServer, seconds: float) -> tuple[InProcessClient, InProcessClient]:
    """Let time pass and purge; return ann and bob, connected anew."""
    server.env.advance(seconds)
    await server.app.persons.retention.purge()
    await server.wait_idle()
    return await server.connect("ann"), await server.connect("bob")


async def seqs(client: InProcessClient, room: str) -> list[int]:
    return [event["seq"] for event in (await client.request(type="history", room=room))["events"]]


async def keep_for(client: InProcessClient, room: str, seconds: int) -> None:
    reply = await client.request(type="room.update", room=room, key=new_key(), policy={"retain_s": seconds})
    assert reply["type"] == "ok", reply


async def test_a_group_loses_what_is_older_than_it_keeps(tmp_path: Path) -> None:
    async with in_process(tmp_path / "data", **sections()) as server:
        ann, bob = await server.connect("ann"), await server.connect("bob")
        room, other = await ann.create_group("bob"), await ann.create_group("bob")
        await keep_for(ann, room, DAY)
        old = [(await ann.send(room))["seq"] for _ in range(5)]
        await ann.send(other)
        ann, bob = await pass_time(server, DAY - HOUR)
        new = (await ann.send(room))["seq"]
        assert await seqs(bob, room) == [*old, new]
        ann, bob = await pass_time(server, 2 * HOUR + HOUR)
        assert await seqs(bob, room) == [new]
        assert len(await seqs(bob, other)) == 1
        summary = (await bob.request(type="room.get", room=room))["summary"]
        assert (summary["unread"], summary["first_visible"]) == (1, new)
        page = await bob.request(type="unread", room=room)
        assert (page["unread"], page["seqs"]) == (1, [new])
        reset = await bob.request(type="log", room=room, **{"from": 1})
        assert (reset["reset"], reset["first_visible"], reset["log_floor"]) == (True, new, new)


async def test_a_repeated_key_is_answered_when_its_message_is_gone(tmp_path: Path) -> None:
    async with in_process(tmp_path / "data", **sections(retain_s=HOUR)) as server:
        ann = await server.connect("ann")
        room, key = await ann.create_group("bob"), new_key()
        send = {"type": "send", "room": room, "key": key, "body": {"text": "once"}}
        await ann.request(**send)
        ann, _ = await pass_time(server, 2 * HOUR)
        again = await ann.request(**send)
        assert again.get("duplicate") is True, again
        assert await seqs(ann, room) == []
        assert (await ann.request(**{**send, "body": {"text": "another"}}))["code"] == "conflict"


async def test_a_direct_room_keeps_what_was_there_before_somebody_chose(tmp_path: Path) -> None:
    async with in_process(tmp_path / "data", **sections()) as server:
        ann, bob = await server.connect("ann"), await server.connect("bob")
        room = str((await ann.request(type="room.direct", user="bob"))["summary"]["room"])
        before = (await ann.send(room))["seq"]
        await keep_for(bob, room, HOUR)
        for _ in range(3):
            await ann.send(room)
        ann, bob = await pass_time(server, 2 * HOUR)
        after = (await bob.send(room))["seq"]
        assert await seqs(ann, room) == [before, after]
        page = await bob.request(type="unread", room=room)
        assert (page["unread"], page["seqs"]) == (1, [before])
        summary = (await bob.request(type="room.get", room=room))["summary"]
        assert (summary["policy"], summary["kept"]) == ({"retain_s": HOUR}, before)
        # Nothing is kept for ever where the server keeps nothing that long.
        server.app.persons.retention.reconfigure(structs.replace(server.config.storage, retain_s=DAY))
        ann, _ = await pass_time(server, 2 * DAY)
        assert await seqs(ann, room) == []


@pytest.mark.parametrize("kind", ["group", "direct"])
async def test_an_edit_says_nothing_of_a_message_that_went(tmp_path: Path, kind: str) -> None:
    async with in_process(tmp_path / "data", **sections(retain_s=HOUR)) as server:
        ann = await server.connect("ann")
        direct = await ann.request(type="room.direct", user="bob")
        room = await ann.create_group("bob") if kind == "group" else str(direct["summary"]["room"])
        seq = (await ann.send(room))["seq"]
        ann, _ = await pass_time(server, HOUR / 2)
        body = {"text": PLANTED}
        edit = await ann.request(type="edit", room=room, key=new_key(), target=seq, body=body)
        ann, bob = await pass_time(server, 0.6 * HOUR)
        page = await bob.request(type="log", room=room, **{"from": edit["seq"]})
        assert [(event["kind"], "body" in event) for event in page["events"]] == [("edit", False)]


async def test_a_clock_that_was_ahead_keeps_nothing_longer(tmp_path: Path) -> None:
    async with in_process(tmp_path / "data", **sections(retain_s=HOUR)) as server:
        ann = await server.connect("ann")
        room = await ann.create_group("bob")
        server.env.set_by_ms = 365 * DAY * 1000
        await ann.send(room)
        server.env.set_by_ms = 0
        ann, bob = await pass_time(server, 0)
        old = (await ann.send(room))["seq"]
        ann, bob = await pass_time(server, HOUR / 2)
        new = (await ann.send(room))["seq"]
        assert await seqs(bob, room) == [old - 1, old, new]
        ann, bob = await pass_time(server, 0.6 * HOUR)
        assert await seqs(bob, room) == [new]


async def test_a_draft_does_not_come_back_when_its_message_went(tmp_path: Path) -> None:
    async with in_process(tmp_path / "data", **sections(retain_s=HOUR)) as server:
        ann = await server.connect("ann")
        kept, deleted = [await ann.create_group("bob") for _ in range(2)]
        for room in (kept, deleted):
            key = new_key()
            await ann.request(type="draft", room=room, key=key, body={"text": PLANTED})
            await ann.request(type="send", room=room, key=key, body={"text": PLANTED})
        await ann.request(type="room.delete", room=deleted, key=new_key())
        await pass_time(server, 2 * HOUR)
        # The keys of what went are forgotten, and so is the log of the deleted room.
        server.env.advance(100 * DAY)
        await server.app.writer.submit_and_wait("", ForgetKeys(before=server.env.now_ms()))
        await server.app.persons.purge.purge()
        client = server.client()
        hello = client.say_hello("ann", 5, features=["drafts"])
        await server.wait_idle()
        rows = client.reply(hello)["sync"].get("sections", {}).get("drafts", ())
        assert [row for row in rows if "value" in row] == []


async def test_the_announcement_goes_with_its_message_and_the_newest_stays_readable(tmp_path: Path) -> None:
    async with in_process(tmp_path / "data", **sections(retain_s=HOUR)) as server:
        ann = await server.connect("ann")
        room = await ann.create_group("bob")
        seq = (await ann.send(room))["seq"]
        await ann.request(type="announce", room=room, key=new_key(), target=seq)
        assert (await ann.request(type="room.get", room=room))["summary"]["announcement"] == seq
        ann, bob = await pass_time(server, 2 * HOUR)
        summary = (await bob.request(type="room.get", room=room))["summary"]
        assert summary.get("announcement", 0) == summary.get("unread", 0) == 0
        assert (await bob.request(type="edit", room=room, key=new_key(), target=seq, body={"text": "x"}))[
            "code"
        ] == "not_found"
        assert (await ann.send(room))["seq"] > seq


@pytest.mark.parametrize("own_s", [HOUR, 2 * DAY])
async def test_the_shorter_of_two_times_holds_in_a_group(tmp_path: Path, own_s: int) -> None:
    async with in_process(tmp_path / "data", **sections(retain_s=DAY)) as server:
        ann = await server.connect("ann")
        room = await ann.create_group("bob")
        await keep_for(ann, room, own_s)
        seq = (await ann.send(room))["seq"]
        shorter = min(own_s, DAY)
        ann, _ = await pass_time(server, shorter - 60)
        assert await seqs(ann, room) == [seq]
        ann, _ = await pass_time(server, shorter)
        assert await seqs(ann, room) == []


async def test_nothing_of_what_went_is_left_in_the_file_which_shrinks(tmp_path: Path) -> None:
    directory = tmp_path / "data"
    async with in_process(directory, **sections(retain_s=DAY)) as server:
        ann = await server.connect("ann")
        room = await ann.create_group("bob")
        ask, text = server.app.writer.submit_and_wait, f"{PLANTED} {'x' * 900}"
        texts = [Send(room=room, key=new_key(), body=SentBody(text=text)) for _ in range(1500)]
        await asyncio.gather(*(ask("ann", one) for one in texts))
        store, database = server.app.store, directory / "chatd.sqlite"
        assert await store.erasures.truncate_log()
        assert PLANTED.encode() in database.read_bytes()
        before = database.stat().st_size
        ann, _ = await pass_time(server, 2 * DAY)
        assert await store.erasures.truncate_log()
        assert PLANTED.encode() not in database.read_bytes()
        assert PLANTED.encode() not in (directory / "chatd.sqlite-wal").read_bytes()
        assert database.stat().st_size < before / 2
        assert await seqs(ann, room) == []


async def test_a_purge_that_forgets_its_keys_or_still_counts_is_found_out(tmp_path: Path) -> None:
    places = [tmp_path / name for name in ("keys", "count")]
    for place in places:
        place.mkdir()
    with patch.object(stored, "PURGE_STRETCH", stored.PURGE_STRETCH[1:]), pytest.raises(AssertionError):
        await test_a_repeated_key_is_answered_when_its_message_is_gone(places[0])
    with patch.object(removal, "count_purged", lambda *asked: None), pytest.raises(AssertionError):
        await test_a_group_loses_what_is_older_than_it_keeps(places[1])
