"""protocol.md, Reading history: log, history, changes, messages."""

import itertools
from typing import Any

import pytest

from tests.kit.company import Company
from tests.kit.phone import Phone, fresh_key
from tests.kit.replica import Replica


async def _talk(phone: Phone, room: str, count: int, text: str = "message") -> list[int]:
    """Messages in batches; their numbers."""
    send = {"type": "send", "room": room}
    sends = [{**send, "key": fresh_key(), "body": {"text": f"{text} {number}"}} for number in range(count)]
    replies: list[dict[str, Any]] = []
    for start in range(0, count, 50):
        replies += await phone.asks_at_once(sends[start : start + 50])
    return [reply["seq"] for reply in replies]


async def test_a_log_covers_exactly_the_range_asked_for(people: Company) -> None:
    room, (alice, bob) = await people.in_direct("alice", "bob")
    await _talk(alice, room, 10)
    reply = await bob.asks({"type": "log", "room": room, "from": 4, "to": 7})
    assert [event["seq"] for event in reply["events"]] == [4, 5, 6, 7]
    assert reply["seq"] == 11
    assert "next" not in reply


async def test_a_log_that_stops_early_says_where_to_go_on(people: Company) -> None:
    room, (alice, bob) = await people.in_direct("alice", "bob")
    await _talk(alice, room, 10)
    reply = await bob.asks({"type": "log", "room": room, "from": 1, "limit": 4})
    assert [event["seq"] for event in reply["events"]] == [1, 2, 3, 4]
    assert reply["next"] == 5
    reply = await bob.asks({"type": "log", "room": room, "from": 9, "limit": 3})
    assert [event["seq"] for event in reply["events"]] == [9, 10, 11]
    assert "next" not in reply


async def test_a_log_up_to_date_is_empty(people: Company) -> None:
    room, (alice, _) = await people.in_direct("alice", "bob")
    reply = await alice.asks({"type": "log", "room": room, "from": 2})
    assert (reply["events"], reply["seq"]) == ([], 1)
    assert "reset" not in reply


async def test_pages_are_cut_by_bytes_too(people: Company) -> None:
    room, (alice, bob) = await people.in_direct("alice", "bob")
    for _ in range(40):
        await alice.sends(room, "x" * 16_000)
    log = await bob.logs(room)
    assert [event["seq"] for event in log] == list(range(1, 42))
    pages = [packet for packet in bob.heard if "events" in packet and packet["type"] == "ok"]
    assert len(pages) >= 3
    await bob.asks({"type": "history", "room": room, "limit": 100})
    assert all(len(frame) <= 262_144 for frame in bob.link.frames_received)


async def test_a_limit_above_the_bound_is_too_large(people: Company) -> None:
    room, (alice, _) = await people.in_direct("alice", "bob")
    await alice.is_refused("too_large", {"type": "log", "room": room, "from": 1, "limit": 201})
    await alice.is_refused("too_large", {"type": "history", "room": room, "limit": 101})
    await alice.is_refused("too_large", {"type": "readers", "room": room, "seq": 1, "limit": 201})
    await alice.is_refused("too_large", {"type": "members.list", "room": room, "limit": 201})


@pytest.mark.parametrize("limit", [0, -1, "ten", 2**53])
async def test_a_limit_that_is_none_is_refused(people: Company, limit: Any) -> None:
    room, (alice, _) = await people.in_direct("alice", "bob")
    for request in ({"type": "log", "from": 1}, {"type": "history"}):
        await alice.is_refused("bad_request", {**request, "room": room, "limit": limit})


async def test_s09_a_log_from_before_the_first_visible_event_is_reset(people: Company) -> None:
    room, (alice, _) = await people.in_group("alice", "bob")
    await _talk(alice, room, 5)
    carol = await people.meets("carol")
    joined = (await alice.does("members.add", room, users=["carol"]))["seq"]
    reply = await carol.asks({"type": "log", "room": room, "from": 1})
    assert (reply["reset"], reply["events"]) == (True, [])
    assert (reply["first_visible"], reply["seq"], reply["ordinal"]) == (joined, joined, 5)
    assert [event["seq"] for event in await carol.logs(room, joined)] == [joined]


