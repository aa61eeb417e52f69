import asyncio
import logging
import struct
import tracemalloc

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from chatd.websocket.connection import ANSWER_S, FLUSH_S
from tests.kit.echo_server import WAIT_S, echo_server
from tests.kit.frames import client_frame, upgrade_request
from tests.kit.manual_connection import ManualConnection

PACKET = b"\x81\xa4type\xa4ping"


class TestMessages:
    @pytest.mark.parametrize(
        ("subprotocol", "message"), [("chatd.v1.msgpack", b"\x80hi"), ("chatd.v1.json", '{"hi":"👋"}')]
    )
    async def test_of_both_subprotocols_go_both_ways(self, subprotocol, message):
        async with echo_server() as server, connect(server.url, subprotocols=[subprotocol]) as client:
            assert client.subprotocol == subprotocol
            for text in (message, message * 100, message * 4_000):
                await client.send(text)
                assert await client.recv() == text

    async def test_fragments_are_joined(self):
        async with echo_server() as server, connect(server.url, subprotocols=["chatd.v1.json"]) as client:
            await client.send(["{", '"a"', ":1}"])
            assert await client.recv() == '{"a":1}'

    async def test_pipelined_behind_the_handshake_arrive(self):
        async with echo_server() as server:
            raw = await server.connect()
            raw.send(upgrade_request() + client_frame(PACKET) + client_frame(b"\x80")[:3])
            raw.send(client_frame(b"\x80")[3:])
            assert (await raw.response())[0] == 101
            assert await raw.frame() == (0x82, PACKET)
            assert await raw.frame() == (0x82, b"\x80")

    async def test_a_thousand_in_one_segment_are_all_answered_in_order(self):
        async with echo_server() as server:
            raw = await server.upgrade()
            raw.send(b"".join(client_frame(b"%d" % number) for number in range(1000)))
            assert [(await raw.frame())[1] for _ in range(1000)] == [b"%d" % n for n in range(1000)]

    def test_arrive_however_the_bytes_are_cut(self):
        request = upgrade_request()
        frames = client_frame(PACKET) + client_frame(PACKET * 50) + client_frame(b"\x81", 0x02)
        stream = request + frames + client_frame(b"\x02", 0x80)
        for cut in range(1, len(stream)):
            manual = ManualConnection(handshake=False)
            manual.receive(stream[:cut])
            manual.receive(stream[cut:])
            assert manual.session.messages == [PACKET, PACKET * 50, b"\x81\x02"], cut

    def test_arrive_byte_by_byte(self):
        manual = ManualConnection(handshake=False)
        for byte in upgrade_request() + client_frame(PACKET) * 3:
            manual.receive(bytes([byte]))
        assert manual.session.messages == [PACKET] * 3

    def test_a_limit_raised_by_one_message_holds_for_the_next_in_the_same_segment(self):
        manual = ManualConnection()
        manual.session.frame_bytes_max = 100

        def raise_the_limit(payload: bytes) -> None:
            manual.session.messages.append(payload)
            manual.session.frame_bytes_max = 1000

        manual.session.received = raise_the_limit
        manual.receive(client_frame(b"a" * 100) + client_frame(b"b" * 1000))
        assert [len(message) for message in manual.session.messages] == [100, 1000]

    def test_a_limit_raised_between_two_messages_holds_for_the_next(self):
        manual = ManualConnection()
        manual.session.frame_bytes_max = 100
        manual.receive(client_frame(b"a" * 100))
        manual.session.frame_bytes_max = 1000
        manual.receive(client_frame(b"b" * 1000))
        assert [len(message) for message in manual.session.messages] == [100, 1000]

    def test_a_limit_raised_while_paused_holds_for_what_waited(self):
        manual = ManualConnection()
        manual.session.frame_bytes_max = 100
        manual.receive(client_frame(b"a" * 100))
        manual.connection.pause_reading()
        manual.receive(client_frame(b"b" * 1000))
        manual.session.frame_bytes_max = 1000
        manual.connection.resume_reading()
        manual.env.advance(0)
        assert [len(message) for message in manual.session.messages] == [100, 1000]

    def test_are_counted(self):
        manual = ManualConnection()
        manual.receive(client_frame(PACKET) * 3)
        assert manual.counters.frames_received == 3
        assert manual.counters.bytes_received == 3 * len(PACKET)
        assert manual.counters.connections_opened == 1


