"""One socket: correlation, frames, heartbeat, the end."""

import asyncio

import msgpack
import pytest

from chatd.client.connection import Ending, open_connection
from chatd.client.core.codec import JsonCodec, MsgpackCodec
from chatd.client.core.errors import ConnectionLost, RateLimited
from chatd.client.core.limits import HELLO_FRAME_BYTES, Limits
from chatd.client.settings import Settings
from tests.kit.waiting import until


@pytest.fixture
async def linked(server, env):
    """Make a connection and its peer: `connection, peer, pushed, running = await linked()`."""
    running = []

    async def make(codec=None, limits=None):
        pushed = []
        connection = await open_connection(
            server.url, codec or MsgpackCodec(), Settings(env=env), pushed.append
        )
        running.append(asyncio.create_task(connection.run()))
        connection.accepted(30, limits or Limits())
        return connection, await server.accept(), pushed, running[-1]

    yield make
    for task in running:
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)


# --- requests


async def test_replies_find_their_request_in_whatever_order_they_come(linked):
    connection, peer, _, _ = await linked()
    first = asyncio.create_task(connection.request({"type": "one"}))
    second = asyncio.create_task(connection.request({"type": "two"}))
    one, two = await peer.expect("one"), await peer.expect("two")
    await peer.ok(two, answer=2)
    await peer.ok(one, answer=1)
    assert ((await first)["answer"], (await second)["answer"]) == (1, 2)
    assert one["id"] != two["id"]


async def test_an_error_is_raised_as_its_exception(linked):
    connection, peer, _, _ = await linked()
    asking = asyncio.create_task(connection.request({"type": "one"}))
    await peer.refuse(await peer.next(), "rate_limited", "later", retry_after=5)
    with pytest.raises(RateLimited):
        await asking


async def test_replies_and_pushes_are_handed_on_in_the_order_they_came(linked):
    connection, peer, pushed, _ = await linked()
    connection.ask({"type": "one"}, pushed.append)
    request = await peer.next()
    reply = {"type": "ok", "id": request["id"]}
    await peer.push({"type": "a"}, reply, {"type": "b"})
    await peer.barrier()
    assert pushed == [{"type": "a"}, reply, {"type": "b"}, {"type": "ping"}]


async def test_a_reply_nobody_waits_for_is_ignored(linked):
    connection, peer, pushed, _ = await linked()
    await peer.push({"type": "ok", "id": 77}, {"type": "error", "id": 78, "code": "x"}, {"type": "ok"})
    await peer.barrier()
    assert connection.alive
    assert pushed == [{"type": "ping"}]


async def test_a_caller_that_went_away_disturbs_nobody(linked):
    connection, peer, _, _ = await linked()
    asking = asyncio.create_task(connection.request({"type": "one"}))
    request = await peer.next()
    asking.cancel()
    await peer.ok(request)
    await peer.barrier()
    assert connection.alive


# --- frames


async def test_what_is_sent_in_one_turn_shares_a_frame(linked):
    connection, peer, _, _ = await linked()
    connection.send({"type": "a"})
    connection.send({"type": "b"})
    assert await peer.frame() == [{"type": "a"}, {"type": "b"}]


async def test_a_frame_holds_at_most_64_packets(linked):
    connection, peer, _, _ = await linked()
    for _ in range(70):
        connection.send({"type": "a"})
    assert [len(await peer.frame()), len(await peer.frame())] == [64, 6]


async def test_a_frame_holds_no_more_packets_than_the_server_takes(linked):
    connection, peer, _, _ = await linked(limits=Limits(batch=3))
    for _ in range(4):
        connection.send({"type": "a"})
    assert [len(await peer.frame()), len(await peer.frame())] == [3, 1]


async def test_a_frame_keeps_to_the_limit_and_groups_stay_whole(linked):
    connection, peer, _, _ = await linked(limits=Limits(frame_bytes=2000))
    body = "x" * 600
    for name in "ab":
        connection.ask_together(
            [({"type": name, "body": body}, print), ({"type": name, "body": body}, print)]
        )
    assert [[packet["type"] for packet in await peer.frame()] for _ in range(2)] == [["a", "a"], ["b", "b"]]


