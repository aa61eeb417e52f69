"""protocol.md, what the server guarantees: an acknowledged event survives kill -9, once, in its place."""

import asyncio
import contextlib
import random
from dataclasses import dataclass, field

import pytest

from tests.kit.company import Company
from tests.kit.daemon import DaemonProcess
from tests.kit.phone import Phone, fresh_key

pytestmark = pytest.mark.asyncio(loop_factories=["asyncio"])

KILLS = 4
WRITERS = 3


async def test_s06_an_acknowledged_event_survives_kill_9(server: DaemonProcess, callers: Company) -> None:
    room, (alice, bob) = await callers.in_direct("alice", "bob")
    acks = [await alice.sends(room, f"message {number}") for number in range(20)]
    await server.kill9()
    await server.start()
    alice, hello = await callers.again(alice)
    log = await alice.logs(room)
    assert [event["seq"] for event in log] == list(range(1, 22))
    assert [event["time"] for event in log[1:]] == [ack["time"] for ack in acks]
    assert (await alice.sends(room, "after"))["seq"] == 22
    assert hello["sync"]["rooms"][0]["ordinal"] == 20
    assert bob.link.close_code in (None, 1006)


async def test_s03_a_key_is_remembered_over_kill_9(server: DaemonProcess, callers: Company) -> None:
    room, (alice, _) = await callers.in_direct("alice", "bob")
    key = fresh_key()
    first = await alice.sends(room, "once", key=key)
    await server.kill9()
    await server.start()
    alice, _ = await callers.again(alice)
    again = await alice.sends(room, "once", key=key)
    assert (again["seq"], again["ordinal"], again["time"]) == (first["seq"], first["ordinal"], first["time"])
    assert again["duplicate"] is True


async def test_a_cursor_is_good_after_kill_9(server: DaemonProcess, callers: Company) -> None:
    room, (alice, bob) = await callers.in_direct("alice", "bob")
    _, before = await callers.again(bob)
    sent = (await alice.sends(room, "x"))["seq"]
    await server.kill9()
    await server.start()
    position = {"epoch": before["epoch"], "cursor": before["sync"]["cursor"]}
    _, after = await callers.again(bob, **position, events=10)
    assert after["epoch"] == before["epoch"]
    assert [event["seq"] for event in after["sync"]["rooms"][0]["events"]] == [sent]
    assert "full" not in after["sync"]


@dataclass
class Writer:
    """A user with an outbox: what was acknowledged, and what must be sent again with the same key."""

    user: str
    room: str
    acknowledged: dict[str, int] = field(default_factory=dict)  # key -> seq
    outbox: list[str] = field(default_factory=list)  # keys in the order they were written

    async def writes_until_cut(self, phone: Phone) -> None:
        """Send the outbox again, then new messages, until the connection breaks."""
        with contextlib.suppress(AssertionError):
            while phone.is_connected:
                if not self.outbox:
                    self.outbox.append(fresh_key())
                await self._sends(phone, self.outbox[0])

    async def sends_the_rest(self, phone: Phone) -> None:
        while self.outbox:
            await self._sends(phone, self.outbox[0])

    async def _sends(self, phone: Phone, key: str) -> None:
        ack = await phone.sends(self.room, f"{self.user} {key}", key=key)
        self.acknowledged[key] = ack["seq"]
        self.outbox.remove(key)


async def test_kill_9_under_load_loses_and_doubles_nothing(server: DaemonProcess, callers: Company) -> None:
    choose = random.Random(11)
    users = [f"writer{number}" for number in range(WRITERS)]
    room, phones = await callers.in_group("reader", *users)
    writers = [Writer(user, room) for user in users]
    shown: dict[int, str] = {}  # what the reader was ever shown: seq -> key
    for _ in range(KILLS):
        writing = [
            asyncio.create_task(writer.writes_until_cut(phone))
            for writer, phone in zip(writers, phones[1:], strict=True)
        ]
        await phones[0].hears(room, "message")
        await asyncio.sleep(choose.uniform(0, 0.2))  # a random moment: no event marks the time of a power cut
        await server.kill9()
        await asyncio.gather(*writing)
        for phone in phones:
            await phone.stops_listening()
        shown |= _shown(phones[0])
        await server.start()
        phones = [(await callers.again(phone))[0] for phone in phones]
    for writer, phone in zip(writers, phones[1:], strict=True):
        await writer.sends_the_rest(phone)
    log = await phones[0].logs(room)
    assert [event["seq"] for event in log] == list(range(1, len(log) + 1))
    stored = {event["seq"]: event["key"] for event in log if event["kind"] == "message"}
    written = {key: seq for writer in writers for key, seq in writer.acknowledged.items()}
    assert {key: seq for seq, key in stored.items()} == written
    assert len(stored) == len(written) > KILLS * WRITERS
    assert shown.items() <= stored.items()


def _shown(phone: Phone) -> dict[int, str]:
    return {
        event["seq"]: event["key"]
        for push in phone.heard
        if push["type"] == "event"
        for event in push["events"]
        if event["kind"] == "message"
    }


async def test_sigterm_drains_and_exits_with_zero(server: DaemonProcess, callers: Company) -> None:
    room, (alice, bob) = await callers.in_direct("alice", "bob")
    sent = (await alice.sends(room, "x"))["seq"]
    ended = asyncio.create_task(server.terminate())
    bye = await alice.expects_bye(4000)
    assert bye["retry_after"] <= 5_000
    await bob.expects_bye(4000)
    assert await ended == 0
    await server.start()
    alice, _ = await callers.again(alice)
    assert (await alice.gets(room))["seq"] == sent


async def test_sigterm_under_load_loses_nothing(server: DaemonProcess, callers: Company) -> None:
    room, (alice, bob) = await callers.in_direct("alice", "bob")
    writer = Writer("alice", room)
    writing = asyncio.create_task(writer.writes_until_cut(alice))
    for _ in range(50):
        await bob.hears(room, "message")
    assert await server.terminate() == 0
    await writing
    await server.start()
    alice, _ = await callers.again(alice)
    await writer.sends_the_rest(alice)
    stored = {event["key"]: event["seq"] for event in await alice.logs(room) if event["kind"] == "message"}
    assert stored == writer.acknowledged


@pytest.mark.environment(LIMITS__PAGE="20", HEARTBEAT__FOREGROUND_S="60")
async def test_the_environment_configures_the_daemon(server: DaemonProcess, callers: Company) -> None:
    alice = await callers.connects("alice")
    hello = await alice.says_hello()
    assert (hello["limits"], hello["heartbeat"]) == ({"page": 20}, 60)


async def test_a_second_daemon_on_the_same_database_refuses_to_start(
    server: DaemonProcess, callers: Company
) -> None:
    alice = await callers.meets("alice")
    elsewhere = ["--set", "listen.address=127.0.0.1:0", "--set", "listen.ops_address=127.0.0.1:0"]
    code, output = await server.runs("serve", *elsewhere)
    assert code != 0
    assert str(server.pid) in output or "running" in output or "in use" in output
    await alice.is_silent()