class TestReading:
    def test_paused_delivers_nothing_not_even_of_the_same_segment(self):
        manual = ManualConnection()
        manual.session.received = lambda payload: (
            manual.session.messages.append(payload),
            manual.connection.pause_reading(),
        )
        manual.receive(client_frame(b"1") + client_frame(b"2") + client_frame(b"3"))
        manual.receive(client_frame(b"4"))
        assert manual.session.messages == [b"1"]
        assert manual.transport.is_reading_paused

    def test_resumed_delivers_what_waited_but_not_within_the_call(self):
        manual = ManualConnection()
        manual.connection.pause_reading()
        manual.receive(client_frame(b"1") + client_frame(b"2"))
        manual.connection.resume_reading()
        assert manual.session.messages == []
        manual.env.advance(0)
        assert manual.session.messages == [b"1", b"2"]
        assert not manual.transport.is_reading_paused

    def test_paused_and_resumed_within_one_message_goes_on(self):
        manual = ManualConnection()
        manual.session.received = lambda payload: (
            manual.session.messages.append(payload),
            manual.connection.pause_reading(),
            manual.connection.resume_reading(),
        )
        manual.receive(client_frame(b"1") + client_frame(b"2"))
        manual.env.advance(0)
        assert manual.session.messages == [b"1", b"2"]

    def test_paused_again_before_the_rest_was_delivered_waits_again(self):
        manual = ManualConnection()
        manual.connection.pause_reading()
        manual.receive(client_frame(b"1"))
        manual.connection.resume_reading()
        manual.connection.pause_reading()
        manual.env.advance(0)
        assert manual.session.messages == []

    def test_what_waited_comes_before_what_arrives_after_the_pause(self):
        manual = ManualConnection()
        manual.connection.pause_reading()
        manual.receive(client_frame(b"1"))
        manual.connection.resume_reading()
        manual.receive(client_frame(b"2"))
        manual.env.advance(0)
        assert manual.session.messages == [b"1", b"2"]

    def test_paused_by_the_opening_does_not_receive_what_came_behind_the_upgrade(self):
        manual = ManualConnection(handshake=False)
        manual.session.opened = lambda wire: wire.pause_reading()
        manual.session.received = manual.session.messages.append
        manual.receive(upgrade_request() + client_frame(PACKET))
        assert manual.session.messages == []
        manual.connection.resume_reading()
        manual.env.advance(0)
        assert manual.session.messages == [PACKET]

    async def test_over_tcp_a_paused_client_is_pushed_back_and_then_served(self):
        async with echo_server() as server:
            raw = await server.upgrade()
            server.last.wire.pause_reading()
            raw.send(client_frame(PACKET))
            await asyncio.sleep(0)
            server.last.wire.resume_reading()
            assert await raw.frame() == (0x82, PACKET)


class TestWriting:
    async def test_a_client_that_does_not_read_blocks_and_later_resumes(self):
        async with echo_server() as server:
            raw = await server.upgrade()
            session, sent = server.last, 0
            while "blocked" not in session.flow:
                session.wire.write(b"\x82\x7e\xff\xff" + bytes(65535))
                sent += 65539
                await asyncio.sleep(0)
            assert session.wire.buffered_bytes() > server.config.outbox.ephemeral_bytes
            await asyncio.wait_for(raw.reader.readexactly(sent), WAIT_S)
            session.send(b"\x80")
            assert await raw.frame() == (0x82, b"\x80")
            assert session.flow == ["blocked", "resumed"]

    def test_after_close_is_a_no_op(self):
        manual = ManualConnection()
        manual.connection.close(4001, "idle")
        written = manual.transport.written
        manual.connection.write(b"\x82\x01\x80")
        assert manual.transport.written == written
        manual.lose()
        manual.connection.write(b"\x82\x01\x80")
        assert manual.connection.buffered_bytes() == 0


