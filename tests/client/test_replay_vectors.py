"""The replay vectors of protocol.md, played against the client over a real socket, on a clock that stands still."""

import asyncio

import pytest

from chatd.client.core.messages import message_from
from tests.kit import document
from tests.kit.waiting import until

HELLO = {
    "version": 1,
    "user": "u42",
    "session": "s9fK2",
    "time": 1763900000123,
    "epoch": "k7Qd",
    "features": [],
}
PASSING = {"pong", "read", "delivered"}  # what a client says by the way is not part of a vector
OWN_AFFAIR = {"id", "composed_at"}  # keys that are the client's own choice


class Player:
    """Plays the steps of one vector: the server's end of the line, the app, and the clock."""

    def __init__(self, server, client, env):
        self.server, self.client, self.env = server, client, env
        self.account = client._engine.account
        self.peer = None
        self.asked = []
        self.ids = {}
        self.tasks = []

    async def play(self, steps):
        for step in steps:
            ((kind, what),) = step.items()
            await STEPS[kind](self, what)
            if kind != "C>":
                await self.listen()
        assert self.asked == []
        for task in self.tasks:
            task.cancel()

    async def listen(self):
        """Gather what the client asks on account of the last step; twice, for what it asks of its own accord."""
        for _ in range(2):
            await self.peer.push({"type": "ping"})
            while (packet := await self.peer.next())["type"] != "pong":
                self.asked += [packet] if packet["type"] not in PASSING else []

    async def hello(self, reply):
        assert self.asked == []
        if self.peer is not None:
            self.peer.cut()
            await until(lambda: self.client._engine.lifecycle.connection is None)
            self.env.advance(60)
        else:
            await self.client.start()
        self.peer = await self.server.accept()
        hello = await self.peer.expect("hello")
        await self.peer.ok(hello, **{**HELLO, "heartbeat": 30, "token_ttl": 3600, **reply})

    async def server_says(self, packet):
        packet = {**packet, "id": self.ids.pop(packet["id"])} if "id" in packet else packet
        await self.peer.push(packet)

    async def client_asks(self, expected):
        assert self.asked, f"the client did not ask {expected}"
        packet = self.asked.pop(0)
        self.ids[expected["id"]] = packet["id"]
        assert without(packet) == without(expected)

    async def wait(self, ms):
        assert self.asked == []
        self.env.advance(ms / 1000)

    async def app(self, deed):
        ((verb, what),) = deed.items()
        if verb == "open":
            self.client.focus([what])
        elif verb == "page":
            self.spawn(self.client.room(what["room"]).history(before=what["before"], limit=what["limit"]))
        else:
            self.spawn(self.client._engine.deliver(what))

    def spawn(self, deed):
        self.tasks.append(asyncio.create_task(deed))

    async def replica(self, expected):
        replica = self.account.replicas[expected["room"]]
        timeline = replica.timeline
        held = {
            "room": replica.room,
            "applied": timeline.applied,
            "head": timeline.head,
            "cached": [list(part) for part in timeline.cached],
            "messages": [timeline.messages[seq] for seq in sorted(timeline.messages)],
            "read": replica.read,
            "unread": replica.unread,
            "unread_mentions": replica.unread_mentions,
        }
        if "messages" in expected:
            messages = [message_from(replica.room, event) for event in expected["messages"]]
            expected = {**expected, "messages": messages}
        assert {name: held[name] for name in expected} == expected

    async def account_rows(self, expected):
        assert self.client.account_rows(expected["section"]) == expected["rows"]

    async def rooms(self, expected):
        assert sorted(self.account.replicas) == sorted(expected)


STEPS = {
    "hello": Player.hello,
    "S>": Player.server_says,
    "C>": Player.client_asks,
    "wait": Player.wait,
    "app": Player.app,
    "replica": Player.replica,
    "rooms": Player.rooms,
    "account": Player.account_rows,
}


def without(packet):
    return {name: value for name, value in packet.items() if name not in OWN_AFFAIR}


@pytest.mark.parametrize("vector", [pytest.param(vector, id=vector.name) for vector in document.replays()])
async def test_a_replay_vector_ends_in_the_replica_it_states(vector, server, client_of, env):
    await Player(server, client_of(server), env).play(vector.steps)
