from dataclasses import replace

import pytest

from chatd.commands import history
from chatd.commands.context import NO_IDENTITY
from chatd.core.maintenance import CompactLog
from chatd.protocol.history import History, Log
from tests.kit.inprocess import in_process, new_key


@pytest.fixture
async def ann(server):
    return await server.connect("ann")


@pytest.fixture
async def room(ann):
    return await ann.create_group("bob")


async def chat(ann, room, count):
    for number in range(count):
        await ann.send(room, f"message {number}")


def seqs(reply):
    return [event["seq"] for event in reply["events"]]


# --- log


async def test_a_log_covers_its_range(ann, room):
    await chat(ann, room, 5)
    reply = await ann.request(type="log", room=room, **{"from": 2, "to": 4})
    assert (seqs(reply), reply["seq"], "next" in reply) == ([2, 3, 4], 6, False)


async def test_a_log_stops_early_and_says_where_to_go_on(ann, room):
    await chat(ann, room, 5)
    reply = await ann.request(type="log", room=room, limit=2, **{"from": 1})
    assert (seqs(reply), reply["next"]) == ([1, 2], 3)
    reply = await ann.request(type="log", room=room, **{"from": reply["next"]})
    assert (seqs(reply), "next" in reply) == ([3, 4, 5, 6], False)


async def test_a_log_beyond_the_end_is_empty(ann, room):
    reply = await ann.request(type="log", room=room, **{"from": 9})
    assert (reply["events"], reply["seq"], "reset" in reply) == ([], 1, False)


async def test_a_log_below_the_floor_is_reset(server, ann, room):
    await chat(ann, room, 3)
    await server.app.writer.submit_and_wait("", CompactLog(room, 3))
    reply = await ann.request(type="log", room=room, **{"from": 2})
    assert (reply["events"], reply["reset"], reply["log_floor"], reply["seq"], reply["ordinal"]) == (
        [],
        True,
        3,
        4,
        3,
    )
    assert "first_visible" not in reply
    assert seqs(await ann.request(type="log", room=room, **{"from": 3})) == [3, 4]


async def test_a_log_below_what_one_may_see_is_reset(server, ann, room):
    await chat(ann, room, 3)
    await ann.request(type="members.add", room=room, key=new_key(), users=["cat"])
    cat = await server.connect("cat")
    reply = await cat.request(type="log", room=room, **{"from": 4})
    assert (reply["reset"], reply["first_visible"]) == (True, 5)
    assert seqs(await cat.request(type="log", room=room, **{"from": 5})) == [5]


async def test_what_is_not_durable_is_not_read(server, ann, room):
    """A reader during a commit sees the room as it was."""
    hold = server.store.hold("commit")
    ann.send_packets({"type": "send", "room": room, "key": new_key(), "body": {"text": "x"}})
    await hold.reached.wait()
    bob = server.client()
    loaded = await server.app.context.rooms.get(room)
    assert (loaded.seq, loaded.durable_seq) == (2, 1)
    bob.session.identity = replace(NO_IDENTITY, user="bob")
    log = await history.log(server.app.context, bob.session, Log(room=room, from_=1))
    page = await history.history(server.app.context, bob.session, History(room=room))
    assert (log.seq, len(log.events), page.seq, page.high) == (1, 1, 1, 1)
    hold.release()
    await server.wait_idle()


@pytest.mark.parametrize(
    ("packet", "code"),
    [
        ({"type": "log", "from": 1, "limit": 201}, "too_large"),
        ({"type": "history", "limit": 101}, "too_large"),
        ({"type": "history", "before": 3, "after": 1}, "bad_request"),
        ({"type": "log", "from": 0}, "bad_request"),
        ({"type": "messages", "seqs": []}, "bad_request"),
        ({"type": "messages", "seqs": [1] * 101}, "too_large"),
    ],
)
async def test_what_is_asked_wrongly_is_refused(ann, room, packet, code):
    assert (await ann.request(room=room, **packet))["code"] == code


@pytest.mark.parametrize(
    "packet",
    [
        {"type": "log", "from": 1},
        {"type": "history"},
        {"type": "changes", "low": 1, "high": 1, "since": 0},
        {"type": "messages", "seqs": [1]},
    ],
)
async def test_only_members_read_the_past(server, ann, room, packet):
    eve = await server.connect("eve")
    assert (await eve.request(room=room, **packet))["code"] == "not_found"
    bob = await server.connect("bob")
    await bob.request(type="room.leave", room=room, key=new_key())
    assert (await bob.request(room=room, **packet))["code"] == "not_member"


# --- history


async def test_the_newest_messages_come_without_an_anchor(ann, room):
    await chat(ann, room, 5)
    reply = await ann.request(type="history", room=room, limit=2)
    assert (seqs(reply), reply["high"], reply["seq"], "end" in reply) == ([5, 6], 6, 6, False)


@pytest.mark.parametrize(
    ("anchor", "found", "end"),
    [
        ({"before": 4}, [2, 3], True),
        ({"before": 2}, [], True),
        ({"after": 4}, [5, 6, 7], False),
        ({"after": 7}, [], False),
        ({"after": 0}, [2, 3, 4, 5, 6, 7], True),
        ({"around": 4}, [2, 3, 4, 5, 6, 7], True),
        ({"around": 99}, [2, 3, 4, 5, 6, 7], True),
        ({"around": 0}, [2, 3, 4, 5, 6, 7], True),
    ],
)
async def test_an_anchor_says_which_messages(ann, room, anchor, found, end):
    await chat(ann, room, 6)
    reply = await ann.request(type="history", room=room, **anchor)
    assert (seqs(reply), reply.get("end", False)) == (found, end)


