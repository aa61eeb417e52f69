from collections.abc import AsyncIterator
from pathlib import Path

import msgpack
import pytest

from chatd.auth.interface import Claims
from chatd.commands.context import Command
from chatd.core.maintenance import PostNotice
from chatd.jobs.last_seen import FLUSH_AFTER_S
from chatd.protocol.errors import Unavailable
from chatd.protocol.messages import Body
from chatd.protocol.users import UsersGet
from tests.kit.env import START_MS
from tests.kit.inprocess import InProcessServer, in_process, new_key


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[InProcessServer]:
    async with in_process(tmp_path, rates={"enabled": False}) as server:
        yield server


@pytest.fixture
async def limited(tmp_path: Path) -> AsyncIterator[InProcessServer]:
    """With the default rates."""
    async with in_process(tmp_path) as server:
        yield server


@pytest.fixture
async def ann(server):
    return await server.connect("ann")


def send(room, text="x", **keys):
    return {"type": "send", "room": room, "key": new_key(), "body": {"text": text}, **keys}


def bye(client):
    """The last packet, which must be a bye that agrees with the close frame."""
    last = client.wire.packets[-1]
    assert last["type"] == "bye"
    assert client.wire.closed_with == (last["close"], last["reason"])
    return last


# --- before hello


@pytest.mark.parametrize(
    "packet",
    [
        {"type": "ping", "id": 1},
        {"type": "pong"},
        {"type": "hello", "version": 1, "token": "t", "device": "d" * 22},
    ],
)
async def test_the_first_packet_is_a_hello_with_an_id(server, packet):
    client = server.client()
    client.send_packets(packet)
    assert (bye(client)["reason"], len(client.wire.packets)) == ("protocol", 1)


async def test_an_invalid_hello_is_answered_and_closed(server):
    client = server.client()
    client.send_packets({"type": "hello", "id": 1, "version": 1})
    assert client.wire.packets[0]["code"] == "bad_request"
    assert bye(client)["reason"] == "protocol"


async def test_silence_before_hello_is_ended(server):
    client = server.client()
    server.env.advance(9.9)
    assert client.wire.closed_with is None
    server.env.advance(0.2)
    assert (bye(client)["reason"], bye(client)["close"]) == ("hello_timeout", 4006)


async def test_the_line_of_an_end_says_who_from_where_why_and_how_long(server, caplog):
    ann, stranger = await server.connect("ann"), server.client(address="2001:db8::7")
    server.env.advance(12.34)
    with caplog.at_level("INFO"):
        ann.hang_up(1001)
        stranger.hang_up(1006)
    assert [line.partition(" of ")[2] for line in caplog.messages if "ended" in line] == [
        "ann from 192.0.2.1 ended with 1001 after 12.3 s",
        "- from 2001:db8::7 ended with 1006 after 12.3 s",
    ]


async def test_a_hello_under_way_is_not_timed_out(server):
    client = server.client()
    hold = server.store.hold("hello")
    client.say_hello("ann")
    await hold.reached.wait()
    server.env.advance(11)
    assert client.wire.closed_with is None
    hold.release()
    await server.wait_idle()
    assert client.wire.packets[0]["type"] == "ok"


async def test_nothing_is_read_while_a_hello_is_decided(server):
    client = server.client()
    hold = server.store.hold("hello")
    client.say_hello("ann")
    await hold.reached.wait()
    assert not client.wire.reading
    hold.release()
    await server.wait_idle()
    assert client.wire.reading


async def test_frames_are_small_until_hello_and_larger_after(server):
    client = server.client()
    assert client.session.frame_bytes_max == 8192
    client.say_hello("ann")
    await server.wait_idle()
    assert client.session.frame_bytes_max == 65536


async def test_a_second_hello_is_refused_and_the_connection_stays(server, ann):
    id = ann.say_hello("ann")
    assert ann.reply(id)["code"] == "bad_request"
    assert ann.wire.closed_with is None


# --- requests


async def test_an_unknown_type_is_answered(ann):
    reply = await ann.request(type="telepathy")
    assert (reply["code"], reply["retry"], ann.wire.closed_with) == ("unknown_type", "never", None)