class TestClosing:
    async def test_by_us_reaches_client_and_session_with_code_and_reason(self):
        async with echo_server() as server, connect(server.url, subprotocols=["chatd.v1.json"]) as client:
            server.last.wire.close(4002, "slow")
            with pytest.raises(ConnectionClosed):
                await client.recv()
            assert (client.close_code, client.close_reason) == (4002, "slow")
            await asyncio.wait_for(server.last.gone.wait(), WAIT_S)
            assert server.last.codes == [4002]
            assert server.counters.connections_closed == {4002: 1}

    async def test_by_the_client_is_answered_and_told_to_the_session(self):
        async with echo_server() as server:
            client = await connect(server.url, subprotocols=["chatd.v1.json"])
            await client.close(1001, "background")
            assert client.close_code == 1001
            await asyncio.wait_for(server.last.gone.wait(), WAIT_S)
            assert server.last.codes == [1001]

    @pytest.mark.parametrize("code", [4002, 4999, 3000, 1011])
    async def test_by_the_client_with_a_code_of_ours_is_counted_as_none(self, code):
        async with echo_server() as server:
            client = await connect(server.url, subprotocols=["chatd.v1.json"])
            await client.close(code)
            await asyncio.wait_for(server.last.gone.wait(), WAIT_S)
            assert server.last.codes == [1005]
            assert server.counters.connections_closed == {1005: 1}

    async def test_without_a_code_is_1005(self):
        async with echo_server() as server:
            raw = await server.upgrade()
            raw.send(client_frame(b"", 0x88))
            assert await raw.frame() == (0x88, b"")
            assert await raw.rest() == b""
            await asyncio.wait_for(server.last.gone.wait(), WAIT_S)
            assert server.last.codes == [1005]

    async def test_a_lost_link_is_1006(self):
        async with echo_server() as server:
            raw = await server.upgrade()
            raw.writer.transport.abort()
            await asyncio.wait_for(server.last.gone.wait(), WAIT_S)
            assert server.last.codes == [1006]
            assert server.admission.total == 0

    async def test_a_half_closed_link_is_closed_and_is_1006(self):
        async with echo_server() as server:
            raw = await server.upgrade()
            raw.writer.write_eof()
            assert await raw.rest() == b""
            await asyncio.wait_for(server.last.gone.wait(), WAIT_S)
            assert server.last.codes == [1006]

    async def test_an_abort_resets_at_once(self):
        async with echo_server() as server:
            raw = await server.upgrade()
            server.last.wire.abort()
            assert await raw.rest() == b""
            await asyncio.wait_for(server.last.gone.wait(), WAIT_S)
            assert server.last.codes == [1006]

    def test_by_a_session_whose_link_is_lost_within_its_call_is_the_end(self):
        manual = ManualConnection()

        def lose(payload: bytes) -> None:
            manual.connection.abort()
            manual.lose()

        manual.session.received = lose
        written = manual.transport.written
        manual.receive(client_frame(PACKET) + client_frame(b"", 0x89) + client_frame(b"", 0x88))
        assert manual.session.codes == [1006]
        assert manual.transport.written == written
        assert manual.env.pending == 0

    def test_twice_sends_one_close_frame_and_keeps_the_first_code(self):
        manual = ManualConnection()
        manual.connection.close(4001, "idle")
        manual.connection.close(4002, "slow")
        assert manual.transport.written.count(b"\x88") == 1
        manual.lose()
        assert manual.session.codes == [4001]

    def test_never_answered_is_aborted_after_the_time(self):
        manual = ManualConnection()
        manual.connection.close(4001, "idle")
        manual.env.advance(ANSWER_S - 0.1)
        assert not manual.transport.is_aborted
        manual.env.advance(0.2)
        assert manual.transport.is_aborted

    def test_never_flushed_is_aborted_earlier(self):
        manual = ManualConnection()
        manual.transport.is_stuck = True
        manual.connection.write(b"\x82\x01\x80" * 1000)
        manual.connection.close(4001, "idle")
        manual.env.advance(FLUSH_S + 0.1)
        assert manual.transport.is_aborted

    def test_flushed_in_time_still_waits_for_the_answer(self):
        manual = ManualConnection()
        manual.transport.is_stuck = True
        manual.connection.write(b"\x82\x01\x80" * 1000)
        manual.connection.close(4001, "idle")
        manual.env.advance(FLUSH_S - 0.1)
        manual.transport.kernel_takes(10_000)
        manual.env.advance(ANSWER_S - 0.1)
        assert not manual.transport.is_aborted
        manual.receive(client_frame(struct.pack("!H", 4001), 0x88))
        assert manual.transport.is_closed
        assert not manual.transport.is_aborted

    def test_what_the_client_sends_meanwhile_is_ignored(self):
        manual = ManualConnection()
        manual.connection.close(4001, "idle")
        manual.receive(client_frame(PACKET) + client_frame(b"x", 0x81))
        assert manual.session.messages == []
        assert manual.transport.written.count(b"\x88") == 1

    def test_while_reading_is_paused_still_receives_the_answer(self):
        manual = ManualConnection()
        manual.connection.pause_reading()
        manual.receive(client_frame(PACKET))
        manual.connection.close(4001, "idle")
        manual.env.advance(0)
        manual.receive(client_frame(struct.pack("!H", 4001), 0x88))
        assert manual.transport.is_closed
        assert manual.session.messages == []

    def test_a_violation_in_the_middle_of_closing_ends_it(self):
        manual = ManualConnection()
        manual.connection.close(4001, "idle")
        manual.receive(b"\xff\xff")
        assert manual.transport.has_eof
        manual.lose()
        assert manual.session.codes == [4001]

    def test_leaves_nothing_behind(self):
        manual = ManualConnection()
        assert manual.connections == {manual.connection}
        assert manual.admission.total == 1
        manual.connection.close(4001, "idle")
        manual.lose()
        assert manual.connections == set()
        assert manual.admission.total == 0
        assert manual.env.pending == 0
        assert manual.session.codes == [4001]

    def test_a_peer_that_half_closes_and_reads_nothing_is_aborted(self):
        manual = ManualConnection()
        manual.transport.is_stuck = True
        manual.connection.write(b"\x82\x01\x80" * 1000)
        assert not manual.connection.eof_received()
        manual.env.advance(FLUSH_S + 0.1)
        assert manual.transport.is_aborted

    def test_shutdown_says_restart(self):
        manual = ManualConnection()
        manual.connection.shutdown()
        assert manual.close_code == 4000

    def test_shutdown_before_the_handshake_just_ends(self):
        manual = ManualConnection(handshake=False)
        manual.connection.shutdown()
        assert manual.transport.is_closed
        assert manual.transport.written == b""


