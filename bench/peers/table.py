"""Every server the daemon can be put beside: what it is, what it does not do, and how it is measured."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from bench import options, outcome
from bench.engine.crew import measure
from bench.engine.part import Plan
from bench.engine.script import Script
from bench.engine.stage import Pacing, Report
from bench.peers.nats import NatsFanout, Subject
from bench.peers.programs import found, own_peer

Played = tuple[dict[str, Any], Report]


@dataclass(frozen=True)
class Group:
    """A fan-out: how many receive, how many write."""

    members: int
    senders: int


@dataclass(frozen=True)
class Peer:
    """One server. `install` is how to get it on Debian."""

    title: str
    program: str
    install: str
    does_not: str
    play: Callable[[Script, Pacing, Group], Awaitable[Played]]

    @property
    def present(self) -> bool:
        """Whether it is installed."""
        return found(self.program) is not None


async def _nats(script: Script, pacing: Pacing, group: Group) -> Played:
    async with own_peer("nats-server", lambda directory, port: ("-a", "127.0.0.1", "-p", str(port))) as there:
        plan = Plan(NatsFanout, options.access(there), script, pacing, Subject(group.members, group.senders))
        seen, measured = await measure(plan, 1, there)
        return outcome.of("peer nats-server", seen, measured, there, pacing), seen


PEERS: dict[str, Peer] = {
    "nats-server": Peer(
        "nats-server, its own protocol",
        "nats-server",
        "apt-get install nats-server",
        "store, acknowledge, number or replay messages, order those of several senders, know members",
        _nats,
    ),
}