async def test_what_is_wrong_is_named(ann):
    reply = await ann.request(type="read", room="g00000000000", seq="x")
    assert (reply["code"], reply["field"]) == ("bad_request", "seq")


@pytest.mark.parametrize(
    "packet", [{"type": "telepathy"}, {"type": "read", "seq": 1}, {"type": "ping"}, {"id": 0, "type": "x"}]
)
async def test_without_an_id_nothing_is_said(server, ann, packet):
    ann.send_packets(packet)
    await server.wait_idle()
    assert ann.take() == []
    assert ann.wire.closed_with is None


async def test_a_request_without_an_id_is_carried_out(server, ann):
    room = await ann.create_group()
    ann.send_packets(send(room))
    await server.wait_idle()
    assert (await ann.send(room))["seq"] == 3


@pytest.mark.parametrize(
    "payload",
    [b"", b"\xc1", b"\x90", b"\x93\x01\x02\x03", b"\xc7\x01\x01x", b"\x81\xa4type", msgpack.packb([{}] * 65)],
)
async def test_what_is_no_frame_of_packets_is_the_end(ann, payload):
    ann.session.received(payload)
    assert (bye(ann)["reason"], bye(ann)["close"]) == ("protocol", 4204)


async def test_a_batch_is_handled_in_order(server, ann):
    room = await ann.create_group()
    ann.wire.take()
    ann.send_packets(*({"id": 100 + n, **send(room)} for n in range(5)), {"id": 200, "type": "ping"})
    await server.wait_idle()
    replies = [packet for packet in ann.take() if packet["id"] != 200]
    assert [(reply["id"], reply["seq"]) for reply in replies] == [(100 + n, 2 + n) for n in range(5)]


async def test_one_bad_packet_of_a_batch_leaves_the_others(server, ann):
    room = await ann.create_group()
    ann.send_packets({"id": 101, **send(room)}, {"id": 102, "type": "telepathy"}, {"id": 103, **send(room)})
    await server.wait_idle()
    assert [ann.reply(id).get("seq", ann.reply(id).get("code")) for id in (101, 102, 103)] == [
        2,
        "unknown_type",
        3,
    ]


async def test_nothing_is_handled_after_the_end(server, ann):
    room = await ann.create_group()
    ann.session.close(4000)
    before = len(ann.wire.packets)
    ann.send_packets(send(room))
    ann.send_packets({"type": "ping", "id": 77})
    await server.wait_idle()
    assert len(ann.wire.packets) == before
    bob = await server.connect("ann", device=2)
    assert (await bob.send(room))["seq"] == 2


async def test_what_a_token_does_not_allow_is_forbidden(server):
    server.identity.claims["reader"] = Claims("ann", 4e9, allow=frozenset({"read"}))
    ann = await server.connect("reader")
    assert (await ann.request(type="ping"))["type"] == "ok"
    for packet in (
        send("g00000000000"),
        {"type": "room.direct", "user": "bob"},
        {"type": "typing", "room": "g00000000000"},
    ):
        assert (await ann.request(**packet))["code"] == "forbidden"


async def broken_later(ctx, session, request):
    raise ZeroDivisionError


def broken_at_once(ctx, session, request):
    raise ZeroDivisionError


@pytest.mark.parametrize("handler", [broken_later, broken_at_once])
async def test_a_handler_with_a_bug_is_internal_and_the_connection_stays(
    server, ann, monkeypatch, caplog, handler
):
    monkeypatch.setitem(server.app.context.commands, UsersGet, Command(handler))
    reply = await ann.request(type="users.get", users=["bob"])
    assert (reply["code"], reply["retry"], ann.wire.closed_with) == ("internal", "later", None)
    assert "ZeroDivisionError" in caplog.text
    assert server.app.counters.defects == 1
    assert (await ann.request(type="ping"))["type"] == "ok"


