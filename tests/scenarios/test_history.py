"""protocol.md "Reading history": log, history, changes, messages."""

import itertools
from typing import Any

import pytest

from tests.kit.client import TestClient, fresh_key
from tests.kit.clients import Clients
from tests.kit.replica import Replica


async def _talk(client: TestClient, room: str, count: int, text: str = "message") -> list[int]:
    """Messages in batches; their numbers."""
    send = {"type": "send", "room": room}
    sends = [{**send, "key": fresh_key(), "body": {"text": f"{text} {number}"}} for number in range(count)]
    replies: list[dict[str, Any]] = []
    for start in range(0, count, 50):
        replies += await client.request_all(sends[start : start + 50])
    return [reply["seq"] for reply in replies]


async def test_a_log_covers_exactly_the_range_asked_for(clients: Clients) -> None:
    room, (alice, bob) = await clients.in_direct("alice", "bob")
    await _talk(alice, room, 10)
    reply = await bob.request({"type": "log", "room": room, "from": 4, "to": 7})
    assert [event["seq"] for event in reply["events"]] == [4, 5, 6, 7]
    assert reply["seq"] == 11
    assert "next" not in reply


async def test_a_log_that_stops_early_says_where_to_go_on(clients: Clients) -> None:
    room, (alice, bob) = await clients.in_direct("alice", "bob")
    await _talk(alice, room, 10)
    reply = await bob.request({"type": "log", "room": room, "from": 1, "limit": 4})
    assert [event["seq"] for event in reply["events"]] == [1, 2, 3, 4]
    assert reply["next"] == 5
    reply = await bob.request({"type": "log", "room": room, "from": 9, "limit": 3})
    assert [event["seq"] for event in reply["events"]] == [9, 10, 11]
    assert "next" not in reply


async def test_a_log_up_to_date_is_empty(clients: Clients) -> None:
    room, (alice, _) = await clients.in_direct("alice", "bob")
    reply = await alice.request({"type": "log", "room": room, "from": 2})
    assert (reply["events"], reply["seq"]) == ([], 1)
    assert "reset" not in reply


async def test_pages_are_cut_by_bytes_too(clients: Clients) -> None:
    room, (alice, bob) = await clients.in_direct("alice", "bob")
    for _ in range(40):
        await alice.send(room, "x" * 16_000)
    log = await bob.read_log(room)
    assert [event["seq"] for event in log] == list(range(1, 42))
    pages = [packet for packet in bob.heard if "events" in packet and packet["type"] == "ok"]
    assert len(pages) >= 3
    await bob.request({"type": "history", "room": room, "limit": 100})
    assert all(len(frame) <= 262_144 for frame in bob.link.frames_received)


async def test_a_limit_above_the_bound_is_too_large(clients: Clients) -> None:
    room, (alice, _) = await clients.in_direct("alice", "bob")
    await alice.expect_refusal("too_large", {"type": "log", "room": room, "from": 1, "limit": 201})
    await alice.expect_refusal("too_large", {"type": "history", "room": room, "limit": 101})
    await alice.expect_refusal("too_large", {"type": "readers", "room": room, "seq": 1, "limit": 201})
    await alice.expect_refusal("too_large", {"type": "members.list", "room": room, "limit": 201})


@pytest.mark.parametrize("limit", [0, -1, "ten", 2**53])
async def test_a_limit_that_is_none_is_refused(clients: Clients, limit: Any) -> None:
    room, (alice, _) = await clients.in_direct("alice", "bob")
    for request in ({"type": "log", "from": 1}, {"type": "history"}):
        await alice.expect_refusal("bad_request", {**request, "room": room, "limit": limit})


async def test_s09_a_log_from_before_the_first_visible_event_is_reset(clients: Clients) -> None:
    room, (alice, _) = await clients.in_group("alice", "bob")
    await _talk(alice, room, 5)
    carol = await clients.connect("carol")
    joined = (await alice.mutate("members.add", room, users=["carol"]))["seq"]
    reply = await carol.request({"type": "log", "room": room, "from": 1})
    assert (reply["reset"], reply["events"]) == (True, [])
    assert (reply["first_visible"], reply["seq"], reply["ordinal"]) == (joined, joined, 5)
    assert [event["seq"] for event in await carol.read_log(room, joined)] == [joined]


