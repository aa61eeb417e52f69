"""A phone matches replies, answers pings, and tells everybody who waits when the connection goes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection, serve

from bench.client.device import Address, Refused
from bench.client.phone import LOST, Phone, connect
from bench.wire import ENCODINGS, Encoding, HandshakeError


@asynccontextmanager
async def answering(encoding: Encoding, *answers: Any) -> AsyncIterator[tuple[Phone, list[Any]]]:
    """A phone at a server that sends one answer (None: nothing, bytes: as they are) for each frame."""
    got: list[Any] = []

    async def handle(link: ServerConnection) -> None:
        for answer in answers:
            got.append(encoding.unpack(await link.recv()))  # type: ignore[arg-type]
            if answer == "close":
                await link.close(4000, "restart")
            elif answer is not None:
                frame = answer if isinstance(answer, bytes) else encoding.pack(answer)
                await link.send(frame, text=encoding.name == "json")
        await link.wait_closed()

    protocols: list[Any] = [encoding.subprotocol]
    async with serve(handle, "127.0.0.1", 0, subprotocols=protocols) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        phone = await connect(Address("127.0.0.1", port, "/v1/ws", tls=False), encoding)
        try:
            yield phone, got
        finally:
            await phone.close()


@pytest.mark.parametrize("encoding", ENCODINGS.values(), ids=ENCODINGS)
async def test_replies_find_their_request_in_any_order_also_within_a_batch(encoding: Encoding) -> None:
    answer = [
        {"type": "ok", "id": 2, "n": 2},
        {"type": "event", "room": "r"},
        {"type": "ok", "id": 1, "n": 1},
    ]
    async with answering(encoding, None, answer) as (phone, got):
        pushes: list[Any] = []
        phone.on_push = pushes.append
        replies = await asyncio.gather(phone.request({"type": "a"}), phone.request({"type": "b", "x": "👋"}))
        assert [reply["n"] for reply in replies] == [1, 2]
        assert got == [{"type": "a", "id": 1}, {"type": "b", "id": 2, "x": "👋"}]
        assert pushes == [{"type": "event", "room": "r"}]


async def test_an_error_is_raised_with_its_packet() -> None:
    error = {"type": "error", "id": 1, "code": "forbidden", "retry": "never", "message": "no"}
    async with answering(ENCODINGS["msgpack"], error) as (phone, _):
        with pytest.raises(Refused, match="forbidden: no") as refused:
            await phone.request({"type": "a"})
        assert refused.value.packet == error


async def test_a_ping_is_answered() -> None:
    async with answering(ENCODINGS["msgpack"], {"type": "ping"}, {"type": "ok", "id": 1}) as (phone, got):
        await phone.request({"type": "a"})
        assert got[1] == {"type": "pong"}


@pytest.mark.parametrize(
    ("answer", "end"), [("close", "4000"), (b"\xc1", "FormatError"), (b"\x05", "AttributeError")]
)
async def test_who_waits_is_told_when_the_connection_goes(answer: Any, end: str) -> None:
    async with answering(ENCODINGS["msgpack"], answer) as (phone, _):
        with pytest.raises(Refused) as refused:
            await phone.request({"type": "a"})
        assert refused.value.packet is LOST
        assert end in await phone.lost
        with pytest.raises(Refused):
            await phone.request({"type": "too late"})


async def test_a_cut_phone_ends_without_a_close_code() -> None:
    async with answering(ENCODINGS["msgpack"], None) as (phone, _):
        phone.cut()
        assert await phone.lost == "1006"


async def test_a_server_that_refuses_the_subprotocol_is_a_failed_handshake() -> None:
    async def hang_up(link: ServerConnection) -> None:
        await link.close()

    async with serve(hang_up, "127.0.0.1", 0) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        with pytest.raises(HandshakeError):
            await connect(Address("127.0.0.1", port, "/", tls=False), ENCODINGS["msgpack"])


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("ws://h", Address("h", 80, "/v1/ws", tls=False)),
        ("wss://h/", Address("h", 443, "/v1/ws", tls=True)),
        ("ws://[::1]:8470/x", Address("::1", 8470, "/x", tls=False)),
    ],
)
def test_a_url_is_an_address(url: str, address: Address) -> None:
    assert Address.of(url) == address


@pytest.mark.parametrize("url", ["", "h:8470", "http://h", "ws://", "ws://h:x"])
def test_another_url_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"URL|[Pp]ort"):
        Address.of(url)


async def test_a_request_that_is_cancelled_as_its_reply_comes_is_cancelled() -> None:
    async with answering(ENCODINGS["msgpack"]) as (phone, _):
        asking = asyncio.create_task(phone.request({"type": "a"}))
        await asyncio.sleep(0)
        phone.take(phone.encoding.pack({"type": "ok", "id": 1}))
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