async def test_the_json_twin_speaks_the_same(server):
    client = server.client(text=True)
    client.session.received(
        b'{"type":"hello","id":1,"version":1,"token":"ann","device":"device0000000000000001"}'
    )
    await server.wait_idle()
    assert (client.reply(1)["user"], client.reply(1)["features"]) == ("ann", [])
    client.session.received(b'[{"type":"ping","id":2},{"type":"ping","id":3}]')
    assert client.reply(2)["time"] == client.reply(3)["time"] == START_MS
    client.session.received(b"\x81")
    assert client.wire.closed_with == (4204, "protocol")


async def test_large_packets_are_deflated_for_who_can(server):
    ann = await server.connect("ann", features=["deflate"])
    room = await ann.create_group("bob")
    bob = await server.connect("bob")
    for _ in range(3):
        await bob.send(room, "x" * 4000)
    pushes = ann.take("event")
    assert [push["events"][0]["body"]["text"] for push in pushes] == ["x" * 4000] * 3
    assert max(map(len, ann.wire.frames)) < 2000


# --- the abort rule of refusals before a command


async def test_sends_behind_one_refused_for_now_are_aborted_and_earlier_ones_are_not(limited):
    ann = await limited.connect("ann")
    room = await ann.create_group()
    limited.env.advance(1)
    ann.send_packets(*({"id": 100 + n, **send(room)} for n in range(30)))
    await limited.wait_idle()
    replies = [ann.reply(100 + n) for n in range(30)]
    assert [reply.get("seq") for reply in replies[:20]] == list(range(2, 22))
    assert (replies[20]["code"], replies[20]["scope"], replies[20]["retry_after"]) == (
        "rate_limited",
        "user",
        200,
    )
    assert {(reply["code"], reply["retry_after"]) for reply in replies[21:]} == {("aborted", 0)}
    assert ann.wire.closed_with is None


async def test_a_failed_send_aborts_those_behind_it_but_nothing_else(server, ann):
    room, other = await ann.create_group(), await ann.create_group()
    await ann.send(room)
    server.store.fail("commit", Unavailable("overloaded"))
    hold = server.store.hold("commit")
    ann.send_packets({"id": 101, **send(room)})
    await hold.reached.wait()
    ann.send_packets({"id": 103, **send(other)})
    hold.release()
    await server.wait_idle()
    assert ann.reply(101)["code"] == "overloaded"
    assert ann.reply(103)["seq"] == 2


# --- rates


async def test_a_limit_is_told_with_the_time_to_wait(limited):
    ann = await limited.connect("ann")
    replies = [ann.send_request(type="ping") for _ in range(61)]
    assert ann.reply(replies[59])["type"] == "ok"
    limit = ann.reply(replies[60])
    assert (limit["code"], limit["retry"], limit["scope"], limit["retry_after"]) == (
        "rate_limited",
        "later",
        "connection",
        50,
    )
    limited.env.advance(0.05)
    assert (await ann.request(type="ping"))["type"] == "ok"


async def test_who_comes_back_too_early_again_and_again_is_sent_away(limited):
    ann = await limited.connect("ann")
    began = limited.env.monotonic()
    while ann.wire.closed_with is None:
        ann.send_request(type="ping")
        limited.env.advance(0.01)
        assert limited.env.monotonic() - began < 5  # 2 of them grace
    last = bye(ann)
    assert (last["reason"], last["close"]) == ("rate_abuse", 4007)
    assert last["retry_after"] >= 30_000


async def test_one_large_batch_is_no_abuse(limited):
    ann = await limited.connect("ann")
    rooms = []
    for _ in range(2):
        rooms += [await ann.create_group() for _ in range(20)]
        limited.env.advance(10)
        ann.send_packets({"type": "pong"})
    ann.send_packets(*({"id": 1000 + n, **send(room)} for n, room in enumerate(rooms)))
    await limited.wait_idle()
    assert [ann.reply(1000 + n).get("code") for n in range(40)] == [None] * 20 + ["rate_limited"] * 20
    assert ann.wire.closed_with is None


# --- time


