"""http2.py and http2_connection.py against a server over TLS, one that misbehaves among them."""

import asyncio
import os
import ssl
from contextlib import asynccontextmanager

import h2.config
import h2.connection
import h2.events
import h2.settings
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatd.egress.client import Unreachable
from chatd.push.sender import http2
from chatd.push.sender.http2 import Http2Client
from tests.kit.env import ManualEnv
from tests.kit.push_services.authority import Authority
from tests.kit.push_services.listener import Listener, Response

WINDOW = h2.settings.SettingCodes.INITIAL_WINDOW_SIZE
SERVER = h2.config.H2Configuration(client_side=False, header_encoding="utf-8")


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def env():
    return ManualEnv()


@asynccontextmanager
async def client(url, authority, env):
    tls = ssl.create_default_context(cafile=authority.file)
    tls.set_alpn_protocols(["h2"])
    made = Http2Client(url, env, tls=tls)
    try:
        yield made
    finally:
        await made.close()


class Server(Listener):
    """Answers with the body of each request; a gate holds answers back, `faults` come first."""

    def __init__(self, authority, streams=1000):
        super().__init__(self.answer_with_body, authority, streams)
        self.seen, self.answered, self.faults = [], [], []
        self.gate = asyncio.Event()
        self.gate.set()

    async def answer_with_body(self, request):
        self.seen.append(request)
        await self.gate.wait()
        if self.faults:
            return self.faults.pop(0)
        self.answered.append(request.body)
        return Response(200, request.body, {"retry-after": "7"})

    async def came(self, count):
        while len(self.seen) < count:
            await asyncio.sleep(0)


async def post(made, number):
    return await made.post(((":path", f"/{number}"), ("te", "trailers")), b"%d" % number)


@pytest.fixture
def at_once(monkeypatch):
    """A connection is replaced without a pause."""
    monkeypatch.setattr(http2, "RECONNECT_S", 0.0)


async def test_many_requests_share_a_connection_and_each_gets_its_answer(authority, env):
    async with Server(authority) as server, client(server.url, authority, env) as made:
        answers = await asyncio.gather(*(post(made, number) for number in range(600)))
    assert [answer.body for answer in answers] == [b"%d" % number for number in range(600)]
    assert {(answer.status, answer.retry_after) for answer in answers} == {(200, "7")}
    assert server.connections == 1
    assert server.streams_max <= 500
    assert {request.path for request in server.seen} == {f"/{number}" for number in range(600)}


async def test_no_more_streams_are_opened_than_the_server_allows(authority, env):
    async with Server(authority, streams=3) as server, client(server.url, authority, env) as made:
        assert len({await one for one in asyncio.as_completed([post(made, n) for n in range(30)])}) == 30
        assert (server.streams_max, server.refused_streams) == (3, 0)
        assert server.connections <= 2
        server.set_streams(50)
        await asyncio.gather(*(post(made, number) for number in range(200)))
    assert 3 < server.streams_max <= 50


@pytest.mark.parametrize("processed", [0, 3, 10])
async def test_a_goaway_in_mid_flight_loses_and_repeats_nothing(authority, env, processed):
    async with Server(authority) as server, client(server.url, authority, env) as made:
        await post(made, 1000)
        server.gate.clear()
        tasks = [asyncio.ensure_future(post(made, number)) for number in range(10)]
        await server.came(11)
        server.go_away(processed)
        # Those behind the last id are sent again at once, while the others are still under way.
        await server.came(21 - processed)
        server.gate.set()
        answers = await asyncio.gather(*tasks)
    assert [answer.body for answer in answers] == [b"%d" % number for number in range(10)]
    assert sorted(server.answered) == sorted([b"1000", *(b"%d" % number for number in range(10))])
    assert server.connections == (2 if processed < 10 else 1)


async def test_a_request_that_no_server_looks_at_is_given_up(authority, env, at_once):
    async with Server(authority) as server, client(server.url, authority, env) as made:
        server.faults = ["goaway"] * 9
        with pytest.raises(Unreachable):
            await post(made, 1)
        assert len(server.seen) == 3
        server.faults = []
        assert (await post(made, 2)).body == b"2"


@pytest.mark.parametrize("fault", ["drop", "reset"])
async def test_a_cut_is_told_to_its_requests_alone(authority, env, fault, at_once):
    async with Server(authority) as server, client(server.url, authority, env) as made:
        server.faults = [fault]
        with pytest.raises(Unreachable):
            await post(made, 1)
        assert (await post(made, 2)).body == b"2"


