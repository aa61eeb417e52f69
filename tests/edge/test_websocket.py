import asyncio

import pytest
from websockets.asyncio.client import connect

from tests.kit.echo import echo_server


@pytest.mark.parametrize(("subprotocol", "message"), [("chatd.v1.msgpack", b"\x80hi"), ("chatd.v1.json", "{}hi")])
async def test_messages_of_both_subprotocols_go_both_ways(subprotocol, message):
    async with echo_server() as server, connect(server.url, subprotocols=[subprotocol]) as client:
        assert client.subprotocol == subprotocol
        for text in (message, message * 100, message * 10_000):
            await client.send(text)
            assert await client.recv() == text
