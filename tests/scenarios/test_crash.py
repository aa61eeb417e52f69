"""protocol.md "What the server guarantees": an acknowledged event survives kill -9, once, in its place."""

import asyncio
import random
import sys
from pathlib import Path

import pytest

from tests.kit.author import Author
from tests.kit.client import TestClient, fresh_key
from tests.kit.clients import Clients
from tests.kit.daemon import DaemonProcess, daemon_process
from tests.kit.packet_client import Event
from tests.kit.soak import scaled, seed_base

pytestmark = pytest.mark.asyncio(loop_factories=["asyncio"])

PARTS = 3  # side by side where there are cores
KILLS = scaled(4, 667)  # of each part: 12 in the suite, 2,000 in a soak
AUTHORS = 3
LOAD_MAX_S = 0.2  # some hundred commits, and now and then a checkpoint


async def test_s06_an_acknowledged_event_survives_kill_9(server: DaemonProcess, callers: Clients) -> None:
    room, (alice, bob) = await callers.in_direct("alice", "bob")
    acks = [await alice.send(room, f"message {number}") for number in range(20)]
    await server.kill9()
    await server.start()
    alice, hello = await callers.reconnect(alice)
    log = await alice.read_log(room)
    assert [event["seq"] for event in log] == list(range(1, 22))
    assert [event["time"] for event in log[1:]] == [ack["time"] for ack in acks]
    assert (await alice.send(room, "after"))["seq"] == 22
    assert hello["sync"]["rooms"][0]["ordinal"] == 20
    assert bob.link.close_code in (None, 1006)


async def test_s03_a_key_is_remembered_over_kill_9(server: DaemonProcess, callers: Clients) -> None:
    room, (alice, _) = await callers.in_direct("alice", "bob")
    key = fresh_key()
    first = await alice.send(room, "once", key=key)
    await server.kill9()
    await server.start()
    alice, _ = await callers.reconnect(alice)
    again = await alice.send(room, "once", key=key)
    assert (again["seq"], again["ordinal"], again["time"]) == (first["seq"], first["ordinal"], first["time"])
    assert again["duplicate"] is True


async def test_a_cursor_is_good_after_kill_9(server: DaemonProcess, callers: Clients) -> None:
    room, (alice, bob) = await callers.in_direct("alice", "bob")
    _, before = await callers.reconnect(bob)
    sent = (await alice.send(room, "x"))["seq"]
    await server.kill9()
    await server.start()
    position = {"epoch": before["epoch"], "cursor": before["sync"]["cursor"]}
    _, after = await callers.reconnect(bob, **position, events=10)
    assert after["epoch"] == before["epoch"]
    assert [event["seq"] for event in after["sync"]["rooms"][0]["events"]] == [sent]
    assert "full" not in after["sync"]


class Kills:
    """A daemon that is killed again and again while people write, and what they find when it is back."""

    def __init__(self, server: DaemonProcess, callers: Clients, seed: int) -> None:
        self.server = server
        self.callers = callers
        self.chance = random.Random(seed)
        self.authors: list[Author] = []
        self.log: dict[int, Event] = {}  # everything that was ever read back, by number
        self.shown: dict[int, str] = {}  # all events the reader received: seq -> key

    async def begins(self) -> list[TestClient]:
        """A group of a reader and authors, all connected, the reader first."""
        users = [f"author{number}" for number in range(AUTHORS)]
        self.room, peers = await self.callers.in_group("reader", *users)
        self.authors = [Author(user, self.room, self.chance) for user in users]
        return peers

    async def once(self, peers: list[TestClient]) -> list[TestClient]:
        """Let authors write, kill the daemon and start it again; return their next clients."""
        writing = [
            asyncio.create_task(author.write_until_cut(client))
            for author, client in zip(self.authors, peers[1:], strict=True)
        ]
        await peers[0].next_event(self.room, "message")
        await asyncio.sleep(self.chance.uniform(0, LOAD_MAX_S))  # no event marks the time of a power cut
        await self.server.kill9()
        await asyncio.gather(*writing)
        for client in peers:
            await client.stop_listening()
        self.shown |= shown(peers[0])
        self.callers.peers.clear()
        await self.server.start()
        return [(await self.callers.reconnect(client))[0] for client in peers]

    async def looks(self, reader: TestClient, peers: list[TestClient], start: int = 1) -> None:
        """Read back from `start` on: one dense log, each key once, nothing missing that anybody knew of."""
        log = await reader.read_log(self.room, start)
        assert [event["seq"] for event in log] == list(range(start, start + len(log)))
        self.log |= {event["seq"]: event for event in log}
        keys = [event["key"] for event in self.log.values() if event["kind"] == "message"]
        assert len(keys) == len(set(keys))
        for author, client in zip(self.authors, peers, strict=True):
            read = (await client.get_room(self.room)).get("read", 0)
            assert read >= author.read, f"reading up to {author.read} was acknowledged"
            for key, seq in author.acknowledged.items():
                assert self.log.get(seq, {}).get("key") == key, f"{seq} was acknowledged"
        for seq, key in self.shown.items():
            assert self.log.get(seq, {}).get("key") == key, f"{seq} was acknowledged"

    async def wait_exit(self, reader: TestClient, peers: list[TestClient]) -> None:
        """Unacknowledged sends are repeated; then the whole log holds the acknowledged messages and nothing else."""
        for author, client in zip(self.authors, peers, strict=True):
            await author.send_the_rest(client)
        await self.looks(reader, peers)
        for author in self.authors:
            author.check_log(self.log)
        stored = sum(event["kind"] == "message" for event in self.log.values())
        assert stored == sum(len(author.acknowledged) for author in self.authors)


