"""The HTTP side of a socket: deadlines, limits, pipelining. Deadlines are short, never measured."""

import asyncio
import gc
import weakref

import pytest

from tests.kit.echo_server import WAIT_S, echo_server
from tests.kit.frames import client_frame, upgrade_request
from tests.kit.manual_connection import ManualConnection

GET = b"GET /page HTTP/1.1\r\nHost: chat.example\r\n\r\n"
LONG_POST = b"POST / HTTP/1.1\r\nHost: chat.example\r\nContent-Length: 90000\r\n\r\n"
SOON = {"request_deadline_s": 0.1}
NEVER = {"request_deadline_s": 300.0}


async def slow_page(scope, receive, send):
    """Answers only when the client has gone."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def large_page(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"8000000")]})
    await send({"type": "http.response.body", "body": bytes(8_000_000)})


async def page(raw) -> None:
    assert (await raw.response())[0] == 200
    assert await asyncio.wait_for(raw.reader.readexactly(4), WAIT_S) == b"page"


class TestDeadline:
    async def test_a_silent_socket_is_cut(self):
        async with echo_server(listen=SOON) as server:
            raw = await server.connect()
            assert await raw.rest() == b""

    @pytest.mark.parametrize("drip", [b"GET / HTTP/1.1\r\nHost: ", LONG_POST])
    async def test_a_dripping_request_is_cut(self, drip):
        async with echo_server(listen=SOON) as server:
            raw = await server.connect()
            raw.send(drip)
            assert await _drips_until_cut(raw, b"x")

    async def test_empty_lines_for_ever_are_cut(self):
        async with echo_server(listen=SOON) as server:
            assert await _drips_until_cut(await server.connect(), b"\r\n")

    async def test_the_second_request_of_a_connection_has_one_too(self):
        async with echo_server(listen=SOON) as server:
            raw = await server.connect()
            raw.send(GET)
            await page(raw)
            raw.send(b"GET /page")
            assert await _drips_until_cut(raw, b"x")

    async def test_an_upgraded_connection_has_none(self):
        async with echo_server(listen=SOON) as server:
            raw = await server.upgrade()
            silent = await server.connect()
            await silent.rest()  # a deadline has passed
            raw.send(client_frame(b"hi"))
            assert await raw.frame() == (0x82, b"hi")

    async def test_a_request_in_time_is_answered_after_it(self):
        async with echo_server(listen=SOON, application=_answer_after(0.2)) as server:
            raw = await server.connect()
            raw.send(GET)
            await page(raw)

    async def test_an_answer_nobody_reads_is_cut(self, monkeypatch):
        monkeypatch.setattr("chatd.http.listeners._KEEP_ALIVE_S", 0.1)
        async with echo_server(listen=NEVER, application=large_page) as server:
            raw = await server.connect()
            raw.writer.transport.pause_reading()
            raw.send(GET)
            await _gone(server)

    async def test_an_answer_nobody_waits_for_is_cut(self, monkeypatch):
        monkeypatch.setattr("chatd.http.http_protocol.RESPONSE_DEADLINE_S", 0.1)
        async with echo_server(listen=NEVER, application=slow_page) as server:
            raw = await server.connect()
            raw.send(GET)
            assert await raw.rest() == b""

    async def test_a_client_that_keeps_sending_after_a_refusal_is_cut(self, monkeypatch):
        monkeypatch.setattr("chatd.http.http_protocol.LINGER_S", 0.1)
        async with echo_server(listen=NEVER) as server:
            raw = await server.connect()
            raw.send(b"nonsense\r\n")
            assert (await raw.response())[0] == 400
            assert await _drips_until_cut(raw, b"x" * 1000)


class TestPending:
    async def test_sockets_beyond_the_number_push_the_oldest_out(self, monkeypatch):
        monkeypatch.setattr("chatd.http.listeners.PENDING_SOCKETS_MAX", 3)
        async with echo_server(listen=NEVER) as server:
            first = await server.connect()
            await _pending(server, 1)
            others = [await server.connect() for _ in range(3)]
            assert await first.rest() == b""
            for raw in others:
                raw.send(GET)
                await page(raw)

    async def test_upgraded_connections_are_not_among_them(self, monkeypatch):
        monkeypatch.setattr("chatd.http.listeners.PENDING_SOCKETS_MAX", 1)
        async with echo_server(listen=NEVER) as server:
            upgraded = [await server.upgrade() for _ in range(5)]
            for raw in upgraded:
                raw.send(client_frame(b"hi"))
                assert await raw.frame() == (0x82, b"hi")


class TestRequests:
    async def test_one_after_another_are_answered_on_one_connection(self):
        async with echo_server() as server:
            raw = await server.connect()
            for _ in range(3):
                raw.send(GET)
                await page(raw)

    async def test_pipelined_are_answered_in_order(self):
        async with echo_server() as server:
            raw = await server.connect()
            raw.send(GET * 5)
            for _ in range(5):
                await page(raw)

    async def test_an_upgrade_behind_an_unanswered_request_is_not_mixed_into_its_answer(self):
        async with echo_server(application=slow_page) as server:
            raw = await server.connect()
            raw.send(GET + upgrade_request())
            assert await raw.rest() == b""
            assert server.sessions == []

    async def test_an_upgrade_behind_an_answered_request_works(self):
        async with echo_server() as server:
            raw = await server.connect()
            raw.send(GET)
            await page(raw)
            raw.send(upgrade_request() + client_frame(b"hi"))
            assert (await raw.response())[0] == 101
            assert await raw.frame() == (0x82, b"hi")

    async def test_another_protocol_is_not_spoken_but_the_request_answered(self):
        async with echo_server() as server:
            raw = await server.connect()
            raw.send(GET[:-2] + b"Connection: Upgrade\r\nUpgrade: h2c\r\n\r\n" + b"PRI * HTTP/2.0\r\n\r\n")
            await page(raw)
            assert await raw.rest() == b""

    async def test_continue_is_said_when_expected(self):
        async with echo_server() as server:
            raw = await server.connect()
            raw.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n")
            assert (await raw.response())[0] == 100
            raw.send(b"hi")
            await page(raw)

    async def test_http_1_0_needs_no_host(self):
        async with echo_server() as server:
            raw = await server.connect()
            raw.send(b"GET / HTTP/1.0\r\n\r\n")
            await page(raw)

    async def test_the_answer_names_no_server_software(self):
        async with echo_server() as server:
            raw = await server.connect()
            raw.send(GET)
            _, head = await raw.response()
            assert b"server:" not in head.lower()
            assert b"\r\ndate: " in head.lower()


class TestUpgrade:
    @pytest.mark.parametrize("byte", range(256))
    def test_what_is_read_of_a_head_is_answered_whatever_the_byte(self, byte):
        odd = bytes((byte,))
        for line, changed in (
            (b"/v1/ws", b"/v1/ws?x=" + odd),
            (b"Host:", b"X" + odd + b"Y: z\r\nHost:"),
            (b"Host:", b"X: y" + odd + b"z\r\nHost:"),
        ):
            manual = ManualConnection(handshake=False)
            manual.receive(upgrade_request().replace(line, changed, 1))
            assert manual.transport.written[:12] in (b"HTTP/1.1 101", b"HTTP/1.1 400"), changed

    def test_leaves_nothing_of_the_front(self):
        manual = ManualConnection(handshake=False)
        front = weakref.ref(manual.connection)
        gc.disable()
        try:
            manual.receive(upgrade_request())
            assert front() is None
        finally:
            gc.enable()
        assert manual.env.pending == 0
        assert manual.connections == {manual.connection}


def _answer_after(delay_s: float):
    async def application(scope, receive, send):
        await asyncio.sleep(delay_s)
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"4")]})
        await send({"type": "http.response.body", "body": b"page"})

    return application


async def _drips_until_cut(raw, drop: bytes) -> bool:
    """Send a drop again and again, until the connection ends."""

    async def drip() -> bool:
        while not raw.reader.at_eof() and not raw.writer.is_closing() and raw.reader.exception() is None:
            raw.send(drop)
            await asyncio.sleep(0.02)
        return True

    return await asyncio.wait_for(drip(), WAIT_S)


async def _pending(server, count: int) -> None:
    """Wait until so many sockets talk HTTP."""
    pending_sockets = server.listener._options.pending_sockets
    async with asyncio.timeout(WAIT_S):
        while len(pending_sockets) != count:
            await asyncio.sleep(0.01)


async def _gone(server) -> None:
    """Wait until a connection came and went."""
    await _pending(server, 1)
    await _pending(server, 0)
