"""protocol.md "log": old operations are compacted into their messages, and a log from below is reset."""

import pytest

from tests.kit.client import TestClient
from tests.kit.clients import Clients
from tests.kit.daemon import RunningDaemon
from tests.kit.replica import Replica

pytestmark = pytest.mark.settings(storage={"operations_kept": 5, "operations_kept_days": 0})


async def _busy_room(clients: Clients) -> tuple[str, TestClient, TestClient]:
    """A room whose messages were edited, reacted to and recalled long ago, as the daemon is configured."""
    room, (alice, bob) = await clients.in_direct("alice", "bob")
    sent = [(await alice.send(room, f"message {number}"))["seq"] for number in range(6)]
    await alice.edit(room, sent[0], "edited")
    await bob.react(room, sent[1], "👍")
    await alice.recall(room, sent[2])
    await bob.pin(room, sent[3])
    for number in range(12):
        await bob.react(room, sent[4], f":r{number}:")
    return room, alice, bob


async def test_s09_a_log_from_below_the_floor_is_reset(daemon: RunningDaemon, clients: Clients) -> None:
    room, alice, bob = await _busy_room(clients)
    before = await bob.get_room(room)
    await daemon.fold()
    reply = await bob.request({"type": "log", "room": room, "from": 1})
    assert (reply["reset"], reply["events"]) == (True, [])
    floor = reply["log_floor"]
    assert 1 < floor <= before["seq"]
    assert (reply["seq"], reply["ordinal"]) == (before["seq"], before["ordinal"])
    log = await bob.read_log(room, floor)
    assert [event["seq"] for event in log] == list(range(floor, before["seq"] + 1))
    summary = await alice.get_room(room)
    assert summary["log_floor"] == floor


async def test_s09_folding_changes_no_message(daemon: RunningDaemon, clients: Clients) -> None:
    room, _, bob = await _busy_room(clients)
    before, after = Replica(), Replica()
    before.apply_all(await bob.request_history(room))
    await daemon.fold()
    after.apply_all(await bob.request_history(room))
    assert before.messages == after.messages
    page = await bob.request({"type": "history", "room": room, "limit": 100})
    assert (page["low"], page["high"], page["end"]) == (1, page["seq"], True)


async def test_s09_changes_are_complete_from_below_the_floor(daemon: RunningDaemon, clients: Clients) -> None:
    room, _, bob = await _busy_room(clients)
    request = {"type": "changes", "room": room, "low": 1, "high": 7, "since": 7}
    before = await bob.request(request)
    await daemon.fold()
    after = await bob.request(request)
    assert len(after["events"]) == 5
    assert after["events"] == before["events"]


async def test_nothing_is_folded_that_must_be_kept(daemon: RunningDaemon, clients: Clients) -> None:
    room, _, bob = await _busy_room(clients)
    await daemon.restart(storage={"operations_kept": 10_000})
    clients.url = daemon.url
    await daemon.fold()
    bob, _ = await clients.reconnect(bob)
    assert len(await bob.read_log(room)) == (await bob.get_room(room))["seq"]


async def test_a_room_goes_on_after_folding(daemon: RunningDaemon, clients: Clients) -> None:
    room, alice, bob = await _busy_room(clients)
    await daemon.fold()
    await bob.forget()
    before = (await bob.get_room(room))["seq"]
    sent = await alice.send(room, "and so on")
    assert sent["seq"] == before + 1
    assert (await bob.next_event(room))["seq"] == sent["seq"]
    await daemon.fold()
    await daemon.restart()
    clients.url = daemon.url
    bob, _ = await clients.reconnect(bob)
    assert (await bob.get_room(room))["seq"] == sent["seq"]