class TestDefects:
    @pytest.mark.parametrize("call", ["opened", "received", "writing_blocked"])
    def test_of_a_session_are_logged_once_with_traceback_and_close_1011(self, call, caplog):
        manual = ManualConnection(handshake=False)

        def fail(*_: object) -> None:
            raise RuntimeError("a defect")

        setattr(manual.session, call, fail)
        manual.receive(upgrade_request())
        manual.receive(client_frame(PACKET) * 3)
        manual.transport.is_stuck = True
        manual.connection.write(bytes(70_000))
        assert manual.close_code == 1011
        [record] = [one for one in caplog.records if one.levelno >= logging.ERROR]
        assert record.exc_info is not None
        assert "a defect" in str(record.exc_info[1])
        manual.lose()
        assert manual.session.codes == [1011]
        assert manual.admission.total == 0

    def test_of_the_factory_release_the_place(self, caplog):
        manual = ManualConnection(handshake=False)
        del manual.session  # what the factory returns
        manual.receive(upgrade_request())
        assert manual.close_code == 1011
        manual.lose()
        assert manual.admission.total == 0
        assert "a session failed" in caplog.text

    def test_of_the_end_are_logged_and_nothing_more(self, caplog):
        manual = ManualConnection()
        manual.session.closed = lambda code: 1 / 0
        manual.lose()
        assert caplog.text.count("a session failed") == 1
        assert manual.connections == set()

    def test_payloads_are_never_logged(self, caplog):
        caplog.set_level(logging.DEBUG)
        manual = ManualConnection()
        manual.receive(client_frame(b"canary-in-a-message"))
        manual.receive(client_frame(b"canary-in-a-ping", 0x89))
        manual.receive(client_frame(b"canary-of-the-wrong-kind", 0x81))
        assert "canary" not in caplog.text
        assert "61 6e 61 72 79" not in caplog.text


class TestControlFrames:
    def test_a_ping_is_answered_with_its_payload(self):
        manual = ManualConnection()
        manual.receive(client_frame(b"hello", 0x89))
        assert manual.transport.written == b"\x8a\x05hello"

    def test_a_pong_is_not_answered(self):
        manual = ManualConnection()
        manual.receive(client_frame(b"hello", 0x8A))
        assert manual.transport.written == b""

    @pytest.mark.parametrize("first", [0x89, 0x8A])
    def test_a_flood_closes_4007(self, first):
        manual = ManualConnection()
        manual.receive(client_frame(b"", first) * 1000)
        assert manual.close_code == 4007
        assert manual.transport.written.count(b"\x8a\x00") <= 32

    def test_a_flood_during_the_close_is_aborted(self):
        manual = ManualConnection()
        manual.connection.close(4001, "idle")
        manual.receive(client_frame(b"", 0x89) * 1000)
        assert manual.transport.is_aborted

    def test_one_a_second_is_fine_for_ever(self):
        manual = ManualConnection()
        for _ in range(500):
            manual.receive(client_frame(b"", 0x89))
            manual.env.advance(1)
        assert manual.close_code is None

    def test_pings_between_the_fragments_of_a_message_disturb_nothing(self):
        manual = ManualConnection()
        ping = client_frame(b"p", 0x89)
        manual.receive(client_frame(b"a", 0x02) + ping + client_frame(b"b", 0x00) + ping)
        manual.receive(client_frame(b"c", 0x80))
        assert manual.session.messages == [b"abc"]


