"""protocol.md, Slow connections: a phone that does not read hurts only itself, and loses nothing."""

import asyncio
from pathlib import Path

import pytest

from tests.kit.company import Company
from tests.kit.daemon import DaemonProcess
from tests.kit.phone import Phone, fresh_key

WORDS = "x" * 15_000
FLOOD = (
    400  # times 15 KB is 6 MB: more than the kernel buffers of both sides take, plus every mark of the outbox
)
SMALL_WINDOW = 4_096  # bytes of receive buffer of a stalled phone; the kernel doubles it


async def _floods(phone: Phone, room: str, count: int = FLOOD) -> int:
    """Send many large messages; the number of the last."""
    seq = 0
    for _ in range(count // 4):
        body = {"text": WORDS}
        sends = [{"type": "send", "room": room, "key": fresh_key(), "body": body} for _ in range(4)]
        seq = (await phone.asks_at_once(sends, as_batch=False))[-1]["seq"]
    return seq


async def test_s13_a_stalled_reader_lags_then_hears_the_head_and_repairs(people: Company) -> None:
    room, (alice, carol) = await people.in_group("alice", "carol")
    await alice.does("members.add", room, users=["bob"])
    bob = await people.meets("bob", receive_buffer_bytes=SMALL_WINDOW)
    first = (await alice.gets(room))["seq"]
    bob.link.stop_reading()
    last = await _floods(alice, room)
    assert len(await carol.collects_until(room, last)) >= FLOOD
    bob.link.resume_reading()
    await bob.hears_of(room, last)
    live = [event["seq"] for push in bob.heard if push["type"] == "event" for event in push["events"]]
    assert live == list(range(first + 1, first + 1 + len(live)))
    assert len(live) < FLOOD
    repaired = [event["seq"] for event in await bob.logs(room, first + 1 + len(live))]
    assert [*live, *repaired] == list(range(first + 1, last + 1))
    after = await alice.sends(room, "awake again?")
    assert (await bob.hears(room, "message", within_s=5))["seq"] > first
    await bob.collects_until(room, after["seq"])


async def test_ephemerals_are_dropped_first(people: Company) -> None:
    room, (alice, carol) = await people.in_group("alice", "carol")
    await alice.does("members.add", room, users=["bob"])
    bob = await people.meets("bob", receive_buffer_bytes=SMALL_WINDOW)
    for phone in (bob, carol):
        await phone.asks({"type": "focus", "rooms": [room]})
    bob.link.stop_reading()
    last = await _floods(alice, room)
    await alice.asks({"type": "typing", "room": room})
    await carol.receives("typing")
    bob.link.resume_reading()
    await bob.hears_of(room, last)
    await bob.is_silent("typing")


@pytest.mark.settings(outbox={"stall_s": 1.0})
async def test_a_socket_that_takes_not_one_byte_is_closed(people: Company) -> None:
    room, (alice, _) = await people.in_group("alice", "carol")
    await alice.does("members.add", room, users=["bob"])
    await alice.asks({"type": "watch", "users": ["bob"]})
    bob = await people.meets("bob", receive_buffer_bytes=SMALL_WINDOW)
    bob.link.stop_reading()
    await _floods(alice, room)
    await _is_offline(alice, "bob")
    bob.link.resume_reading()
    await bob.expects_close(4002, 1006)


async def test_replies_nobody_reads_are_not_prepared(people: Company) -> None:
    room, (alice, _) = await people.in_group("alice", "bob")
    await _floods(alice, room, 40)
    greedy = await people.meets("bob", receive_buffer_bytes=SMALL_WINDOW)
    greedy.link.stop_reading()
    replies = []
    for number in range(60):  # 15 MB of replies
        request = {"type": "log", "id": 1000 + number, "room": room, "from": 1}
        replies.append(greedy.may_be_answered(request["id"]))
        await asyncio.wait_for(greedy.posts(request), 10)
    ack = await alice.sends(room, "unaffected")
    assert ack["seq"] == 42
    greedy.link.resume_reading()
    pages = await asyncio.wait_for(asyncio.gather(*replies), 10)
    assert all(page["events"][0]["seq"] == 1 for page in pages)


async def _is_offline(watcher: Phone, user: str) -> None:
    while True:
        presence = await watcher.receives("presence", within_s=10)
        if any(row["user"] == user and "state" not in row for row in presence["users"]):
            return


@pytest.mark.asyncio(loop_factories=["asyncio"])
async def test_s13_stalled_readers_cost_bounded_memory(server: DaemonProcess, callers: Company) -> None:
    room, (alice, carol) = await callers.in_group("alice", "carol")
    users = [f"stalled{number}" for number in range(20)]
    await alice.does("members.add", room, users=users)
    stalled = [await callers.meets(user, receive_buffer_bytes=SMALL_WINDOW) for user in users]
    for phone in stalled:
        phone.link.stop_reading()
    before = _resident_kib(server.pid)
    last = await _floods(alice, room, 2 * FLOOD)
    await carol.collects_until(room, last)
    grown = _resident_kib(server.pid) - before
    assert (
        grown < 20 * 1024 + 30 * 1024
    )  # 1 MiB a stalled phone, and what the flood itself takes; all would be 240 MiB


def _resident_kib(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    (line,) = [line for line in status.splitlines() if line.startswith("VmRSS:")]
    return int(line.split()[1])