async def test_a_quiet_connection_is_pinged_and_dropped_when_it_does_not_answer(server, ann):
    server.env.advance(29)
    assert ann.take() == []
    server.env.advance(1)
    assert [packet["type"] for packet in ann.take()] == ["ping"]
    server.env.advance(14.9)
    assert ann.wire.closed_with is None
    server.env.advance(0.2)
    assert (ann.wire.closed_with, ann.wire.aborted) == ((4001, "idle"), True)
    assert server.app.hub.of("ann") == []


async def test_a_pong_keeps_it_alive(server, ann):
    for _ in range(10):
        server.env.advance(30)
        assert ann.take("ping")
        ann.send_packets({"type": "pong"})
    assert ann.wire.closed_with is None


async def test_a_sleeping_phone_is_pinged_rarely(server):
    ann = await server.connect("ann", mode="background")
    server.env.advance(239)
    assert ann.take() == []
    server.env.advance(1)
    assert ann.take("ping")
    server.env.advance(29.9)
    assert ann.wire.closed_with is None
    server.env.advance(0.2)
    assert ann.wire.closed_with == (4001, "idle")


async def test_connections_opened_together_do_not_ping_together(server):
    server.env.jitter = 0.5
    ann = await server.connect("ann")
    server.env.advance(28.5)
    assert ann.take("ping")


async def test_a_ping_tells_how_far_everything_was_queued(server, ann):
    room = await ann.create_group("bob")
    bob = await server.connect("bob")
    await ann.send(room)
    server.env.advance(30)
    (ping,) = bob.take("ping")
    bob.hang_up()
    bob = server.client()
    id = bob.say_hello("bob", epoch=server.store.epoch, cursor=ping["cursor"])
    await server.wait_idle()
    assert bob.reply(id)["sync"]["rooms"] == []


async def test_a_ping_during_a_commit_does_not_promise_what_was_not_pushed(server, ann):
    """The commit is on disk, its events are not queued yet: the cursor must stop before it."""
    room = await ann.create_group("bob")
    bob = await server.connect("bob")
    server.env.advance(29)
    hold = server.store.hold("commit", after=True)
    ann.send_packets(send(room))
    await hold.reached.wait()
    server.env.advance(1)
    (ping,) = bob.take("ping")
    again = server.client()
    id = again.say_hello("bob", device=2, epoch=server.store.epoch, cursor=ping["cursor"])
    assert [summary["seq"] for summary in (await again.answer(id))["sync"]["rooms"]] == [2]
    hold.release()
    await server.wait_idle()


@pytest.mark.parametrize("withheld", ["lagging", "muted", "large"])
async def test_a_ping_has_no_cursor_while_something_is_withheld(tmp_path, withheld):
    async with in_process(tmp_path, rates={"enabled": False}, delivery={"full_members": 2}) as server:
        ann = await server.connect("ann")
        room = await ann.create_group("bob", *(["cat"] if withheld == "large" else []))
        mode = "background" if withheld == "muted" else "foreground"
        bob = await server.connect("bob", mode=mode)
        if withheld == "muted":
            await bob.request(type="preferences", room=room, muted_until=1)
        if withheld == "lagging":
            bob.wire.clog(bob.session, 70_000)
        bob.wire.take()
        server.env.advance(20)
        if withheld == "lagging":
            await ann.send(room)
        server.env.advance(220)
        bob.wire.clear(bob.session)
        assert all("cursor" not in ping for ping in bob.take("ping", "bye"))


async def test_a_ping_has_no_cursor_while_the_number_of_members_is_to_be_pushed(tmp_path):
    slow = {"large_members": 2, "members_interval_s": 45.0}
    async with in_process(tmp_path, rates={"enabled": False}, delivery=slow) as server:
        ann, bob = await server.connect("ann"), await server.connect("bob")
        room = await ann.create_group("bob")
        await ann.request(type="members.add", room=room, key=new_key(), users=["cat"])
        bob.wire.take()
        server.env.advance(31)
        assert [packet.get("cursor") for packet in bob.take()] == [None]
        bob.send_packets({"type": "pong"})
        server.env.advance(15)
        bob.send_packets({"type": "pong"})
        server.env.advance(31)
        told, ping = bob.take()
        assert (told["summary"]["members"], "cursor" in ping) == (3, True)


