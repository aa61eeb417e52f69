"""connection.py and the connections that client.py keeps, against a server that sends any bytes."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from chatd.egress.client import CONNECTIONS_MAX, IDLE_S, Client, Unreachable
from chatd.egress.guard import Guard
from tests.kit.env import ManualEnv

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"
CLOSE = b"close"  # after what was sent


class Server:
    """It sends the answers in turn, each in its pieces. `requests`: of each connection. `most`: under way at once."""

    def __init__(self, answers: list[list[bytes]]) -> None:
        self._answers = iter(answers)
        self.requests: list[list[bytes]] = []
        self.ended = asyncio.Event()
        self._under_way = self.most = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked: list[bytes] = []
        self.requests.append(asked)
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
                asked.append(head + await reader.readexactly(length))
                self._under_way += 1
                self.most = max(self.most, self._under_way)
                for piece in next(self._answers):
                    if piece is CLOSE:
                        return
                    writer.write(piece)
                    await writer.drain()
                    # The other side reads it on its own.
                    await asyncio.sleep(0.001)
                self._under_way -= 1
        except (asyncio.IncompleteReadError, ConnectionError):
            self.ended.set()
        finally:
            writer.close()


@asynccontextmanager
async def asked(*answers: list[bytes], env: ManualEnv | None = None) -> AsyncIterator[tuple[Client, Server]]:
    server = Server(list(answers))
    listener = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    port = listener.sockets[0].getsockname()[1]
    client = Client(f"http://127.0.0.1:{port}/x", Guard(configured=True), env or ManualEnv())
    async with listener:
        yield client, server
        await client.close()


@pytest.mark.parametrize(
    ("answer", "body"),
    [
        (OK, b"hi"),
        (b"HTTP/1.1 204 No Content\r\n\r\n", b""),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nContent-Length: 9\r\n\r\n" + OK, b"hi"),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nh\r\n1;a=b\r\ni\r\n0\r\nX: y\r\n\r\n",
            b"hi",
        ),
    ],
)
async def test_the_next_request_goes_over_the_same_connection(answer, body):
    for pieces in ([answer], [bytes([byte]) for byte in answer]):
        async with asked(pieces, pieces) as (client, server):
            assert [(await client.post(b"{}", {})).body for _ in range(2)] == [body, body]
            assert [len(requests) for requests in server.requests] == [2]


@pytest.mark.parametrize(
    "answer",
    [
        [b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhi"],
        [b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nhi"],
        [b"HTTP/1.1 200 OK\r\n\r\nh", b"i", CLOSE],
        # Of two answers to one request the second would be that to the next.
        [OK + OK],
        [OK + b"HTTP/1.1 2"],
        [OK, b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nbad"],
    ],
)
async def test_a_connection_that_cannot_be_used_again_is_not(answer):
    async with asked(answer, [OK]) as (client, server):
        assert (await client.post(b"{}", {})).body == b"hi"
        if len(answer) > 1 and CLOSE not in answer:
            await server.ended.wait()
        assert (await client.post(b"{}", {})).body == b"hi"
        assert [len(requests) for requests in server.requests] == [1, 1]


@pytest.mark.parametrize(
    "answer",
    [
        [b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nhi", CLOSE],
        [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n", CLOSE],
        [b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nhi"],
        [b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n"],
        [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nhi", CLOSE],
        [b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n", b"hi"],
        [b"HTTP/1.1 200 OK\r\nX: ", CLOSE],
        [CLOSE],
    ],
)
async def test_half_an_answer_is_none(answer):
    async with asked(answer, [OK]) as (client, server):
        with pytest.raises(Unreachable, match="cut"):
            await client.post(b"{}", {}, timeout_s=60.0)
        assert (await client.post(b"{}", {})).body == b"hi"
        assert len(server.requests) == 2


@pytest.mark.parametrize(
    "piece", [b"2\r\nhi\r\n", b"1;" + 50_000 * b"x" + b"\r\nh\r\n", b"0\r\n" + 80_000 * b"X: y\r\n"]
)
async def test_an_answer_in_pieces_is_bounded_with_what_is_around_them(piece):
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    async with asked([head, *([piece] * 20)]) as (client, _):
        with pytest.raises(Unreachable, match="longer than 20"):
            await client.post(b"{}", {}, timeout_s=60.0, bytes_max=20)


async def test_an_answer_that_comes_too_late_answers_no_other_request():
    async with asked([b"HTTP/1.1 200 OK\r\n"], [OK]) as (client, server):
        with pytest.raises(Unreachable, match="no answer"):
            await client.post(b"{}", {}, timeout_s=0.05)
        await server.ended.wait()
        assert (await client.post(b"{}", {})).body == b"hi"
        assert len(server.requests) == 2


async def test_a_connection_that_was_idle_for_long_is_replaced():
    env = ManualEnv()
    async with asked([OK], [OK], [OK], env=env) as (client, server):
        await client.post(b"{}", {})
        env.advance(IDLE_S - 1)
        await client.post(b"{}", {})
        env.advance(IDLE_S)
        await client.post(b"{}", {})
        assert [len(requests) for requests in server.requests] == [2, 1]


async def test_a_request_beyond_the_connections_waits_for_one():
    async with asked(*[[OK]] * 40) as (client, server):
        await asyncio.gather(*(client.post(b"{}", {}) for _ in range(40)))
        assert sum(map(len, server.requests)) == 40
        assert server.most <= CONNECTIONS_MAX


@pytest.mark.parametrize("value", ["a\r\nX: b", "a\n", "\x00", "é"])
async def test_a_header_has_one_line(value):
    async with asked([OK]) as (client, server):
        with pytest.raises(Unreachable, match="character"):
            await client.post(b"{}", {"webhook-id": value})
        assert server.requests == []


async def test_what_a_closed_client_asked_has_no_answer():
    async with asked([b"HTTP/1.1 200 OK\r\n"]) as (client, server):
        waiting = asyncio.ensure_future(client.post(b"{}", {}))
        while not server.requests or not server.requests[0]:
            await asyncio.sleep(0)
        await client.close()
        with pytest.raises(Unreachable, match="closed"):
            await waiting