async def test_messages_from_before_joining_are_never_returned(clients: Clients) -> None:
    room, (alice, _) = await clients.in_group("alice", "bob")
    await _talk(alice, room, 5, "secret")
    carol = await clients.connect("carol")
    joined = (await alice.mutate("members.add", room, users=["carol"]))["seq"]
    await alice.edit(room, 3, "secret still")
    sent = (await alice.send(room, "hello carol"))["seq"]
    page = await carol.request({"type": "history", "room": room, "limit": 100})
    assert [event["seq"] for event in page["events"]] == [sent]
    assert (page["low"], page["end"]) == (joined, True)
    older = await carol.request({"type": "history", "room": room, "before": joined})
    assert (older["events"], older["end"]) == ([], True)
    around = await carol.request({"type": "history", "room": room, "around": 3})
    assert [event["seq"] for event in around["events"]] == [sent]
    changed = await carol.request({"type": "changes", "room": room, "low": 1, "high": sent, "since": 0})
    assert changed["events"] == []
    some = await carol.request({"type": "messages", "room": room, "seqs": [2, 3, sent]})
    assert [event["seq"] for event in some["events"]] == [sent]
    assert "secret" not in repr(carol.heard)


@pytest.mark.parametrize("limit", [1, 3, 7, 50])
async def test_s12_coverage_intervals_of_history_join_to_the_whole_log(clients: Clients, limit: int) -> None:
    room, (alice, bob) = await clients.in_direct("alice", "bob")
    await _mixed_traffic(alice, bob, room)
    last = (await bob.get_room(room))["seq"]
    pages = [await bob.request({"type": "history", "room": room, "limit": limit})]
    while "end" not in pages[-1]:
        pages.append(
            await bob.request({"type": "history", "room": room, "limit": limit, "before": pages[-1]["low"]})
        )
    assert pages[0]["high"] == pages[0]["seq"] == last
    assert pages[-1]["low"] == 1
    for newer, older in itertools.pairwise(pages):
        assert older["high"] == newer["low"] - 1
    _is_the_whole_room(pages, await bob.read_log(room))


@pytest.mark.parametrize("limit", [1, 3, 7, 50])
async def test_s12_the_same_holds_forwards(clients: Clients, limit: int) -> None:
    room, (alice, bob) = await clients.in_direct("alice", "bob")
    await _mixed_traffic(alice, bob, room)
    last = (await bob.get_room(room))["seq"]
    pages = [await bob.request({"type": "history", "room": room, "limit": limit, "after": 0})]
    while pages[-1]["high"] < last:
        pages.append(
            await bob.request({"type": "history", "room": room, "limit": limit, "after": pages[-1]["high"]})
        )
    assert pages[0]["low"] == 1
    for older, newer in itertools.pairwise(pages):
        assert newer["low"] == older["high"] + 1
    _is_the_whole_room(pages, await bob.read_log(room))


async def _mixed_traffic(alice: TestClient, bob: TestClient, room: str) -> None:
    """Messages with stretches of reactions and edits between them."""
    for number in range(8):
        sent = (await alice.send(room, f"message {number}"))["seq"]
        for emoji in ["👍", "❤️", "😀", "🎉"][: number % 5]:
            await bob.react(room, sent, emoji)
        if number % 3 == 0:
            await alice.edit(room, sent, f"better message {number}")
    await bob.pin(room, sent)


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


async def test_history_around_shows_both_sides(clients: Clients) -> None:
    room, (alice, _) = await clients.in_direct("alice", "bob")
    sent = await _talk(alice, room, 30)
    page = await alice.request({"type": "history", "room": room, "around": sent[15], "limit": 10})
    seqs = [event["seq"] for event in page["events"]]
    assert sent[15] in seqs
    assert len(seqs) == 10
    assert seqs[0] < sent[15] < seqs[-1]
    assert seqs == list(range(seqs[0], seqs[-1] + 1))
    assert page["low"] <= seqs[0]
    assert seqs[-1] <= page["high"]


async def test_history_takes_one_anchor(clients: Clients) -> None:
    room, (alice, _) = await clients.in_direct("alice", "bob")
    await alice.expect_refusal("bad_request", {"type": "history", "room": room, "before": 2, "after": 1})