async def test_a_cursor_stands_for_all_rooms_so_none_comes_before_the_last_page_named_them(server):
    ann = await server.connect("ann")
    for _ in range(3):
        await ann.create_group("bob")
    bob = await server.connect("bob", rooms=1)
    server.env.advance(30)
    assert "cursor" not in bob.take("ping")[0]
    reply = {"more": bob.reply(1)["sync"]["more"]}
    while "more" in reply:
        assert not bob.session.subscriptions.fully_synced
        reply = await bob.request(type="sync", more=reply["more"], rooms=1)
    bob.wire.take()
    server.env.advance(30)
    assert bob.take("ping")[0]["cursor"]


async def test_a_token_that_runs_out_is_told_then_in_grace_then_the_end(server):
    now_s = server.env.now_ms() / 1000
    server.identity.claims["short"] = Claims("ann", now_s + 600, issued_at_s=now_s)
    ann = await server.connect("short")

    def passes(seconds):
        for _ in range(seconds):
            server.env.advance(1)
            ann.send_packets({"type": "pong"})
        return ann.take("token_expiring", "bye")

    assert passes(539) == []
    assert passes(2) == [{"type": "token_expiring", "token_ttl": 60}]
    assert passes(60) == []
    assert (await ann.request(type="users.get", users=["bob"]))["type"] == "ok"
    assert passes(27) == []
    assert [packet["reason"] for packet in passes(3)] == ["token_expired"]
    assert ann.wire.closed_with == (4100, "token_expired")


async def test_a_fresh_token_puts_the_end_off(server):
    now_s = server.env.now_ms() / 1000
    server.identity.claims["short"] = Claims("ann", now_s + 100, issued_at_s=now_s)
    ann = await server.connect("short")
    server.identity.claims["fresh"] = Claims("ann", now_s + 3600, issued_at_s=now_s)
    await ann.request(type="auth", token="fresh")
    for _ in range(50):
        server.env.advance(10)
        ann.send_packets({"type": "pong"})
    assert ann.wire.closed_with is None
    assert ann.take("token_expiring") == []


@pytest.mark.parametrize("code", [4000, 4100, 4200])
async def test_nothing_is_due_after_the_end(server, ann, code):
    ann.session.close(code)
    waiting = server.env.pending
    server.env.advance(1000)
    assert server.env.pending <= waiting
    ann.session.writing_blocked()
    server.env.advance(1000)
    ann.hang_up()


# --- the end


async def test_a_close_is_said_once(server, ann):
    ann.session.close(4000, retry_after=5000)
    ann.session.close(4201)
    assert bye(ann)["retry_after"] == 5000
    assert [packet["type"] for packet in ann.wire.packets].count("bye") == 1


async def test_a_bye_comes_after_everything_that_waits(server, ann):
    room = await ann.create_group("bob")
    bob = await server.connect("bob")
    bob.wire.clog(bob.session, 70_000)
    await ann.send(room)
    bob.session.close(4000)
    assert [packet["type"] for packet in bob.take()] == ["event", "bye"]


async def test_answers_after_the_end_are_not_sent(server, ann):
    room = await ann.create_group()
    hold = server.store.hold("commit")
    ann.send_request(**send(room))
    await hold.reached.wait()
    ann.session.close(4000)
    hold.release()
    await server.wait_idle()
    assert bye(ann)["reason"] == "restart"


async def test_a_lost_connection_leaves_nothing_behind(server, ann):
    room = await ann.create_group("bob")
    await ann.request(type="focus", rooms=[room])
    await ann.request(type="watch", users=["bob"])
    ann.hang_up(1006)
    await server.advance(31)
    assert not server.app.hub.sessions
    assert not server.app.hub.rooms
    assert not server.app.presence.states(["ann"])
    await server.app.writer.submit_and_wait("", PostNotice(room=room, key=new_key(), body=Body(text="x")))


async def test_the_end_of_a_connection_is_when_its_device_was_last_seen(server, ann):
    server.env.advance(20)
    ann.hang_up()
    await server.advance(FLUSH_AFTER_S)
    (row,) = await server.store.devices("ann")
    assert row.last_seen == START_MS + 20_000
