"""Every server the daemon can be put beside: what it is, what it does not do, and how it is measured."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench import options, outcome
from bench.engine.crew import measure
from bench.engine.part import Plan
from bench.engine.script import Script
from bench.engine.stage import Pacing, Report
from bench.peers import ejabberd, prosody, xmpp
from bench.peers.nats import NatsFanout
from bench.peers.programs import Program, node_modules, own_peer
from bench.peers.relay import Crowd, Relay
from bench.peers.socketio import SocketIoFanout

Played = tuple[dict[str, Any], Report]

_SOCKET_IO = Path(__file__).with_name("socketio.js")


@dataclass(frozen=True)
class Peer:
    """One server. `install` is how to get it on Debian; without a `fanout` nobody has taught us to speak to it."""

    title: str
    install: str
    does_not: str
    program: Program
    fanout: type[Relay] | None = None

    @property
    def present(self) -> bool:
        """Whether it can be measured here."""
        return self.fanout is not None and self.program.present

    async def play(self, script: Script, pacing: Pacing, crowd: Crowd) -> Played:
        """A fan-out on a server of its own. Raises Unreachable."""
        assert self.fanout is not None
        async with own_peer(self.program) as there:
            plan = Plan(self.fanout, options.access(there, crowd.members), script, pacing, crowd)
            seen, measured = await measure(plan, 1, there)
            return outcome.of(f"peer {self.program.name}", seen, measured, there, pacing), seen


def _node(port: int) -> Mapping[str, str]:
    return {"PORT": str(port), "NODE_PATH": node_modules()}


PEERS: dict[str, Peer] = {
    "nats-server": Peer(
        "nats-server, its own protocol",
        "apt-get install nats-server",
        "store, acknowledge, number or replay messages, order those of several senders, know members",
        Program("nats-server", lambda directory, port: ("-a", "127.0.0.1", "-p", str(port))),
        NatsFanout,
    ),
    "socket.io": Peer(
        "Socket.IO on node, an event to a room",
        "apt-get install nodejs npm, npm install socket.io (in the working directory, or -g)",
        "store, number or replay messages, know members; acknowledge before anybody has it, unless asked",
        Program("node", lambda directory, port: (str(_SOCKET_IO),), module="socket.io", environment=_node),
        SocketIoFanout,
    ),
    "prosody": Peer(
        "Prosody, group chat over WebSocket",
        "apt-get install prosody",
        "store a message before it is shown, acknowledge it otherwise than by its echo, number it; replay is XEP-0313",
        Program("prosody", prosody.arguments, xmpp.PATH),
        xmpp.GroupChat,
    ),
    "ejabberd": Peer(
        "ejabberd, group chat over WebSocket",
        "apt-get install ejabberd",
        "store a message before it is shown, acknowledge it otherwise than by its echo, number it; replay is XEP-0313",
        Program("ejabberdctl", ejabberd.arguments, xmpp.PATH, runtime="erl"),
        xmpp.GroupChat,
    ),
    "centrifugo": Peer(
        "Centrifugo, a channel",
        "a binary of its releases on PATH; it is seen, but nobody has taught the bench to speak to it",
        "store on a disk, know members",
        Program("centrifugo", lambda directory, port: ()),
    ),
}