async def test_a_request_without_an_answer_is_given_up_and_the_others_are_not(authority, env):
    async with Server(authority) as server, client(server.url, authority, env) as made:
        await post(made, 0)
        server.faults = ["hang"]
        late = asyncio.ensure_future(post(made, 1))
        await server.came(2)
        for number in range(2, 13):
            env.advance(1.0)
            await post(made, number)
        with pytest.raises(Unreachable, match="10 s"):
            await late
    assert server.connections == 1


async def test_a_server_that_is_silent_is_left(authority, env):
    async with Server(authority) as server, client(server.url, authority, env) as made:
        await post(made, 0)
        server.gate.clear()
        tasks = [asyncio.ensure_future(post(made, number)) for number in range(1, 4)]
        await server.came(4)
        env.advance(11.0)
        for task in tasks:
            with pytest.raises(Unreachable, match="silent"):
                await task
        server.gate.set()
        await post(made, 5)
    assert server.connections == 2


async def test_an_idle_connection_is_pinged_and_then_closed(authority, env):
    async with Server(authority) as server, client(server.url, authority, env) as made:
        await post(made, 0)
        (connection,) = made._connections
        while not connection.is_over:
            env.advance(1.0)
            # The answer to a ping comes in no time.
            while connection._pinged_at is not None:
                await asyncio.sleep(0)
        assert 590 <= env.monotonic() <= 610
        assert 8 <= server.pings <= 10, "one a minute"
        env.advance(1.0)
        assert env.pending == 0, "nothing is looked at any more"
        await post(made, 1)
    assert server.connections == 2


async def test_a_connection_that_answers_no_ping_is_left(authority, env):
    async def serve(reader, writer):
        speaker = h2.connection.H2Connection(SERVER)
        speaker.initiate_connection()
        writer.write(speaker.data_to_send())
        while data := await reader.read(65_536):
            for event in speaker.receive_data(data):
                if isinstance(event, h2.events.StreamEnded):
                    speaker.send_headers(event.stream_id, [(":status", "200")], end_stream=True)
                if isinstance(event, h2.events.PingReceived):
                    await reader.read()
            writer.write(speaker.data_to_send())

    async with raw(authority, serve) as url, client(url, authority, env) as made:
        await post(made, 0)
        (connection,) = made._connections
        while not connection.is_over:
            env.advance(1.0)
        assert 70 <= env.monotonic() <= 75, "long before an idle one is"


@asynccontextmanager
async def raw(authority, serve, alpn="h2"):
    """A server that does what `serve` says with each connection; gives its URL."""

    async def on_connection(reader, writer):
        try:
            await serve(reader, writer)
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    tls = authority.server_context()
    tls.set_alpn_protocols([alpn])
    server = await asyncio.start_server(on_connection, "127.0.0.1", 0, ssl=tls)
    async with server:
        yield f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"


def frame(kind, payload=b"", flags=0, stream=0):
    return len(payload).to_bytes(3, "big") + bytes((kind, flags)) + stream.to_bytes(4, "big") + payload


SETTINGS = frame(4)
GARBAGE = {
    "another protocol": b"HTTP/1.1 400 Bad Request\r\n\r\n",
    "noise": bytes(range(256)) * 40,
    "a frame without end": (1 << 20).to_bytes(3, "big") + b"\0" * 6,
    "an answer to nobody": SETTINGS + frame(1, b"\x88", 4, 99),
    "a body without a head": SETTINGS + frame(0, b"x", 1, 1),
    "a header table that is broken": SETTINGS + frame(1, b"\xff\xff\xff\xff", 5, 1),
    "a status that is none": SETTINGS + frame(1, b"\x48\x01x", 5, 1),
    "headers without end": SETTINGS + frame(1, b"\x88", 0, 1) + frame(9, b"\x88" * 999, 0, 1) * 99,
    "a window beyond all bounds": SETTINGS + frame(8, b"\x7f\xff\xff\xff"),
    "no streams, and no end": SETTINGS + frame(7, b"\0" * 8) * 3 + b"\0",
    "nothing": b"",
}


@pytest.mark.parametrize("content", GARBAGE.values(), ids=GARBAGE)
async def test_garbage_harms_nothing_but_its_requests(authority, env, content):
    connections = []

    async def serve(reader, writer):
        connections.append(1)
        await reader.readexactly(24)
        writer.write(content)
        await writer.drain()

    async with raw(authority, serve) as url, client(url, authority, env) as made:
        for _ in range(2):
            tasks = [asyncio.ensure_future(post(made, number)) for number in range(3)]
            # Those that are left wait for another connection, which is not made at once.
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            env.advance(10.0)
            for task in tasks:
                with pytest.raises(Unreachable):
                    await task
    assert 1 <= len(connections) <= 3


