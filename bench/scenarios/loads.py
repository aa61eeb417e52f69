"""The loads: few senders and a large group, pairs, users who come in, users who wait; their difference is a table."""

import argparse
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from bench import options as common
from bench import outcome, printout
from bench.endpoint import Endpoint, open_endpoint, own_endpoint
from bench.engine.conversation import Direct, Fanout, Group, Pairs
from bench.engine.role import Plan
from bench.engine.run_state import Pacing
from bench.engine.script import Script
from bench.engine.sessions import Connecting, Idle, Sessions
from bench.options import Scenario
from bench.outcome import Played
from bench.rooms import create_blocks, create_direct, create_group


async def fanout(
    there: Endpoint, script: Script, pacing: Pacing, *, members: int, senders: int, procs: int = 1
) -> Played:
    room = await create_group(there, script.run, "fan-out", list(map(script.user, range(members))))
    plan = Plan(Fanout, common.access(there, members), script, pacing, Group(room, members, senders))
    result, seen = await outcome.play("fanout", plan, there, procs)
    return result | {"members": members, "senders": senders}, seen


async def direct(there: Endpoint, script: Script, pacing: Pacing, *, clients: int, procs: int = 1) -> Played:
    pairs = [(script.user(number), script.user(number + 1)) for number in range(0, clients, 2)]
    rooms = Pairs(tuple(await create_direct(there, script.run, pairs)))
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
    """A load, its sizes and its rate unless others are asked for. `plan` is made of its result."""

    summary: str
    play: Callable[..., Awaitable[Played]]
    sizes: dict[str, int]
    rate: float
    plan: str
    words: dict[str, str] = field(default_factory=dict)

    async def run(self, options: argparse.Namespace) -> int:
        script, pacing = common.script(options.seed), common.pacing(options)
        sizes = {name: getattr(options, name) for name in self.sizes}
        async with open_endpoint(options) as there:
            result, seen = await self.play(there, script, pacing, **sizes, procs=options.procs)
        lines = outcome.text(result, self.plan.format(**result), seen, **self.words)
        return outcome.finish(result, lines, options, clean=seen.tally.clean)


async def _idle(options: argparse.Namespace) -> int:
    """Weigh sessions that wait. Raises Unreachable when the memory cannot be seen."""
    sizes = {"sessions": options.sessions, "rooms": options.rooms, "procs": options.procs}
    async with own_endpoint(options.encoding) as there:
        result, seen = await idle(there, common.script(1), Pacing(options.settle, 0.0), **sizes)
    server, size = result["server"], printout.size
    lines = [
        f"bench idle · {result['sessions']:,} sessions with {result['rooms']} rooms each · {result['encoding']}",
        "",
        f"  memory      {result['session_bytes'] / 1024:.1f} KiB a session · rooms of 100 members included",
        f"  rss         {size(result['empty_bytes'])} empty · {size(result['filled_bytes'])} with"
        f" the rooms filled · {size(server['rss_bytes'])} with everybody in",
        f"  connections {server['connections']:,} · measured {result['duration_s']:g} s after the last came in",
        *printout.correctness(seen.tally),
    ]
    return outcome.finish(result, lines, options, clean=seen.tally.clean)


LOADS = {
    "fanout": Load(
        "a few senders and one group, all of whose members have it on the screen",
        fanout,
        {"members": 1000, "senders": 1},
        20.0,
        "{members:,} members on screen · {senders} senders",
    ),
    "direct": Load(
        "pairs of people who write to each other, every message durable before it is acknowledged",
        direct,
        {"clients": 200},
        1000.0,
        "{clients:,} clients in pairs",
    ),
    "connect": Load(
        "how many devices a second come in: handshake, hello with its token, first sync of their rooms",
        connect,
        {"users": 1000, "rooms": 20},
        500.0,
        "{users:,} users with {rooms} rooms each, one after the other",
        {"answered": "let in", "resumed": "due to synchronised"},
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