async def test_messages_from_before_joining_are_never_returned(people: Company) -> None:
    room, (alice, _) = await people.in_group("alice", "bob")
    await _talk(alice, room, 5, "secret")
    carol = await people.meets("carol")
    joined = (await alice.does("members.add", room, users=["carol"]))["seq"]
    await alice.edits(room, 3, "secret still")
    sent = (await alice.sends(room, "hello carol"))["seq"]
    page = await carol.asks({"type": "history", "room": room, "limit": 100})
    assert [event["seq"] for event in page["events"]] == [sent]
    assert (page["low"], page["end"]) == (joined, True)
    older = await carol.asks({"type": "history", "room": room, "before": joined})
    assert (older["events"], older["end"]) == ([], True)
    around = await carol.asks({"type": "history", "room": room, "around": 3})
    assert [event["seq"] for event in around["events"]] == [sent]
    changed = await carol.asks({"type": "changes", "room": room, "low": 1, "high": sent, "since": 0})
    assert changed["events"] == []
    some = await carol.asks({"type": "messages", "room": room, "seqs": [2, 3, sent]})
    assert [event["seq"] for event in some["events"]] == [sent]
    assert "secret" not in repr(carol.heard)


@pytest.mark.parametrize("limit", [1, 3, 7, 50])
async def test_s12_coverage_intervals_of_history_join_to_the_whole_log(people: Company, limit: int) -> None:
    room, (alice, bob) = await people.in_direct("alice", "bob")
    await _mixed_traffic(alice, bob, room)
    last = (await bob.gets(room))["seq"]
    pages = [await bob.asks({"type": "history", "room": room, "limit": limit})]
    while "end" not in pages[-1]:
        pages.append(
            await bob.asks({"type": "history", "room": room, "limit": limit, "before": pages[-1]["low"]})
        )
    assert pages[0]["high"] == pages[0]["seq"] == last
    assert pages[-1]["low"] == 1
    for newer, older in itertools.pairwise(pages):
        assert older["high"] == newer["low"] - 1
    _is_the_whole_room(pages, await bob.logs(room))


@pytest.mark.parametrize("limit", [1, 3, 7, 50])
async def test_s12_the_same_holds_forwards(people: Company, limit: int) -> None:
    room, (alice, bob) = await people.in_direct("alice", "bob")
    await _mixed_traffic(alice, bob, room)
    last = (await bob.gets(room))["seq"]
    pages = [await bob.asks({"type": "history", "room": room, "limit": limit, "after": 0})]
    while pages[-1]["high"] < last:
        pages.append(
            await bob.asks({"type": "history", "room": room, "limit": limit, "after": pages[-1]["high"]})
        )
    assert pages[0]["low"] == 1
    for older, newer in itertools.pairwise(pages):
        assert newer["low"] == older["high"] + 1
    _is_the_whole_room(pages, await bob.logs(room))


async def _mixed_traffic(alice: Phone, bob: Phone, room: str) -> None:
    """Messages with stretches of reactions and edits between them."""
    for number in range(8):
        sent = (await alice.sends(room, f"message {number}"))["seq"]
        for emoji in ["👍", "❤️", "😀", "🎉"][: number % 5]:
            await bob.reacts(room, sent, emoji)
        if number % 3 == 0:
            await alice.edits(room, sent, f"better message {number}")
    await bob.pins(room, sent)


def _is_the_whole_room(pages: list[dict[str, Any]], log: list[dict[str, Any]]) -> None:
    """Every message once, in the state the log leads to, and inside the interval its page claims."""
    for page in pages:
        seqs = [event["seq"] for event in page["events"]]
        assert seqs == sorted(seqs)
        assert all(page["low"] <= seq <= page["high"] for seq in seqs)
    paged, replayed = Replica(), Replica()
    paged.apply_all(event for page in pages for event in page["events"])
    replayed.apply_all(log)
    assert paged.messages == replayed.messages
    assert sum(len(page["events"]) for page in pages) == len(replayed.messages)


async def test_history_around_shows_both_sides(people: Company) -> None:
    room, (alice, _) = await people.in_direct("alice", "bob")
    sent = await _talk(alice, room, 30)
    page = await alice.asks({"type": "history", "room": room, "around": sent[15], "limit": 10})
    seqs = [event["seq"] for event in page["events"]]
    assert sent[15] in seqs
    assert len(seqs) == 10
    assert seqs[0] < sent[15] < seqs[-1]
    assert seqs == list(range(seqs[0], seqs[-1] + 1))
    assert page["low"] <= seqs[0]
    assert seqs[-1] <= page["high"]


async def test_history_takes_one_anchor(people: Company) -> None:
    room, (alice, _) = await people.in_direct("alice", "bob")
    await alice.is_refused("bad_request", {"type": "history", "room": room, "before": 2, "after": 1})