class TestFragments:
    @pytest.mark.parametrize("payload", [b"", b"x"])
    def test_a_flood_closes_1009_and_costs_no_memory(self, payload):
        manual = ManualConnection()
        fragments = client_frame(payload, 0x00) * 40_000
        manual.receive(client_frame(payload, 0x02))
        tracemalloc.start()
        try:
            for _ in range(10):  # 400,000 of them
                manual.receive(fragments)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert manual.close_code == 1009
        assert peak < 2 * len(fragments)
        assert manual.session.messages == []
        manual.lose()
        assert manual.session.codes == [1009]

    def test_as_many_as_allowed_make_a_message(self):
        manual = ManualConnection(limits={"fragments": 64})
        manual.receive(client_frame(b"0", 0x02) + client_frame(b"1", 0x00) * 62 + client_frame(b"2", 0x80))
        assert manual.session.messages == [b"0" + b"1" * 62 + b"2"]

    def test_one_more_closes_1009(self):
        manual = ManualConnection(limits={"fragments": 64})
        manual.receive(client_frame(b"0", 0x02) + client_frame(b"1", 0x00) * 63 + client_frame(b"2", 0x80))
        assert manual.close_code == 1009

    def test_all_together_count_for_the_size(self):
        manual = ManualConnection()
        manual.receive(client_frame(bytes(60_000), 0x02))
        manual.receive(client_frame(bytes(5_537), 0x80))
        assert manual.close_code == 1009


class TestAdmission:
    @pytest.mark.parametrize(
        ("limit", "reason"),
        [
            ("connections", "connections"),
            ("connections_per_address", "connections_per_address"),
            ("unauthenticated_per_address", "unauthenticated_per_address"),
        ],
    )
    async def test_over_a_limit_the_upgrade_gets_503_and_when_to_come_back(self, limit, reason):
        async with echo_server(limits={limit: 2}) as server:
            for _ in range(2):
                await server.upgrade()
            raw = await server.connect()
            raw.send(upgrade_request())
            status, head = await raw.response()
            assert status == 503
            assert b"\r\nRetry-After: 5\r\n" in head
            assert server.counters.handshakes_rejected == {reason: 1}
            assert len(server.sessions) == 2

    async def test_a_released_place_is_free_again(self):
        async with echo_server(limits={"connections": 1}) as server:
            raw = await server.upgrade()
            await raw.closed()
            await asyncio.wait_for(server.last.gone.wait(), WAIT_S)
            await server.upgrade()

    async def test_over_the_pool_the_oldest_silent_connection_goes(self):
        async with echo_server(limits={"unauthenticated": 2}) as server:
            first, second = await server.upgrade(), await server.upgrade()
            server.admission.authenticated(server.sessions[0].wire)
            await server.upgrade()
            await server.upgrade()
            assert await second.close_code() == 4003
            first.send(client_frame(PACKET))
            assert await first.frame() == (0x82, PACKET)

    async def test_while_draining_upgrades_get_503_and_connections_go_on(self):
        async with echo_server() as server:
            raw = await server.upgrade()
            server.admission.drain(7)
            late = await server.connect()
            late.send(upgrade_request())
            status, head = await late.response()
            assert (status, b"Retry-After: 7" in head) == (503, True)
            raw.send(client_frame(PACKET))
            assert await raw.frame() == (0x82, PACKET)

    async def test_the_address_behind_a_trusted_proxy_is_the_clients(self):
        async with echo_server(listen={"trusted_proxies": ("127.0.0.0/8",)}) as server:
            raw = await server.connect()
            raw.send(upgrade_request(more=("X-Forwarded-For: 203.0.113.9", "X-Forwarded-For: 198.51.100.7")))
            assert (await raw.response())[0] == 101
            assert server.last.wire.address == "198.51.100.7"

    async def test_without_a_trusted_proxy_the_header_is_ignored(self):
        async with echo_server() as server:
            raw = await server.connect()
            raw.send(upgrade_request(more=("X-Forwarded-For: 203.0.113.9",)))
            assert (await raw.response())[0] == 101
            assert server.last.wire.address == "127.0.0.1"
