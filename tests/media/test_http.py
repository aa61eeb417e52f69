"""The listener of media on real sockets: heads, bodies with backpressure, files, deadlines, limits, draining."""

import asyncio
import hashlib
import os
import random
import socket
import ssl
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatd.core.client_address import networks
from chatd.media.http import connection as http_connection
from chatd.media.http.body import PIECE
from chatd.media.http.listener import HttpListener
from chatd.media.http.messages import Answer, BodyLost, FilePart
from chatd.media.routes import Routes
from chatd.protocol.errors import Refused, Unavailable
from chatd.server.system_env import SystemEnv
from tests.kit.certificates import write_certificate
from tests.kit.soak import scaled
from tests.kit.waiting import until

GET = b"GET /v1/files HTTP/1.1\r\nHost: a\r\n\r\n"
BYTES = random.Random(7).randbytes(3 * PIECE + 1001)
WAIT_S = 30


async def digest(request):
    """Answers with the hash of the body."""
    state = hashlib.sha256()
    while piece := await request.body.read():
        state.update(piece)
    return Answer(200, body=state.hexdigest().encode())


@asynccontextmanager
async def served(handler=digest, connections_max=100, tls=None, origins=(), proxies=()):
    with ThreadPoolExecutor(1) as disk, socket.create_server(("127.0.0.1", 0)) as bound:
        routes = Routes(origins, {"/v1/files": handler})
        listener = HttpListener(routes, SystemEnv(), disk, connections_max, networks(proxies))
        await listener.start(bound, tls)
        listener.port, listener.peers = bound.getsockname()[1], []
        try:
            yield listener
        finally:
            await listener.close(0)
            for peer in listener.peers:
                peer.writer.transport.abort()
            await asyncio.sleep(0)


async def is_lost(body):
    """Whether the rest of a body does not come."""
    try:
        while await body.read():
            pass
    except BodyLost:
        return True
    return False


class Peer:
    def __init__(self, reader, writer):
        self.reader, self.writer = reader, writer

    @classmethod
    async def of(cls, listener, **options):
        peer = cls(*await asyncio.open_connection("127.0.0.1", listener.port, **options))
        listener.peers.append(peer)
        return peer

    async def answer(self, has_body=True):
        """Return status, headers and body of the next answer."""
        async with asyncio.timeout(WAIT_S):
            head = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            first, *lines = head.split("\r\n")[:-2]
            headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
            length = int(headers.get("content-length", 0)) if has_body else 0
            return int(first.split(" ")[1]), headers, await self.reader.readexactly(length)

    async def is_over(self):
        async with asyncio.timeout(WAIT_S):
            try:
                while await self.reader.read(1 << 16):
                    pass
                return True
            except ConnectionError:
                return True


async def exchange(listener, data, has_body=True):
    peer = await Peer.of(listener)
    peer.writer.write(data)
    found = await peer.answer(has_body)
    peer.writer.close()
    return found


def post(body, *headers):
    lines = [b"POST /v1/files HTTP/1.1", b"Host: a", b"Content-Length: %d" % len(body), *headers]
    return b"\r\n".join((*lines, b"", body))


def chunked(body, size):
    parts = [body[at : at + size] for at in range(0, len(body), size)]
    data = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts)
    return b"POST /v1/files HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + data + b"0\r\n\r\n"


