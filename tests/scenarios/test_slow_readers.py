"""protocol.md "Slow connections": a client that does not read delays only itself, and loses nothing."""

import asyncio
from pathlib import Path

import pytest

from tests.kit.client import TestClient, fresh_key
from tests.kit.clients import Clients
from tests.kit.daemon import DaemonProcess

WORDS = "x" * 15_000
FLOOD = (
    400  # times 15 KB is 6 MB: more than the kernel buffers of both sides take, plus every mark of the outbox
)
SMALL_WINDOW = 4_096  # bytes of receive buffer of a stalled phone; the kernel doubles it


async def _floods(client: TestClient, room: str, count: int = FLOOD) -> int:
    """Send many large messages; the number of the last."""
    seq = 0
    for _ in range(count // 4):
        body = {"text": WORDS}
        sends = [{"type": "send", "room": room, "key": fresh_key(), "body": body} for _ in range(4)]
        seq = (await client.request_all(sends, as_batch=False))[-1]["seq"]
    return seq


async def test_s13_a_stalled_reader_lags_then_hears_the_head_and_repairs(clients: Clients) -> None:
    room, (alice, carol) = await clients.in_group("alice", "carol")
    await alice.mutate("members.add", room, users=["bob"])
    bob = await clients.connect("bob", receive_buffer_bytes=SMALL_WINDOW)
    first = (await alice.get_room(room))["seq"]
    bob.link.stop_reading()
    last = await _floods(alice, room)
    assert len(await carol.collect_until(room, last)) >= FLOOD
    bob.link.resume_reading()
    await bob.wait_for_head(room, last)
    live = [event["seq"] for push in bob.heard if push["type"] == "event" for event in push["events"]]
    assert live == list(range(first + 1, first + 1 + len(live)))
    assert len(live) < FLOOD
    repaired = [event["seq"] for event in await bob.read_log(room, first + 1 + len(live))]
    assert [*live, *repaired] == list(range(first + 1, last + 1))
    after = await alice.send(room, "awake again?")
    assert (await bob.next_event(room, "message"))["seq"] > first
    await bob.collect_until(room, after["seq"])


async def test_ephemerals_are_dropped_first(clients: Clients) -> None:
    room, (alice, carol) = await clients.in_group("alice", "carol")
    await alice.mutate("members.add", room, users=["bob"])
    bob = await clients.connect("bob", receive_buffer_bytes=SMALL_WINDOW)
    for client in (bob, carol):
        await client.request({"type": "focus", "rooms": [room]})
    bob.link.stop_reading()
    last = await _floods(alice, room)
    await alice.request({"type": "typing", "room": room})
    await carol.receive("typing")
    bob.link.resume_reading()
    await bob.wait_for_head(room, last)
    await bob.expect_silence("typing")


@pytest.mark.settings(outbox={"stall_s": 1.0})
async def test_a_socket_that_takes_not_one_byte_is_closed(clients: Clients) -> None:
    room, (alice, _) = await clients.in_group("alice", "carol")
    await alice.mutate("members.add", room, users=["bob"])
    await alice.request({"type": "watch", "users": ["bob"]})
    bob = await clients.connect("bob", receive_buffer_bytes=SMALL_WINDOW)
    bob.link.stop_reading()
    await _floods(alice, room)
    await _is_offline(alice, "bob")
    bob.link.resume_reading()
    await bob.expect_close(4002, 1006)


async def test_replies_nobody_reads_are_not_prepared(clients: Clients) -> None:
    room, (alice, _) = await clients.in_group("alice", "bob")
    await _floods(alice, room, 40)
    greedy = await clients.connect("bob", receive_buffer_bytes=SMALL_WINDOW)
    greedy.link.stop_reading()
    replies = []
    for number in range(60):  # 15 MB of replies
        request = {"type": "log", "id": 1000 + number, "room": room, "from": 1}
        replies.append(greedy.allow_reply(request["id"]))
        await greedy.post(request)
    ack = await alice.send(room, "unaffected")
    assert ack["seq"] == 42
    greedy.link.resume_reading()
    pages = await asyncio.gather(*replies)
    assert all(page["events"][0]["seq"] == 1 for page in pages)


async def _is_offline(watcher: TestClient, user: str) -> None:
    while True:
        presence = await watcher.receive("presence")
        if any(row["user"] == user and "state" not in row for row in presence["users"]):
            return


@pytest.mark.asyncio(loop_factories=["asyncio"])
async def test_s13_stalled_readers_cost_bounded_memory(server: DaemonProcess, callers: Clients) -> None:
    room, (alice, carol) = await callers.in_group("alice", "carol")
    users = [f"stalled{number}" for number in range(20)]
    await alice.mutate("members.add", room, users=users)
    stalled = [await callers.connect(user, receive_buffer_bytes=SMALL_WINDOW) for user in users]
    for client in stalled:
        client.link.stop_reading()
    before = _resident_kib(server.pid)
    last = await _floods(alice, room, 2 * FLOOD)
    await carol.collect_until(room, last)
    grown = _resident_kib(server.pid) - before
    assert (
        grown < 20 * 1024 + 30 * 1024
    )  # 1 MiB a stalled phone, and what the flood itself takes; all would be 240 MiB


def _resident_kib(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    (line,) = [line for line in status.splitlines() if line.startswith("VmRSS:")]
    return int(line.split()[1])