async def test_an_empty_room_has_an_empty_history(people: Company) -> None:
    room, (alice, _) = await people.in_direct("alice", "bob")
    page = await alice.asks({"type": "history", "room": room})
    assert (page["events"], page["low"], page["high"], page["end"]) == ([], 1, 1, True)


async def test_changes_are_the_messages_changed_since(people: Company) -> None:
    room, (alice, bob) = await people.in_direct("alice", "bob")
    sent = await _talk(alice, room, 10)
    before = await alice.edits(room, sent[0], "known edit")
    await alice.edits(room, sent[2], "new edit")
    await bob.reacts(room, sent[4], "👍")
    await alice.recalls(room, sent[6])
    last = await bob.pins(room, sent[8])
    request = {"type": "changes", "room": room, "low": sent[0], "high": sent[7], "since": before["seq"]}
    reply = await bob.asks(request)
    assert [event["seq"] for event in reply["events"]] == [sent[2], sent[4], sent[6]]
    assert reply["seq"] == last["seq"]
    assert reply["events"][0]["body"] == {"text": "new edit"}
    assert reply["events"][2]["recalled"] is True


@pytest.mark.settings(limits={"page": 10})
async def test_changes_that_are_cut_say_where_to_go_on(people: Company) -> None:
    room, (alice, bob) = await people.in_direct("alice", "bob")
    sent = await _talk(alice, room, 25)
    for seq in sent:
        await bob.reacts(room, seq, "👍")
    request = {"type": "changes", "room": room, "low": 1, "high": sent[-1], "since": 0}
    seen: list[int] = []
    reply = await bob.asks(request)
    while "next" in reply:
        assert 1 <= len(reply["events"]) <= 10
        seen += [event["seq"] for event in reply["events"]]
        reply = await bob.asks({**request, "low": reply["next"]})
    seen += [event["seq"] for event in reply["events"]]
    assert seen == sent


async def test_messages_are_found_by_number(people: Company) -> None:
    room, (alice, bob) = await people.in_direct("alice", "bob")
    sent = await _talk(alice, room, 3)
    edit = (await alice.edits(room, sent[0], "edited"))["seq"]
    reply = await bob.asks({"type": "messages", "room": room, "seqs": [sent[2], sent[0], edit, 1, 999]})
    found = {event["seq"]: event["body"]["text"] for event in reply["events"]}
    assert found == {sent[0]: "edited", sent[2]: "message 2"}


async def test_more_than_100_numbers_at_once_are_refused(people: Company) -> None:
    room, (alice, _) = await people.in_direct("alice", "bob")
    await alice.is_refused("too_large", {"type": "messages", "room": room, "seqs": list(range(1, 102))})


@pytest.mark.parametrize(
    "request_of",
    [
        {"type": "log", "from": 1},
        {"type": "history"},
        {"type": "changes", "low": 1, "high": 2, "since": 0},
        {"type": "messages", "seqs": [1]},
    ],
    ids=lambda request: request["type"],
)
async def test_a_stranger_cannot_tell_a_private_room_from_none(
    people: Company, request_of: dict[str, Any]
) -> None:
    room, _ = await people.in_direct("alice", "bob")
    mallory = await people.meets("mallory")
    absent = await mallory.is_refused("not_found", {**request_of, "room": "dAbCdEfGhIj0"})
    private = await mallory.is_refused("not_found", {**request_of, "room": room})
    assert {**absent, "id": 0} == {**private, "id": 0}


async def test_f6_a_long_absence_is_repaired_by_changes(people: Company) -> None:
    """The flow of 2.12: jump to the newest page, keep the old interval, correct it, fill the hole."""
    room, (alice, bob) = await people.in_direct("alice", "bob")
    old = await _talk(alice, room, 30)
    cached = Replica()
    cached.apply_all(await bob.logs(room))
    valid = (await bob.gets(room))["seq"]
    await alice.edits(room, old[3], "edited while away")
    await alice.recalls(room, old[5])
    await _talk(alice, room, 120, "later")
    page = await bob.asks({"type": "history", "room": room, "limit": 50})
    cached.apply_all(page["events"])
    request = {"type": "changes", "room": room, "low": 1, "high": valid, "since": valid}
    cached.apply_all((await bob.asks(request))["events"])
    while page["low"] > valid + 1:
        page = await bob.asks({"type": "history", "room": room, "before": page["low"]})
        cached.apply_all(page["events"])
    truth = Replica()
    truth.apply_all(await alice.logs(room))
    assert cached.messages == truth.messages
