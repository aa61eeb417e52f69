"""The loads: a few senders and a large group, pairs, users who come in, users who wait."""

import argparse
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from bench import options as common
from bench import outcome
from bench.engine.record import Script
from bench.engine.roles import Connecting, Direct, Fanout, Group, Idle, Pairs, Sessions
from bench.engine.run_state import Pacing
from bench.engine.workers import Plan
from bench.options import Scenario
from bench.outcome import Played
from bench.rooms import create_blocks, create_direct, create_group
from bench.server import Endpoint, open_endpoint, own_endpoint


async def fanout(
    there: Endpoint,
    script: Script,
    pacing: Pacing,
    *,
    members: int,
    senders: int,
    procs: int = 1,
    **more: object,
) -> Played:
    """`more`: keys of the request that makes the room."""
    room = await create_group(there, script.run, list(map(script.user, range(members))), **more)
    plan = Plan(Fanout, common.access(there, members), script, pacing, Group(room, members, senders))
    result, seen = await outcome.play("fanout", plan, there, procs)
    return result | {"members": members, "senders": senders}, seen


async def direct(
    there: Endpoint, script: Script, pacing: Pacing, *, clients: int, procs: int = 1, **more: object
) -> Played:
    """`more`: keys of an update of each room."""
    pairs = [(script.user(number), script.user(number + 1)) for number in range(0, clients, 2)]
    rooms = Pairs(tuple(await create_direct(there, script.run, pairs, **more)))
    plan = Plan(Direct, common.access(there, clients), script, pacing, rooms)
    result, seen = await outcome.play("direct", plan, there, procs)
    return result | {"clients": clients}, seen


async def connect(
    there: Endpoint, script: Script, pacing: Pacing, *, users: int, rooms: int, procs: int = 1
) -> Played:
    await create_blocks(there, script.run, list(map(script.user, range(users))), rooms)
    plan = Plan(Connecting, common.access(there), script, pacing, Sessions(users, rooms))
    result, seen = await outcome.play("connect", plan, there, procs)
    connects_per_s = round(seen.record.resumes.count / result["seconds"], 1)
    return result | {"users": users, "rooms": rooms, "connects_per_s": connects_per_s}, seen


async def idle(
    there: Endpoint, script: Script, pacing: Pacing, *, sessions: int, rooms: int, procs: int = 1
) -> Played:
    """Fill rooms, let everybody in, wait and look at the memory of the daemon, which is our own."""
    assert there.daemon is not None
    empty_bytes = there.daemon.rss_bytes()
    await create_blocks(there, script.run, list(map(script.user, range(sessions))), rooms)
    filled_bytes = there.daemon.rss_bytes()
    plan = Plan(Idle, common.access(there, sessions), script, pacing, Sessions(sessions, rooms))
    result, seen = await outcome.play("idle", plan, there, procs)
    session_bytes = round((result["server"]["rss_bytes"] - empty_bytes) / sessions)
    memory = {"empty_bytes": empty_bytes, "filled_bytes": filled_bytes, "session_bytes": session_bytes}
    return result | {"sessions": sessions, "rooms": rooms, **memory}, seen


@dataclass(frozen=True)
class Load:
    """A load, its sizes and its rate unless others are asked for."""

    summary: str
    play: Callable[..., Awaitable[Played]]
    sizes: dict[str, int]
    rate: float

    async def run(self, options: argparse.Namespace) -> int:
        script, pacing = common.script(options.seed), common.pacing(options)
        sizes = {name: getattr(options, name) for name in self.sizes}
        async with open_endpoint(options) as there:
            result, _ = await self.play(there, script, pacing, **sizes, procs=options.procs)
        return outcome.finish(result, options)


async def _idle(options: argparse.Namespace) -> int:
    """Weigh sessions that wait. Raises Unreachable when the memory cannot be seen."""
    sizes = {"sessions": options.sessions, "rooms": options.rooms, "procs": options.procs}
    async with own_endpoint(options.encoding) as there:
        result, _ = await idle(there, common.script(1), Pacing(options.settle, 0.0), **sizes)
    return outcome.finish(result, options)


LOADS = {
    "fanout": Load(
        "a few senders and one group, all of whose members have it on the screen",
        fanout,
        {"members": 1000, "senders": 1},
        20.0,
    ),
    "direct": Load(
        "pairs of people who write to each other, every message durable before it is acknowledged",
        direct,
        {"clients": 200},
        1000.0,
    ),
    "connect": Load(
        "how many devices a second come in: handshake, hello with its token, first sync of their rooms",
        connect,
        {"users": 1000, "rooms": 20},
        500.0,
    ),
}
SCENARIOS = {
    name: Scenario(
        load.summary, load.run, f"{' '.join(load.sizes)} {common.LOAD}", {**load.sizes, "rate": load.rate}
    )
    for name, load in LOADS.items()
} | {
    "idle": Scenario(
        "what a session costs in memory that only waits, with its rooms loaded",
        _idle,
        f"sessions rooms settle procs encoding {common.OUTPUT}",
        {"sessions": 15_000, "rooms": 10, "settle": 10.0},
    )
}