@given(st.lists(st.binary(max_size=40), min_size=1, max_size=8))
@settings(max_examples=60, deadline=None)
def test_no_frames_raise_anything_else(payloads):
    """Frames of random kinds and contents, behind settings, in pieces."""
    from chatd.push.sender.http2_connection import Connection
    from tests.kit.manual_transport import ManualTransport

    async def run():
        connection = Connection(ManualEnv(), False, lambda: None)
        connection.connection_made(ManualTransport(connection))
        connection.data_received(SETTINGS)
        future = connection.request(((":method", "POST"), (":path", "/")), b"{}", 0.0)
        for payload in payloads:
            kind, flags = (payload[0] % 11, payload[-1]) if payload else (0, 0)
            sent = frame(kind, payload, flags, 1)
            connection.data_received(sent[:5])
            connection.data_received(sent[5:])
        connection.abort("the end")
        assert future.done()
        assert isinstance(future.exception(), Exception) or future.result()

    asyncio.run(run())


async def test_an_answer_without_end_is_cut(authority, env):
    async def serve(reader, writer):
        speaker = h2.connection.H2Connection(SERVER)
        speaker.initiate_connection()
        writer.write(speaker.data_to_send())
        while data := await reader.read(65_536):
            for event in speaker.receive_data(data):
                if isinstance(event, h2.events.StreamEnded):
                    speaker.send_headers(event.stream_id, [(":status", "200")])
                    for _ in range(2):
                        speaker.send_data(event.stream_id, bytes(16_000))
            writer.write(speaker.data_to_send())

    async with raw(authority, serve) as url, client(url, authority, env) as made:
        for number in range(2):
            with pytest.raises(Unreachable, match="longer than"):
                await post(made, number)


async def test_a_body_waits_for_room(authority, env):
    """The window of each stream is one byte at first."""
    got = []

    async def serve(reader, writer):
        speaker = h2.connection.H2Connection(SERVER)
        speaker.local_settings = h2.settings.Settings(client=False, initial_values={WINDOW: 1})
        speaker.initiate_connection()
        writer.write(speaker.data_to_send())
        while data := await reader.read(65_536):
            for event in speaker.receive_data(data):
                if isinstance(event, h2.events.DataReceived):
                    got.append(event.data)
                    speaker.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
                    if event.stream_ended is None:
                        speaker.increment_flow_control_window(40_000, event.stream_id)
                elif isinstance(event, h2.events.StreamEnded):
                    speaker.send_headers(event.stream_id, [(":status", "200")], end_stream=True)
            writer.write(speaker.data_to_send())

    body = os.urandom(30_000)
    async with raw(authority, serve) as url, client(url, authority, env) as made:
        assert (await made.post(((":path", "/"),), body)).status == 200
    assert b"".join(got) == body
    assert len(got) > 1


async def test_a_server_of_another_protocol_or_certificate_is_refused(authority, env, tmp_path):
    async def serve(reader, writer):
        await reader.read(1)

    async with raw(authority, serve, alpn="http/1.1") as url, client(url, authority, env) as made:
        with pytest.raises(Unreachable, match="HTTP/2"):
            await post(made, 1)
    async with raw(authority, serve) as url, client(url, Authority(tmp_path), env) as made:
        with pytest.raises(Unreachable, match="CERTIFICATE"):
            await post(made, 1)


async def test_a_failure_is_logged_when_it_begins_and_when_it_ends(authority, env, caplog):
    server = Server(authority)
    async with server:
        pass
    caplog.set_level("INFO", "chatd")
    async with client(server.url, authority, env) as made:
        for _ in range(2):
            env.advance(1.0)
            with pytest.raises(Unreachable):
                await post(made, 1)
        async with server:
            env.advance(1.0)
            await post(made, 1)
    said = [record.getMessage() for record in caplog.records]
    assert ["no connection" in text for text in said] == [True, False]
    assert "connected again" in said[1]


async def test_what_is_under_way_ends_with_the_client(authority, env):
    async with Server(authority, streams=1) as server, client(server.url, authority, env) as made:
        server.gate.clear()
        tasks = [asyncio.ensure_future(post(made, number)) for number in range(3)]
        await server.came(1)
        await made.close()
        for task in tasks:
            with pytest.raises(Unreachable):
                await task
        with pytest.raises(Unreachable):
            await post(made, 4)
