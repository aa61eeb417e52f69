"""The pace of a limited user over time, which is no abuse however often it is ignored."""

from pathlib import Path

from chatd.core.restrictions import Restrict
from chatd.core.users import FOR_EVER, Restriction
from tests.kit.inprocess import in_process


async def test_one_message_in_ten_seconds_and_no_abuse_in_asking_more_often(tmp_path: Path) -> None:
    async with in_process(tmp_path) as server:
        ann = await server.connect("ann")
        room = await ann.create_group()
        await server.app.writer.submit_and_wait("ann", Restrict(Restriction("limit", FOR_EVER)))
        outcomes = []
        # Twice as often as a connection may ignore a rate, over longer than its grace.
        for _ in range(121):
            reply = await ann.send(room)
            outcomes.append(reply.get("code", "ok"))
            if reply["type"] == "error":
                assert (reply["code"], reply["scope"]) == ("rate_limited", "slow")
            server.env.advance(0.5)
        assert ann.wire.closed_with is None
        assert outcomes.count("ok") == 7


async def test_a_limit_ends_by_the_clock_alone(tmp_path: Path) -> None:
    async with in_process(tmp_path) as server:
        ann = await server.connect("ann")
        room = await ann.create_group()
        until = server.env.now_ms() + 5_000
        await server.app.writer.submit_and_wait("ann", Restrict(Restriction("mute", until)))
        assert (await ann.send(room))["code"] == "muted"
        stamp = server.store.stamp
        await server.advance(4.999)
        assert (await ann.send(room))["retry_after"] == 1
        await server.advance(0.001)
        assert (await ann.send(room))["type"] == "ok"
        assert server.store.stamp == stamp + 1, "nothing had to be stored for it to end"
