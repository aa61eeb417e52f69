"""What an upgrade may choose: its subprotocol, and the page it comes from. Bad ones are in tests/hostile."""

import pytest

from tests.kit.echo import client_frame, echo_server, upgrade_request

ORIGINS = ("https://app.example", "http://localhost:3000")


@pytest.mark.parametrize("offer", ["chatd.v1.json, chatd.v1.msgpack", "x, chatd.v1.json,chatd.v1.msgpack"])
async def test_the_client_decides_between_the_subprotocols(offer):
    async with echo_server() as server:
        raw = await server.upgrade(offer)
        assert server.last.wire.text
        raw.send(client_frame(b"{}", 0x81))
        assert await raw.frame() == (0x81, b"{}")


@pytest.mark.parametrize("origin", ORIGINS)
async def test_a_web_page_of_an_allowed_origin_may_connect(origin):
    async with echo_server(listen={"origins": ORIGINS}) as server:
        raw = await server.connect()
        raw.send(upgrade_request(more=(f"Origin: {origin}",)))
        assert (await raw.response())[0] == 101


async def test_a_refused_origin_is_counted_by_its_reason():
    async with echo_server(listen={"origins": ORIGINS}) as server:
        raw = await server.connect()
        raw.send(upgrade_request(more=("Origin: https://evil.example",)))
        assert (await raw.response())[0] == 403
        assert server.counters.handshakes_rejected == {"origin": 1}


async def test_any_origin_may_connect_when_the_operator_insists():
    async with echo_server(listen={"origins": ("*",), "unsafe_any_origin": True}) as server:
        raw = await server.connect()
        raw.send(upgrade_request(more=("Origin: https://evil.example",)))
        assert (await raw.response())[0] == 101