class TestBodies:
    @pytest.mark.parametrize("count", [0, 1, PIECE, PIECE + 1, len(BYTES)])
    @pytest.mark.parametrize("step", [1 << 20, 70_001])
    async def test_all_of_a_body_arrives_and_the_connection_goes_on(self, count, step):
        async with served() as listener:
            peer = await Peer.of(listener)
            for body in (BYTES[:count], b"next"):
                data = post(body)
                for at in range(0, len(data), step):
                    peer.writer.write(data[at : at + step])
                    await peer.writer.drain()
                status, _, found = await peer.answer()
                assert (status, found.decode()) == (200, hashlib.sha256(body).hexdigest())

    @pytest.mark.parametrize("size", [1, 999, 100_000])
    async def test_chunks_are_put_together(self, size):
        body = BYTES[: min(len(BYTES), size * 3000)]
        async with served() as listener:
            peer = await Peer.of(listener)
            for _ in range(2):
                peer.writer.write(chunked(body, size))
                assert (await peer.answer())[2].decode() == hashlib.sha256(body).hexdigest()

    async def test_requests_sent_at_once_are_answered_in_order(self):
        bodies = [b"one", BYTES, b"", b"four"]
        async with served() as listener:
            peer = await Peer.of(listener)
            peer.writer.write(b"".join(map(post, bodies)))
            found = [(await peer.answer())[2].decode() for _ in bodies]
        assert found == [hashlib.sha256(body).hexdigest() for body in bodies]

    @pytest.mark.parametrize("ends", [False, True])
    async def test_what_comes_while_one_is_answered_waits_for_its_turn(self, ends):
        asked, may_answer = asyncio.Event(), asyncio.Event()

        async def handler(request):
            asked.set()
            await may_answer.wait()
            return Answer(200, body=request.query.encode())

        async with served(handler) as listener:
            peer = await Peer.of(listener)
            peer.writer.write(GET)
            await asked.wait()
            peer.writer.write(GET.replace(b"files", b"files?2"))
            if ends:
                peer.writer.write_eof()
            # Two more turns than a loop needs to read both.
            for _ in range(4):
                await asyncio.sleep(0)
            may_answer.set()
            assert (await peer.answer())[2] == b""
            assert (await peer.answer())[2] == b"2"
            if ends:
                assert await peer.is_over()

    async def test_nothing_is_received_that_nobody_waits_for(self):
        """The sender comes to a halt, with no more in memory than the buffers."""
        go, seen = asyncio.Event(), []

        async def slow(request):
            seen.append(bytes(await request.body.read()))
            await go.wait()
            while piece := await request.body.read():
                seen.append(bytes(piece))
            return Answer(204)

        body = bytes(64 << 20)
        async with served(slow) as listener:
            peer = await Peer.of(listener)
            peer.writer.write(post(body))
            await until(lambda: seen)
            connection = next(iter(listener._connections))
            await until(lambda: not connection.transport.is_reading())
            assert peer.writer.transport.get_write_buffer_size() > 0
            go.set()
            assert (await peer.answer())[0] == 204
        assert sum(map(len, seen)) == len(body)

    async def test_what_comes_after_somebody_ended_a_body_is_for_nobody(self):
        """The bytes are received, because they are under way, and not taken for those of the body."""
        outcomes = []

        async def end(request):
            connection = next(iter(listener._connections))
            outcomes.append(bytes(await request.body.read()))
            request.body.end()
            await until(lambda: not connection.transport.is_reading())
            try:
                outcomes.append(bytes(await request.body.read()))
            except BodyLost:
                outcomes.append(None)
            return Answer(204)

        async with served(end) as listener:
            peer = await Peer.of(listener)
            peer.writer.write(post(BYTES)[:1000])
            await until(lambda: outcomes)
            peer.writer.write(bytes(500))
            assert (await peer.answer())[1]["connection"] == "close"
        first, then = outcomes
        assert then is None
        assert BYTES.startswith(first)

    async def test_who_expects_to_be_asked_is_asked(self):
        async with served() as listener:
            peer = await Peer.of(listener)
            peer.writer.write(post(b"", b"Expect: 100-continue").replace(b"Length: 0", b"Length: 3"))
            assert await peer.reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
            peer.writer.write(b"abc")
            assert (await peer.answer())[2].decode() == hashlib.sha256(b"abc").hexdigest()

    async def test_an_answer_before_the_body_is_read_by_a_peer_that_goes_on_sending(self):
        async def refuse(request):
            raise Refused("forbidden")

        async with served(refuse) as listener:
            peer = await Peer.of(listener)
            peer.writer.write(post(BYTES))
            status, headers, body = await peer.answer()
            assert (status, headers["connection"], body) == (403, "close", b'{"code":"forbidden"}')

    @pytest.mark.parametrize("cut", ["eof", "reset", "stall"])
    async def test_a_reader_learns_that_the_rest_is_lost(self, cut, monkeypatch):
        monkeypatch.setattr(http_connection, "STALL_S", 0.0 if cut == "stall" else 60.0)
        seen = bytearray()
        lost = asyncio.Event()

        async def keep(request):
            try:
                while piece := await request.body.read():
                    seen.extend(piece)
            except BodyLost:
                lost.set()
            return Answer(204)

        async with served(keep) as listener:
            peer = await Peer.of(listener)
            peer.writer.write(post(BYTES)[:-1000])
            await until(lambda: len(seen) == len(BYTES) - 1000)
            if cut == "eof":
                peer.writer.write_eof()
            elif cut == "reset":
                peer.writer.transport.abort()
            await lost.wait()
            if cut != "reset":
                assert (await peer.answer())[0] == 204
        assert seen == BYTES[:-1000]


