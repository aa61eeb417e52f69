"""A key that the host app withdrew: nobody gets in with it any more, and who is in stays until his token ends."""

from pathlib import Path

from chatd.ports import Claims
from chatd.protocol.errors import Refused
from tests.kit.indoors import indoors

LIFE_S = 100


async def test_a_live_connection_outlives_the_key_of_its_token(tmp_path: Path) -> None:
    async with indoors(tmp_path) as house:
        house.passports.claims["ann"] = Claims("ann", house.env.now_ms() / 1000 + LIFE_S)
        ann, bob = await house.meets("ann"), await house.meets("bob")
        room = await ann.makes_group("bob")
        house.passports.refusals["ann"] = Refused("token_invalid", "the kid is not known")
        assert (await ann.sends(room))["type"] == "ok"
        assert (await ann.asks(type="auth", token="ann"))["code"] == "token_invalid"
        assert (await ann.sends(room))["type"] == "ok"
        tablet = house.guest()
        tablet.greets("ann", 2)
        await house.quiet()
        assert [packet.get("close") for packet in tablet.hears("bye")] == [4101]
        for guest in (ann, bob):  # both answer pings, so that nothing but the token ends the connection
            guest.hears()
        while ann.wire.closed_with is None:
            await house.passes(20)
            for guest in (ann, bob):
                if guest.hears("ping"):
                    guest.says({"type": "pong"})
        assert ann.wire.closed_with == (4100, "token_expired")
        assert house.env.monotonic() <= LIFE_S + house.config.auth.grace_s + 20
