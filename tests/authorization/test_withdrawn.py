"""A key that the host app withdrew: it opens no new connection, and connections stay until their token ends."""

from pathlib import Path

from chatd.auth.interface import Claims
from chatd.protocol.errors import Refused
from tests.kit.inprocess import in_process

LIFE_S = 100


async def test_a_live_connection_outlives_the_key_of_its_token(tmp_path: Path) -> None:
    async with in_process(tmp_path) as server:
        server.identity.claims["ann"] = Claims("ann", server.env.now_ms() / 1000 + LIFE_S)
        ann, bob = await server.connect("ann"), await server.connect("bob")
        room = await ann.create_group("bob")
        server.identity.refusals["ann"] = Refused("token_invalid", "the kid is not known")
        assert (await ann.send(room))["type"] == "ok"
        assert (await ann.request(type="auth", token="ann"))["code"] == "token_invalid"
        assert (await ann.send(room))["type"] == "ok"
        tablet = server.client()
        tablet.say_hello("ann", 2)
        await server.wait_idle()
        assert [packet.get("close") for packet in tablet.take("bye")] == [4101]
        for client in (ann, bob):  # both answer pings, so that nothing but the token ends the connection
            client.take()
        while ann.wire.closed_with is None:
            await server.advance(20)
            for client in (ann, bob):
                if client.take("ping"):
                    client.send_packets({"type": "pong"})
        assert ann.wire.closed_with == (4100, "token_expired")
        assert server.env.monotonic() <= LIFE_S + server.config.auth.grace_s + 20