@pytest.mark.parametrize(
    "anchor", [{}, {"before": 9}, {"before": 5}, {"after": 1}, {"after": 8}, {"around": 6}]
)
@pytest.mark.parametrize("limit", [1, 2, 3, 50])
async def test_a_page_covers_exactly_the_interval_it_says(ann, room, anchor, limit):
    """Messages at 2, 4, 6, 8, 10: a reaction behind each."""
    for _ in range(5):
        ack = await ann.send(room)
        await ann.request(type="react", room=room, key=new_key(), target=ack["seq"], emoji="👍", set=True)
    reply = await ann.request(type="history", room=room, limit=limit, **anchor)
    low, high = reply["low"], reply["high"]
    assert seqs(reply) == [seq for seq in (2, 4, 6, 8, 10) if low <= seq <= high]
    assert len(reply["events"]) <= limit


async def test_nothing_below_what_one_may_see_is_in_a_page(server, ann, room):
    await chat(ann, room, 3)
    await ann.request(type="members.add", room=room, key=new_key(), users=["cat"])
    await chat(ann, room, 2)
    cat = await server.connect("cat")
    reply = await cat.request(type="history", room=room)
    assert (seqs(reply), reply["low"], reply["end"]) == ([6, 7], 5, True)
    assert (await cat.request(type="messages", room=room, seqs=[2, 3, 6]))["events"] == reply["events"][:1]
    assert seqs(await cat.request(type="changes", room=room, low=1, high=9, since=0)) == []


# --- views of events


async def test_own_reactions_are_added_for_each_reader(server, ann, room):
    await chat(ann, room, 2)
    bob = await server.connect("bob")
    await ann.request(type="react", room=room, key=new_key(), target=2, emoji="👍", set=True)
    await bob.request(type="react", room=room, key=new_key(), target=2, emoji="👎", set=True)
    cat_free = await ann.request(type="history", room=room)
    assert [event.get("mine") for event in cat_free["events"]] == [["👍"], None]
    for packet in (
        {"type": "log", "from": 1},
        {"type": "messages", "seqs": [2]},
        {"type": "changes", "low": 1, "high": 9, "since": 0},
    ):
        events = (await bob.request(room=room, **packet))["events"]
        assert [event["mine"] for event in events if event["seq"] == 2] == [["👎"]]


async def test_a_text_about_reactions_is_no_reaction(ann, room):
    await ann.request(type="send", room=room, key=new_key(), body={"text": "x", "data": {"reactions": 1}})
    (event,) = (await ann.request(type="history", room=room))["events"]
    assert "mine" not in event


async def test_an_edit_of_what_one_may_not_see_comes_without_its_text(server, ann, room):
    await chat(ann, room, 1)
    await ann.request(type="members.add", room=room, key=new_key(), users=["cat"])
    await ann.send(room)
    await ann.request(type="edit", room=room, key=new_key(), target=2, body={"text": "secret"})
    await ann.request(type="edit", room=room, key=new_key(), target=4, body={"text": "open"})
    cat = await server.connect("cat")
    log = (await cat.request(type="log", room=room, **{"from": 3}))["events"]
    assert [(event["seq"], event.get("body")) for event in log if event["kind"] == "edit"] == [
        (5, None),
        (6, {"text": "open"}),
    ]
    everything = (await ann.request(type="log", room=room, **{"from": 3}))["events"]
    assert [event["body"]["text"] for event in everything if event["kind"] == "edit"] == ["secret", "open"]


async def test_a_recalled_text_never_leaves_the_server_again(server, ann, room):
    await ann.send(room, "secret one")
    await ann.request(type="edit", room=room, key=new_key(), target=2, body={"text": "secret two"})
    await ann.request(type="recall", room=room, key=new_key(), target=2)
    bob = await server.connect("bob", events=50)
    for packet in (
        {"type": "log", "from": 1},
        {"type": "history"},
        {"type": "messages", "seqs": [2]},
        {"type": "changes", "low": 1, "high": 9, "since": 0},
    ):
        await bob.request(room=room, **packet)
    assert not any(b"secret" in frame for frame in bob.wire.frames)
    assert sum(frame.count(b"recalled") for frame in bob.wire.frames) >= 4


async def test_changes_are_those_after_a_number(ann, room):
    await chat(ann, room, 4)
    await ann.request(type="edit", room=room, key=new_key(), target=2, body={"text": "a"})
    await ann.request(type="edit", room=room, key=new_key(), target=4, body={"text": "b"})
    assert seqs(await ann.request(type="changes", room=room, low=1, high=9, since=0)) == [2, 4]
    assert seqs(await ann.request(type="changes", room=room, low=1, high=9, since=6)) == [4]
    assert seqs(await ann.request(type="changes", room=room, low=3, high=3, since=0)) == []
    assert (await ann.request(type="changes", room=room, low=9, high=3, since=0))["seq"] == 7


async def test_pages_fit_a_server_frame_and_go_on(tmp_path):
    async with in_process(tmp_path, limits={"server_frame_bytes": 65536}, rates={"enabled": False}) as server:
        ann = await server.connect("ann")
        room = await ann.create_group()
        for _ in range(12):
            await ann.send(room, "x" * 15_000)
        found, at = [], 1
        while at is not None:
            reply = await ann.request(type="log", room=room, **{"from": at})
            found += seqs(reply)
            at = reply.get("next")
        assert found == list(range(1, 14))
        reply = await ann.request(type="history", room=room)
        assert 1 <= len(reply["events"]) < 12
        assert max(map(len, ann.wire.frames)) <= 65536