@settings(max_examples=scaled(30, 1000), deadline=None)
@given(
    data=st.lists(
        st.one_of(
            st.binary(max_size=60),
            st.sampled_from(
                [GET, post(b"abc"), chunked(b"abcdef", 2), b"POST / HTTP/1.1\r\n", b"0\r\n\r\n", b"\r\n"]
            ),
        ),
        max_size=6,
    ),
    size=st.integers(1, 100),
)
def test_whatever_comes_is_answered_or_cut_and_harms_nobody_else(data, size):
    async def run():
        raw = b"".join(data)
        async with served() as listener:
            peer = await Peer.of(listener)
            for at in range(0, len(raw), size):
                peer.writer.write(raw[at : at + size])
                await asyncio.sleep(0)
            with suppress(OSError):
                peer.writer.write_eof()
            assert await peer.is_over()
            assert (await exchange(listener, post(BYTES)))[0] == 200
            await until(lambda: all(one.is_idle for one in listener._connections))

    asyncio.run(run())


class TestHeads:
    @pytest.mark.parametrize(
        ("head", "status"),
        [
            (b"nonsense\r\n\r\n", 400),
            (b"GET /v1/files HTTP/1.1\r\n\r\n", 400),
            (b"GET /v1/files HTTP/2.0\r\nHost: a\r\n\r\n", 400),
            (b"GET /v1/files HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
            (b"POST /v1/files HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n", 400),
            (b"POST /v1/files HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400),
            (b"POST /v1/files HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n", 400),
            (
                b"POST /v1/files HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n",
                400,
            ),
            (b"GET / HTTP/1.1\r\nHost: a\r\n" + b"A: b\r\n" * 70 + b"\r\n", 431),
            (b"GET / HTTP/1.1\r\nHost: a\r\nA: " + b"b" * 17_000, 431),
            (b"GET /v1/files HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n", 200),
            (b"GET /v1/files HTTP/1.0\r\n\r\n", 200),
            (b"GET /v1/elsewhere HTTP/1.1\r\nHost: a\r\n\r\n", 404),
        ],
    )
    async def test_a_bad_one_is_refused(self, head, status):
        async with served() as listener:
            assert (await exchange(listener, head))[0] == status

    @pytest.mark.parametrize(
        "head", [GET.replace(b"Host: a", b"Host: a\r\nConnection: close"), b"GET /v1/files HTTP/1.0\r\n\r\n"]
    )
    async def test_who_wants_no_other_answer_gets_none(self, head):
        async with served() as listener:
            peer = await Peer.of(listener)
            peer.writer.write(head)
            assert (await peer.answer())[1]["connection"] == "close"
            assert await peer.is_over()

    @pytest.mark.parametrize("chunks", [b"xyz\r\n", b"-1\r\n", b"3\r\nabcd\r\n"])
    async def test_bad_chunks_end_the_body(self, chunks):
        async def keep(request):
            assert await is_lost(request.body)
            return Answer(400)

        async with served(keep) as listener:
            head = b"POST /v1/files HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
            assert (await exchange(listener, head + chunks))[0] == 400


class TestFiles:
    @pytest.fixture
    def part(self, tmp_path):
        (tmp_path / "file").write_bytes(BYTES)

        async def send(request):
            first = int(request.query or 0)
            descriptor = os.open(tmp_path / "file", os.O_RDONLY)
            return Answer(200, body=FilePart(descriptor, first, len(BYTES) - first))

        return send

    @pytest.mark.parametrize("first", [0, 5, len(BYTES) - 20_000])
    async def test_a_part_of_a_file_is_sent_and_closed(self, part, first):
        before = len(os.listdir("/proc/self/fd"))
        async with served(part) as listener:
            peer = await Peer.of(listener)
            for _ in range(2):
                peer.writer.write(GET.replace(b"files", b"files?%d" % first))
                assert (await peer.answer())[2] == BYTES[first:]
            peer.writer.write(GET.replace(b"GET", b"HEAD"))
            status, headers, _ = await peer.answer(has_body=False)
            assert (status, headers["content-length"]) == (200, str(len(BYTES)))
            peer.writer.close()
        await until(lambda: len(os.listdir("/proc/self/fd")) == before)

    async def test_it_is_sent_over_tls(self, part, tmp_path):
        files = write_certificate(tmp_path / "certificate")
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(files["tls_cert"])
        trusting = ssl.create_default_context(cafile=files["tls_cert"])
        async with served(part, tls=tls) as listener:
            peer = await Peer.of(listener, ssl=trusting)
            peer.writer.write(GET)
            assert (await peer.answer())[2] == BYTES

    async def test_bodies_arrive_over_tls(self, tmp_path):
        files = write_certificate(tmp_path / "certificate")
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(files["tls_cert"])
        async with served(tls=tls) as listener:
            peer = await Peer.of(listener, ssl=ssl.create_default_context(cafile=files["tls_cert"]))
            for body, data in ((BYTES, post(BYTES)), (BYTES, chunked(BYTES, 50_000)), (b"", post(b""))):
                peer.writer.write(data)
                status, _, found = await peer.answer()
                assert (status, found.decode()) == (200, hashlib.sha256(body).hexdigest())

    async def test_a_handshake_that_fails_leaves_nothing(self, part, tmp_path):
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(write_certificate(tmp_path / "certificate")["tls_cert"])
        async with served(part, tls=tls) as listener:
            peer = await Peer.of(listener)
            peer.writer.write(GET)
            assert await peer.is_over()
            assert len(listener) == 0

    async def test_a_peer_that_does_not_read_is_cut(self, tmp_path, monkeypatch):
        """Its descriptor is left to nobody: the next connections, which get its number, work."""
        monkeypatch.setattr(http_connection, "STALL_S", 0.0)
        large = tmp_path / "large"
        large.touch()
        os.truncate(large, 1 << 30)

        async def send(request):
            return Answer(200, body=FilePart(os.open(large, os.O_RDONLY), 0, 1 << 30))

        async with served(send) as listener:
            peer = await Peer.of(listener)
            peer.writer.write(GET)
            await until(lambda: not listener._connections)
            for _ in range(3):
                other = await Peer.of(listener)
                other.writer.write(GET.replace(b"GET", b"HEAD"))
                assert (await other.answer(has_body=False))[0] == 200

    async def test_what_is_generated_is_sent_in_chunks(self):
        async def send(request):
            async def body():
                yield b"abc"
                yield b"de"

            return Answer(200, body=body())

        async with served(send) as listener:
            peer = await Peer.of(listener)
            peer.writer.write(GET)
            assert (await peer.answer())[1]["transfer-encoding"] == "chunked"
            assert await peer.reader.readuntil(b"0\r\n\r\n") == b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"


class TestLimits:
    async def test_a_silent_connection_is_closed(self, monkeypatch):
        monkeypatch.setattr(http_connection, "HEAD_S", 0.0)
        async with served() as listener:
            assert await (await Peer.of(listener)).is_over()

    @pytest.mark.parametrize("drip", [b"GET / HTTP/1.1\r\nHost: ", b"\r\n"])
    async def test_a_dripping_head_is_cut(self, drip, monkeypatch):
        monkeypatch.setattr(http_connection, "HEAD_S", 0.1)
        async with served() as listener:
            peer = await Peer.of(listener)
            await until(lambda: listener._connections)
            for byte in drip * 1000:
                peer.writer.write(bytes((byte,)))
                if not listener._connections:
                    break
                await asyncio.sleep(0.01)
            assert not listener._connections

    async def test_an_idle_connection_makes_room_for_a_new_one(self):
        async with served(connections_max=2) as listener:
            peers = [await Peer.of(listener) for _ in range(2)]
            await until(lambda: len(listener) == 2)
            assert (await exchange(listener, GET))[0] == 200
            assert await peers[0].is_over()

    async def test_many_that_come_at_once_find_no_more_room_than_there_is(self):
        async with served(connections_max=2) as listener:
            for _ in range(2):
                await Peer.of(listener)
            await until(lambda: len(listener) == 2)
            most, came = [], listener.came

            def counted(connection):
                is_let_in = came(connection)
                most.append(len(listener._connections) - len(listener._cut))
                return is_let_in

            listener.came = counted
            await asyncio.gather(*(Peer.of(listener) for _ in range(20)))
            await until(lambda: len(most) == 20)
            assert max(most) <= 2

    async def test_without_one_the_new_one_is_refused(self):
        async def wait(request):
            await is_lost(request.body)
            return Answer(204)

        async with served(wait, connections_max=1) as listener:
            busy = await Peer.of(listener)
            busy.writer.write(post(b"abc")[:-1])
            await until(lambda: any(not one.is_idle for one in listener._connections))
            status, _, body = await exchange(listener, b"")
            assert (status, body) == (503, b'{"code":"overloaded"}')

    async def test_an_address_with_more_than_its_share_makes_room_for_others_and_not_for_itself(self):
        async def wait(request):
            await is_lost(request.body)
            return Answer(204)

        async def begin(peer, address):
            peer.writer.write(post(b"abc", b"X-Forwarded-For: " + address)[:-1])
            await until(lambda: sum(not one.is_idle for one in listener._connections) == len(listener))
            return peer

        async with served(wait, connections_max=3, proxies=["127.0.0.1"]) as listener:
            first = await begin(await Peer.of(listener), b"192.0.2.1")
            other = await begin(await Peer.of(listener), b"192.0.2.2")
            await begin(await Peer.of(listener), b"192.0.2.1")
            late = await begin(await Peer.of(listener), b"192.0.2.3")
            assert await first.is_over()
            for peer in (other, late):
                peer.writer.write(b"c")
                assert (await peer.answer())[0] == 204

    async def test_a_body_that_nobody_reads_takes_no_memory(self):
        held = []

        async def look_away(request):
            held.append(len(request.body._filling) + len(request.body._held))
            return Answer(204)

        async with served(look_away) as listener:
            peer = await Peer.of(listener)
            peer.writer.write(post(BYTES)[:200])
            assert (await peer.answer())[0] == 204
        assert held[0] <= 200

    async def test_draining_answers_what_is_under_way_and_closes(self):
        async def keep(request):
            assert await is_lost(request.body) == (request.length > 0)
            return Answer(204, {"Upload-Offset": "5"})

        async with served(keep) as listener:
            idle, fresh, busy = [await Peer.of(listener) for _ in range(3)]
            idle.writer.write(post(b""))
            busy.writer.write(post(BYTES)[:200])
            assert (await idle.answer())[0] == 204
            await until(lambda: any(not one.is_idle for one in listener._connections))
            await until(lambda: len(listener) == 3)
            closing = asyncio.create_task(listener.close(WAIT_S))
            assert await idle.is_over()
            fresh.writer.write(post(b""))
            assert (await fresh.answer())[1]["connection"] == "close"
            status, headers, _ = await busy.answer()
            assert (status, headers["connection"]) == (204, "close")
            busy.writer.close()
            await closing

    @pytest.mark.parametrize("turns", range(12))
    async def test_whoever_comes_while_one_process_takes_over_from_another_is_answered(self, turns):
        """Some are accepted by the first and some by the second; nobody is turned away."""
        with ThreadPoolExecutor(1) as disk, socket.create_server(("127.0.0.1", 0)) as bound:
            first, second = [
                HttpListener(Routes((), {"/v1/files": digest}), SystemEnv(), disk, 100) for _ in range(2)
            ]
            first.port, first.peers = bound.getsockname()[1], []
            await first.start(bound.dup())
            asked = [asyncio.create_task(exchange(first, post(b""))) for _ in range(20)]
            for _ in range(turns):
                await asyncio.sleep(0)
            closing = asyncio.create_task(first.close(WAIT_S))
            asked += [asyncio.create_task(exchange(first, post(BYTES))) for _ in range(3)]
            await second.start(bound.dup())
            answers = await asyncio.gather(*asked)
            await closing
            await second.close(0)
            for peer in first.peers:
                peer.writer.transport.abort()
        assert [status for status, *_ in answers] == [200] * 23


class TestAnswers:
    async def test_a_failure_has_its_code(self):
        async def fail(request):
            if request.query == "defect":
                raise KeyError("secret")
            raise Unavailable("timeout", retry_after=1500)

        async with served(fail) as listener:
            status, headers, body = await exchange(listener, GET)
            assert (status, headers["retry-after"], body) == (
                503,
                "2",
                b'{"code":"timeout","retry_after":1500}',
            )
            status, _, body = await exchange(listener, GET.replace(b"files", b"files?defect"))
            assert (status, body) == (500, b'{"code":"internal"}')

    @pytest.mark.parametrize(
        ("origins", "origin", "is_admitted"),
        [
            (("https://a.example",), "https://a.example", True),
            (("https://a.example",), "https://b.example", False),
            (("http://localhost:*",), "http://localhost:5173", True),
            (("http://localhost:*",), "http://localhost.evil:5173", False),
            (("*",), "https://any.example", True),
            ((), "null", False),
        ],
    )
    async def test_pages_of_allowed_origins_may_read_it(self, origins, origin, is_admitted):
        async with served(origins=origins) as listener:
            head = b"OPTIONS /v1/files HTTP/1.1\r\nHost: a\r\nOrigin: %b\r\n" % origin.encode()
            for more in (b"", b"Access-Control-Request-Method: PATCH\r\n"):
                _, headers, _ = await exchange(listener, head + more + b"\r\n")
                assert (headers.get("access-control-allow-origin") == origin) == is_admitted
                assert headers["x-content-type-options"] == "nosniff"