async def test_before_the_hello_is_answered_frames_are_small(server, env):
    connection = await open_connection(server.url, MsgpackCodec(), Settings(env=env), print)
    running = asyncio.create_task(connection.run())
    peer = await server.accept()
    for _ in range(4):
        connection.send({"type": "a", "body": "x" * (HELLO_FRAME_BYTES // 3)})
    assert [len(await peer.frame()), len(await peer.frame())] == [2, 2]
    connection.drop("done")
    await running


async def test_json_travels_as_text(linked):
    connection, peer, pushed, _ = await linked(codec=JsonCodec())
    connection.send({"type": "a", "data": b"\xff"})
    assert await peer.socket.recv() == '{"type":"a","data":{"$bytes":"_w"}}'
    await peer.socket.send('{"type":"b"}')
    await peer.socket.send('{"type":"ping"}')
    assert await peer.socket.recv() == '{"type":"pong"}'
    assert pushed[0] == {"type": "b"}


@pytest.mark.parametrize("frame", [b"\xc0", msgpack.packb({"a": 1})[:-1], "text"])
async def test_a_bad_frame_ends_the_connection(linked, frame):
    _, peer, _, running = await linked()
    await peer.socket.send(frame)
    ending = await running
    assert ending.reason.startswith("bad frame")
    await peer.gone()


async def test_a_frame_above_512_kib_is_not_read(linked):
    _, peer, _, running = await linked()
    await peer.socket.send(b"\x00" * (512 * 1024 + 1))
    await running
    assert await peer.gone() == 1009


async def test_no_extension_is_offered(linked):
    _, peer, _, _ = await linked()
    assert "Sec-WebSocket-Extensions" not in peer.socket.request.headers


async def test_a_server_of_another_protocol_is_left(server, env):
    server.subprotocols.clear()
    with pytest.raises(Exception, match=r"subprotocol|chatd"):
        await open_connection(server.url, MsgpackCodec(), Settings(env=env), print)


# --- heartbeat


async def test_a_ping_is_answered_and_handed_on_for_its_cursor(linked):
    _, peer, pushed, _ = await linked()
    await peer.push({"type": "ping", "cursor": "c2"})
    assert await peer.next() == {"type": "pong"}
    assert pushed == [{"type": "ping", "cursor": "c2"}]


async def test_silence_beyond_the_heartbeat_drops_the_connection(linked, env):
    connection, peer, _, running = await linked()
    env.advance(44.9)
    assert connection.alive
    env.advance(0.2)
    assert await running == Ending(1006, "silent")
    await peer.gone()


async def test_any_frame_puts_the_end_off(linked, env):
    connection, peer, _, _ = await linked()
    env.advance(40)
    await peer.barrier()
    env.advance(44)
    assert connection.alive
    assert connection.silent_s() == 44


async def test_a_new_heartbeat_is_in_force_at_once(linked, env):
    connection, _, _, _ = await linked()
    connection.set_heartbeat(240)
    env.advance(250)
    assert connection.alive
    env.advance(6)
    assert not connection.alive


# --- timeouts


async def test_an_unanswered_request_makes_a_probe_and_silence_after_it_the_end(linked, env):
    connection, peer, _, running = await linked()
    asking = asyncio.create_task(connection.request({"type": "one"}))
    await peer.expect("one")
    env.advance(10)
    await peer.expect("ping")
    env.advance(4.9)
    assert connection.alive
    env.advance(0.2)
    assert (await running).reason == "no answer to a ping"
    with pytest.raises(ConnectionLost):
        await asking


async def test_a_link_that_answers_the_probe_lives_and_the_outcome_is_unknown(linked, env):
    connection, peer, _, _ = await linked()
    asking = asyncio.create_task(connection.request({"type": "one"}))
    lost = await peer.expect("one")
    env.advance(9)
    later = asyncio.create_task(connection.request({"type": "two"}))
    await asyncio.sleep(0)
    env.advance(1)
    two, ping = await peer.expect("two"), await peer.expect("ping")
    await peer.ok(ping, time=1)
    with pytest.raises(ConnectionLost):
        await asking
    await peer.ok(lost)
    await peer.ok(two)
    await later
    assert connection.alive


async def test_probes_are_at_least_five_seconds_apart(linked, env):
    connection, peer, _, _ = await linked()
    connection.probe()
    connection.probe()
    await peer.ok(await peer.expect("ping"), time=1)
    await peer.barrier()
    connection.probe()
    env.advance(5)
    connection.probe()
    await peer.expect("ping")


async def test_only_one_timer_is_set_however_many_requests_wait(linked, env):
    connection, _, _, _ = await linked()
    for _ in range(100):
        connection.ask({"type": "a"}, print)
    assert len(env.delays) == 1


# --- the end


async def test_bye_is_authoritative_and_nothing_is_sent_after_it(linked):
    connection, peer, pushed, running = await linked()
    connection.ask({"type": "one"}, pushed.append)
    await peer.expect("one")
    bye = {"type": "bye", "close": 4000, "reason": "restart", "retry_after": 7340, "cursor": "c9"}
    await peer.push(bye)
    await until(lambda: pushed)
    assert not connection.alive
    connection.send({"type": "late"})
    connection.ask({"type": "later"}, pushed.append)
    await peer.socket.close(1001)
    assert await running == Ending(4000, "restart", 7.34)
    assert pushed == [bye, None, None]


async def test_a_server_that_says_bye_and_stays_is_left_after_a_while(linked, env):
    _, peer, pushed, running = await linked()
    await peer.push({"type": "bye", "close": 4000, "reason": "restart"})
    await until(lambda: pushed)
    env.advance(5)
    assert (await running).code == 4000


async def test_without_a_bye_the_close_code_tells(linked):
    _, peer, _, running = await linked()
    await peer.socket.close(4002, "slow")
    assert await running == Ending(4002, "slow")


async def test_a_broken_line_has_no_code_and_settles_every_request(linked):
    connection, peer, _, running = await linked()
    asking = asyncio.create_task(connection.request({"type": "one"}))
    await peer.next()
    peer.cut()
    assert (await running).code == 0
    with pytest.raises(ConnectionLost):
        await asking


async def test_an_ordinary_close_writes_what_is_queued_first(linked):
    connection, peer, _, running = await linked()
    connection.send({"type": "last"})
    closing = asyncio.create_task(connection.close(1001))
    assert await peer.next() == {"type": "last"}
    assert await peer.gone() == 1001
    await closing
    assert (await running).code == 1001


async def test_an_ended_connection_leaves_no_timer(linked, env):
    connection, _, _, running = await linked()
    connection.drop("done")
    await running
    assert env.delays == []