@pytest.mark.timeout(scaled(1200, 7200))
@pytest.mark.parametrize("part", range(PARTS))
async def test_kill_9_under_load_loses_and_doubles_nothing(
    server: DaemonProcess, callers: Clients, part: int
) -> None:
    seed = seed_base() + part
    print(f"SEED={seed} of part 0 repeats this")  # shown when it fails
    kills = Kills(server, callers, seed)
    reader, *peers = await kills.begins()
    for _ in range(KILLS):
        before = max(kills.log, default=0)
        reader, *peers = await kills.once([reader, *peers])
        await kills.looks(reader, peers, before + 1)
    await kills.wait_exit(reader, peers)
    assert len(kills.log) > KILLS * AUTHORS


async def test_a_request_on_a_broken_link_fails_without_a_wait(clients: Clients) -> None:
    """An author notices the end of the daemon between two requests as well as within one."""
    alice = await clients.connect("alice")
    alice.cut()
    await alice.stop_listening()
    with pytest.raises(AssertionError, match="the link closed with 1006"):
        await alice.request({"type": "ping"})


# The daemon as `chatd serve` runs it, but messages are acknowledged a moment before they are stored.
EARLY = """
import asyncio
from chatd.cli.main import main
from chatd.storage.sqlite.writer import Writer
stored = Writer.commit
async def commit(self, batch):
    if batch.created:
        return await stored(self, batch)
    self.stamp = batch.stamp
    storing = lambda: asyncio.ensure_future(self._connection.run(self._commit, batch))
    asyncio.get_running_loop().call_later(0.5, storing)
Writer.commit = commit
main(["serve"])
"""


async def test_a_daemon_that_acknowledges_before_it_stores_is_found_out(tmp_path: Path) -> None:
    async with daemon_process(tmp_path, (sys.executable, "-c", EARLY)) as server:
        callers = Clients(server.url)
        kills = Kills(server, callers, seed=1)
        clients = await kills.begins()
        for author in kills.authors:
            author.changes_mind = False  # an edit of what is not stored would be found too soon
        clients = await kills.once(clients)
        with pytest.raises(AssertionError, match="was acknowledged"):
            await kills.looks(clients[0], clients[1:])
        await callers.leave()


def shown(client: TestClient) -> dict[int, str]:
    return {
        event["seq"]: event["key"]
        for push in client.heard
        if push["type"] == "event"
        for event in push["events"]
        if event["kind"] == "message"
    }


async def test_sigterm_drains_and_exits_with_zero(server: DaemonProcess, callers: Clients) -> None:
    room, (alice, bob) = await callers.in_direct("alice", "bob")
    sent = (await alice.send(room, "x"))["seq"]
    ended = asyncio.create_task(server.terminate())
    bye = await alice.expect_bye(4000)
    assert bye["retry_after"] <= 5_000
    await bob.expect_bye(4000)
    assert await ended == 0
    await server.start()
    alice, _ = await callers.reconnect(alice)
    assert (await alice.get_room(room))["seq"] == sent


async def test_sigterm_under_load_loses_nothing(server: DaemonProcess, callers: Clients) -> None:
    room, (alice, bob) = await callers.in_direct("alice", "bob")
    writer = Author("alice", room, random.Random(1))
    writing = asyncio.create_task(writer.write_until_cut(alice))
    for _ in range(50):
        await bob.next_event(room, "message")
    assert await server.terminate() == 0
    await writing
    await server.start()
    alice, _ = await callers.reconnect(alice)
    await writer.send_the_rest(alice)
    log = {event["seq"]: event for event in await alice.read_log(room)}
    writer.check_log(log)
    assert sum(event["kind"] == "message" for event in log.values()) == len(writer.acknowledged)


@pytest.mark.environment(LIMITS__PAGE="20", HEARTBEAT__FOREGROUND_S="60")
async def test_the_environment_configures_the_daemon(server: DaemonProcess, callers: Clients) -> None:
    alice = await callers.open("alice")
    hello = await alice.say_hello()
    assert (hello["limits"], hello["heartbeat"]) == ({"page": 20}, 60)


async def test_a_second_daemon_on_the_same_database_refuses_to_start(
    server: DaemonProcess, callers: Clients
) -> None:
    alice = await callers.connect("alice")
    elsewhere = ["--set", "listen.address=127.0.0.1:0", "--set", "listen.ops_address=127.0.0.1:0"]
    code, output = await server.run("serve", *elsewhere)
    assert code != 0
    assert str(server.pid) in output or "running" in output or "in use" in output
    await alice.expect_silence()
