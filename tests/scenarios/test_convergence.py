"""Random traffic: whatever users do, a client that synchronises ends with the state of the server."""

import asyncio
import copy
from typing import Any

import pytest

from tests.kit.client import TestClient
from tests.kit.clients import Clients
from tests.kit.random_traffic import RandomTraffic
from tests.kit.replica import Replica
from tests.kit.room_list import RoomList

USERS = ("alice", "bob", "carol", "dave")
STEPS = 60
QUIET_EVERY = 15  # steps between two comparisons

# Pushes do not repeat what a client counts itself or learns from events.
LIVE_KEYS = (
    "room",
    "seq",
    "title",
    "public",
    "peer",
    "role",
    "muted_until",
    "pinned",
    "hidden",
    "first_visible",
)


async def test_a_random_life_has_some_of_everything(clients: Clients) -> None:
    traffic = RandomTraffic({user: await clients.connect(user) for user in USERS}, 1)
    for _ in range(3 * STEPS):
        await traffic.step()
    kinds = "room.create room.join room.leave room.delete room.update members.add members.remove members.role"
    assert {*kinds.split(), "send", "edit", "recall", "react", "pin"} == (+traffic.done).keys()


@pytest.mark.parametrize("seed", range(4))
async def test_a_client_that_syncs_with_its_cursor_has_what_a_new_client_gets(
    clients: Clients, seed: int
) -> None:
    traffic = RandomTraffic({user: await clients.connect(user) for user in USERS}, seed)
    synced = {user: await clients.connect(user) for user in USERS}
    lists = {user: RoomList() for user in USERS}
    for step in range(STEPS):
        await traffic.step()
        if step % QUIET_EVERY == QUIET_EVERY - 1:
            for user in USERS:
                synced[user], hello = await clients.reconnect(synced[user], **lists[user].position)
                lists[user].take_hello(hello)
                assert lists[user].rooms == await _truth(clients, user)


async def _truth(clients: Clients, user: str) -> dict[str, Any]:
    """The room list as a new phone receives it."""
    fresh = await clients.open(user)
    hello = await fresh.say_hello(previews=False)
    await fresh.hang_up()
    complete = RoomList()
    complete.take_hello(hello)
    return complete.rooms


@pytest.mark.parametrize("seed", range(4))
async def test_a_client_that_only_receives_has_what_a_new_client_gets(clients: Clients, seed: int) -> None:
    traffic = RandomTraffic({user: await clients.connect(user) for user in USERS}, 100 + seed)
    listening = {
        user: await clients.connect(user, encoding="json" if seed % 2 else "msgpack") for user in USERS
    }
    for step in range(STEPS):
        await traffic.step()
        if step % QUIET_EVERY == QUIET_EVERY - 1:
            for user, client in listening.items():
                await client.catch_up()
                assert _live(_listened(client)) == _live(await _truth(clients, user))


def _listened(client: TestClient, kept: RoomList | None = None) -> dict[str, Any]:
    """The room list of a phone that began with `kept` and then received the packets of this connection."""
    kept = kept or RoomList()
    for packet in client.heard:
        if packet["type"] == "ok" and "sync" in packet:
            kept.take_hello(packet)
        kept.take_push(packet)
    return kept.rooms


@pytest.mark.parametrize("seed", range(4))
async def test_a_client_that_comes_and_goes_meanwhile_has_what_a_new_client_gets(
    clients: Clients, seed: int
) -> None:
    """Hellos race with messages, and with joining, leaving and being removed."""
    traffic = RandomTraffic({user: await clients.connect(user) for user in USERS}, 300 + seed)
    peers = {user: await clients.connect(user) for user in USERS}
    lists = {user: RoomList() for user in USERS}

    async def reconnects(user: str) -> None:
        peers[user].cut()
        await peers[user].stop_listening()
        _listened(peers[user], lists[user])
        peers[user], _ = await clients.reconnect(peers[user], **lists[user].position)

    for step in range(STEPS):
        await asyncio.gather(traffic.step(), *(reconnects(user) for user in traffic.choose.sample(USERS, 2)))
        if step % QUIET_EVERY == QUIET_EVERY - 1:
            for user, client in peers.items():
                await client.catch_up()
                known = _listened(client, copy.deepcopy(lists[user]))
                assert _live(known) == _live(await _truth(clients, user))


def _live(rooms: dict[str, Any]) -> dict[str, Any]:
    return {name: {key: room.get(key) for key in LIVE_KEYS} for name, room in rooms.items()}


@pytest.mark.settings(delivery={"full_members": 2, "large_members": 3, "reactions_interval_s": 0.05})
@pytest.mark.parametrize("seed", range(4))
async def test_logs_are_dense_and_converge_in_small_and_large_rooms(clients: Clients, seed: int) -> None:
    traffic = RandomTraffic({user: await clients.connect(user) for user in USERS}, 200 + seed)
    for _ in range(STEPS):
        await traffic.step()
    for user in USERS:
        client = await clients.open(user)
        hello = await client.say_hello()
        for summary in hello["sync"]["rooms"]:
            await _is_sound(client, summary)


async def _is_sound(client: TestClient, summary: dict[str, Any]) -> None:
    room, first = summary["room"], summary.get("first_visible", 1)
    log, page = await _log_and_history(client, room, first)
    assert [event["seq"] for event in log] == list(range(first, max(first, page["seq"] + 1)))
    assert page["seq"] >= summary["seq"]
    replayed, fetched = Replica(), Replica()
    replayed.apply_all(log + log)
    fetched.apply_all(page["events"])
    assert replayed.messages == fetched.messages


async def _log_and_history(
    client: TestClient, room: str, first: int
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Both of the same moment: read again while summaries of reactions are still being stored.

    A message may already show a change above the `seq` of its reply, never the other way round.
    """
    while True:
        log = await client.read_log(room, first)
        page = await client.request({"type": "history", "room": room, "limit": 100})
        newest = max([page["seq"], *(event.get("changed", 0) for event in page["events"])])
        if not log or log[-1]["seq"] == newest:
            return log, page
