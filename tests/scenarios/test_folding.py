"""protocol.md, log_floor: old operations are folded into their messages, and a log from below is reset."""

import pytest

from tests.kit.company import Company
from tests.kit.daemon import RunningDaemon
from tests.kit.phone import Phone
from tests.kit.replica import Replica

pytestmark = pytest.mark.settings(storage={"operations_kept": 5, "operations_kept_days": 0})


async def _busy_room(people: Company) -> tuple[str, Phone, Phone]:
    """A room whose messages were edited, reacted to and recalled long ago, as the daemon is configured."""
    room, (alice, bob) = await people.in_direct("alice", "bob")
    sent = [(await alice.sends(room, f"message {number}"))["seq"] for number in range(6)]
    await alice.edits(room, sent[0], "edited")
    await bob.reacts(room, sent[1], "👍")
    await alice.recalls(room, sent[2])
    await bob.pins(room, sent[3])
    for number in range(12):
        await bob.reacts(room, sent[4], f":r{number}:")
    return room, alice, bob


async def test_s09_a_log_from_below_the_floor_is_reset(daemon: RunningDaemon, people: Company) -> None:
    room, alice, bob = await _busy_room(people)
    before = await bob.gets(room)
    await daemon.folds()
    reply = await bob.asks({"type": "log", "room": room, "from": 1})
    assert (reply["reset"], reply["events"]) == (True, [])
    floor = reply["log_floor"]
    assert 1 < floor <= before["seq"]
    assert (reply["seq"], reply["ordinal"]) == (before["seq"], before["ordinal"])
    log = await bob.logs(room, floor)
    assert [event["seq"] for event in log] == list(range(floor, before["seq"] + 1))
    summary = await alice.gets(room)
    assert summary["log_floor"] == floor


async def test_s09_folding_changes_no_message(daemon: RunningDaemon, people: Company) -> None:
    room, _, bob = await _busy_room(people)
    before, after = Replica(), Replica()
    before.apply_all(await bob.asks_history(room))
    await daemon.folds()
    after.apply_all(await bob.asks_history(room))
    assert before.messages == after.messages
    page = await bob.asks({"type": "history", "room": room, "limit": 100})
    assert (page["low"], page["high"], page["end"]) == (1, page["seq"], True)


async def test_s09_changes_are_complete_from_below_the_floor(daemon: RunningDaemon, people: Company) -> None:
    room, _, bob = await _busy_room(people)
    request = {"type": "changes", "room": room, "low": 1, "high": 7, "since": 7}
    before = await bob.asks(request)
    await daemon.folds()
    after = await bob.asks(request)
    assert len(after["events"]) == 5
    assert after["events"] == before["events"]


async def test_nothing_is_folded_that_must_be_kept(daemon: RunningDaemon, people: Company) -> None:
    room, _, bob = await _busy_room(people)
    await daemon.restart(storage={"operations_kept": 10_000})
    people.url = daemon.url
    await daemon.folds()
    bob, _ = await people.again(bob)
    assert len(await bob.logs(room)) == (await bob.gets(room))["seq"]


async def test_a_room_goes_on_after_folding(daemon: RunningDaemon, people: Company) -> None:
    room, alice, bob = await _busy_room(people)
    await daemon.folds()
    await bob.forgets()
    before = (await bob.gets(room))["seq"]
    sent = await alice.sends(room, "and so on")
    assert sent["seq"] == before + 1
    assert (await bob.hears(room))["seq"] == sent["seq"]
    await daemon.folds()
    await daemon.restart()
    people.url = daemon.url
    bob, _ = await people.again(bob)
    assert (await bob.gets(room))["seq"] == sent["seq"]
