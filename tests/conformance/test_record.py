"""The recorder: what a client and a server say to each other passes unchanged and is written down, without tokens."""

import asyncio
import io
import json
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from chatd.client import Client, Settings
from chatd.conformance.codec import encode_binary, read
from chatd.conformance.probe import Probe
from chatd.conformance.record import BLANK, Recorder
from chatd.conformance.relay import Relay
from chatd.conformance.show import shown
from tests.kit.daemon import RunningDaemon, config_for
from tests.kit.tokens import token_for

TOKEN = token_for("ann")


@pytest.fixture
async def daemon(tmp_path: Path) -> AsyncIterator[RunningDaemon]:
    running = RunningDaemon(config_for(tmp_path))
    await running.start()
    yield running
    await running.stop()


async def recorded(daemon: RunningDaemon, **settings: Any) -> list[dict[str, Any]]:
    """Let a client write a message through the recorder and return the lines."""
    out = io.StringIO()
    recorder = Recorder(out)

    async def give() -> str:
        return TOKEN

    async with (
        Relay(daemon.url, recorder.frame, recorder.event).running() as relay,
        Client(relay.url, give, settings=Settings(**settings)) as client,
    ):
        room = await client.direct("bob")
        await room.send("Hi " * 500)
        await room.history()
    text = out.getvalue()
    assert TOKEN.rpartition(".")[2] not in text
    assert shown(text).splitlines()[0].endswith("1 connect code=101")
    return [json.loads(line) for line in text.splitlines()]


@pytest.mark.parametrize("encoding", ["msgpack", "json"])
async def test_every_packet_is_a_line_and_tokens_are_blanked(daemon: RunningDaemon, encoding: str) -> None:
    lines = await recorded(daemon, encoding=encoding)
    assert not [line for line in lines if "unreadable" in line]
    packets = [(line["dir"], packet) for line in lines for packet in line.get("packets", ())]
    asked = [packet for side, packet in packets if side == "C>"]
    assert asked[0] | {"token": BLANK} == asked[0]
    assert {"hello", "room.direct", "send", "history"} <= {packet["type"] for packet in asked}
    answered = {packet.get("id") for side, packet in packets if side == "S>"}
    assert {packet["id"] for packet in asked if "id" in packet} <= answered
    assert lines[-1]["dir"].endswith("close")
    assert lines[-1]["code"] == 1000


async def test_a_refused_upgrade_is_passed_on() -> None:
    events: list[tuple[str, int]] = []
    nobody = "ws://127.0.0.1:9/v1/ws"
    async with Relay(nobody, on_event=lambda _, what, code: events.append((what, code))).running() as relay:
        with pytest.raises(Exception, match="502"):
            async with Probe(relay.url, "token"):
                pass
    assert events == [("refuse", 502)]


async def test_a_relay_holds_and_cuts(daemon: RunningDaemon) -> None:
    async with Relay(daemon.url).running() as relay, Probe(relay.url, TOKEN) as probe:
        relay.hold()
        asking = asyncio.create_task(probe.ask("ping"))
        begun = time.monotonic()
        while time.monotonic() < begun + 0.05:
            await asyncio.sleep(0)
        assert not asking.done()
        relay.flow()
        assert "time" in await asking
        relay.cut()
        with pytest.raises(Exception, match="close"):
            await probe.ask("ping")


def test_bytes_are_written_as_in_json() -> None:
    out = io.StringIO()
    Recorder(out).frame(1, "S>", encode_binary([{"type": "x", "data": b"\xfb\xff\x01\x02"}]))
    assert json.loads(out.getvalue())["packets"] == [{"type": "x", "data": {"$bytes": "-_8BAg"}}]


def test_what_cannot_be_read_is_not_written_down() -> None:
    out = io.StringIO()
    Recorder(out).frame(1, "C>", b"\xc1 a token")
    assert "token" not in out.getvalue()
    assert json.loads(out.getvalue())["unreadable"]
    with pytest.raises(ValueError, match=r"."):
        read("{")