async def test_an_empty_room_has_an_empty_history(clients: Clients) -> None:
    room, (alice, _) = await clients.in_direct("alice", "bob")
    page = await alice.request({"type": "history", "room": room})
    assert (page["events"], page["low"], page["high"], page["end"]) == ([], 1, 1, True)


async def test_changes_are_the_messages_changed_since(clients: Clients) -> None:
    room, (alice, bob) = await clients.in_direct("alice", "bob")
    sent = await _talk(alice, room, 10)
    before = await alice.edit(room, sent[0], "known edit")
    await alice.edit(room, sent[2], "new edit")
    await bob.react(room, sent[4], "👍")
    await alice.recall(room, sent[6])
    last = await bob.pin(room, sent[8])
    request = {"type": "changes", "room": room, "low": sent[0], "high": sent[7], "since": before["seq"]}
    reply = await bob.request(request)
    assert [event["seq"] for event in reply["events"]] == [sent[2], sent[4], sent[6]]
    assert reply["seq"] == last["seq"]
    assert reply["events"][0]["body"] == {"text": "new edit"}
    assert reply["events"][2]["recalled"] is True


@pytest.mark.settings(limits={"page": 10})
async def test_changes_that_are_cut_say_where_to_go_on(clients: Clients) -> None:
    room, (alice, bob) = await clients.in_direct("alice", "bob")
    sent = await _talk(alice, room, 25)
    for seq in sent:
        await bob.react(room, seq, "👍")
    request = {"type": "changes", "room": room, "low": 1, "high": sent[-1], "since": 0}
    seen: list[int] = []
    reply = await bob.request(request)
    while "next" in reply:
        assert 1 <= len(reply["events"]) <= 10
        seen += [event["seq"] for event in reply["events"]]
        reply = await bob.request({**request, "low": reply["next"]})
    seen += [event["seq"] for event in reply["events"]]
    assert seen == sent


async def test_messages_are_found_by_number(clients: Clients) -> None:
    room, (alice, bob) = await clients.in_direct("alice", "bob")
    sent = await _talk(alice, room, 3)
    edit = (await alice.edit(room, sent[0], "edited"))["seq"]
    reply = await bob.request({"type": "messages", "room": room, "seqs": [sent[2], sent[0], edit, 1, 999]})
    found = {event["seq"]: event["body"]["text"] for event in reply["events"]}
    assert found == {sent[0]: "edited", sent[2]: "message 2"}


async def test_more_than_100_numbers_at_once_are_refused(clients: Clients) -> None:
    room, (alice, _) = await clients.in_direct("alice", "bob")
    await alice.expect_refusal("too_large", {"type": "messages", "room": room, "seqs": list(range(1, 102))})


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
    clients: Clients, request_of: dict[str, Any]
) -> None:
    room, _ = await clients.in_direct("alice", "bob")
    mallory = await clients.connect("mallory")
    absent = await mallory.expect_refusal("not_found", {**request_of, "room": "dAbCdEfGhIj0"})
    private = await mallory.expect_refusal("not_found", {**request_of, "room": room})
    assert {**absent, "id": 0} == {**private, "id": 0}


async def test_f6_a_long_absence_is_repaired_by_changes(clients: Clients) -> None:
    """The flow of 2.12: jump to the newest page, keep the old interval, correct it, fill the hole."""
    room, (alice, bob) = await clients.in_direct("alice", "bob")
    old = await _talk(alice, room, 30)
    cached = Replica()
    cached.apply_all(await bob.read_log(room))
    valid = (await bob.get_room(room))["seq"]
    await alice.edit(room, old[3], "edited while away")
    await alice.recall(room, old[5])
    await _talk(alice, room, 120, "later")
    page = await bob.request({"type": "history", "room": room, "limit": 50})
    cached.apply_all(page["events"])
    request = {"type": "changes", "room": room, "low": 1, "high": valid, "since": valid}
    cached.apply_all((await bob.request(request))["events"])
    while page["low"] > valid + 1:
        page = await bob.request({"type": "history", "room": room, "before": page["low"]})
        cached.apply_all(page["events"])
    truth = Replica()
    truth.apply_all(await alice.read_log(room))
    assert cached.messages == truth.messages
