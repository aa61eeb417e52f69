"""The loads: a few senders and a large group, pairs, users who come in, users who wait; and `ramp`, more and more."""

import argparse
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any

from bench import options as common
from bench import outcome
from bench.checks import Tally
from bench.engine.record import SECOND_NS, Script
from bench.engine.roles import ARRIVALS, Connecting, Direct, Fanout, Group, Idle, Pairs, Sessions
from bench.engine.run_state import Pacing
from bench.engine.workers import Plan
from bench.options import Scenario
from bench.outcome import Played
from bench.rooms import create_blocks, create_direct, create_group
from bench.server import Endpoint, open_endpoint, own_endpoint


async def fanout(
    there: Endpoint, script: Script, pacing: Pacing, *, members: int, senders: int, procs: int = 1
) -> Played:
    room = await create_group(there, script.run, list(map(script.user, range(members))))
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


GROWTH = 1.5  # from one step up to the next: eight steps for a factor of 25
HALVINGS = 3  # between the last good and the first bad rate: the knee is known to a sixteenth
STEPS_MAX = 40
KEEPS_UP = 0.95  # of what was due is acknowledged within the step
BUSY = 0.9  # of its core: the daemon is the limit
UNSEEN = "not the generator: what a daemon at a URL waits for cannot be seen from here"

Step = dict[str, Any]
Try = Callable[[float], Awaitable[Step]]
Play = Callable[[Endpoint, argparse.Namespace, Pacing], Awaitable[Played]]


async def ramp(options: argparse.Namespace) -> int:
    tally, best = Tally(), dict[str, Any]()
    async with open_endpoint(options) as there:

        async def attempt(rate: float) -> Step:
            pacing = replace(common.open_pacing(options), rate=rate)
            result, seen = await PLAYS[options.of](there, options, pacing)
            tally.merge(seen.tally)
            step = judged(result, pacing, options.limit)
            if step["held"] and rate >= (best.get("rate") or 0.0):
                best.update(result)
            return step

        steps = await search(attempt, options.rate)
    result = {
        **best,  # of the highest rate that held
        "scenario": "ramp",
        "of": options.of,
        "people": options.people,
        "limit_ms": options.limit,
        "steps": sorted(steps, key=lambda step: step["rate"]),
        "knee": knee(steps),
        **tally.counts(),
        "seed": options.seed,
        "examples": tally.examples,
    }
    found = "knee        {rate:,.0f} messages/s ({reason}); first limit: {first_limit}".format(
        **result["knee"]
    )
    return outcome.finish(result, options, [f"  {found}"])


async def search(attempt: Try, rate: float) -> list[Step]:
    """Steps up until a step fails, then halves the gap; down instead when the first one fails."""
    steps = [await attempt(rate)]
    held = steps[0]["held"]
    while steps[-1]["held"] == held and len(steps) < STEPS_MAX:
        rate = rate * GROWTH if held else rate / GROWTH
        steps.append(await attempt(rate))
    good, bad = (steps[-2], steps[-1]) if held else (steps[-1], steps[-2])
    for _ in range(HALVINGS):
        middle = await attempt((good["rate"] + bad["rate"]) / 2)
        steps.append(middle)
        good, bad = (middle, bad) if middle["held"] else (good, middle)
    return steps


def due(pacing: Pacing) -> int:
    """How many messages the schedule has within the measured time: by chance more or fewer than the rate says."""
    times = ARRIVALS[pacing.arrival](pacing.rate, pacing.whole_s, pacing.seed)
    return sum(at_ns >= pacing.warmup_s * SECOND_NS for at_ns in times)


def judged(result: dict[str, Any], pacing: Pacing, limit_ms: float) -> Step:
    delivery = result["delivery_ms"]
    failures = {
        "nothing was delivered": not delivery["count"],
        f"delivery p99 crosses {limit_ms:g} ms": delivery["p99"] > limit_ms,
        "acknowledgements fall behind": result["acks_per_s"] < KEEPS_UP * due(pacing) / pacing.duration_s,
    }
    reason = next((failure for failure, happened in failures.items() if happened), "")
    return {
        "rate": round(pacing.rate, 1),
        "acks_per_s": result["acks_per_s"],
        **{f"{name}_ms": delivery[name] for name in ("p50", "p99")},
        "server_cpu": result["server"]["cpu_share"] if result["server"] else None,
        "generator_cpu": result["generator"]["cpu_share"],
        "generator_bound": result["generator_bound"],
        "held": not reason,
        "reason": reason,
    }


def knee(steps: list[Step]) -> dict[str, Any]:
    """The highest rate that held, why the next one did not, and what was used up first."""
    failed = min((step for step in steps if not step["held"]), key=lambda step: step["rate"], default=None)
    if failed is None:
        rate = max(step["rate"] for step in steps)
        return {"rate": rate, "reason": "nothing failed", "first_limit": ""}
    good = [step["rate"] for step in steps if step["held"] and step["rate"] < failed["rate"]]
    limit = UNSEEN if failed["server_cpu"] is None else "waiting, for the disk or for a lock"
    limit = "the generator" if failed["generator_bound"] else limit
    limit = "the daemon's core" if (failed["server_cpu"] or 0.0) > BUSY else limit
    return {"rate": max(good, default=0.0), "reason": failed["reason"], "first_limit": limit}


def _stepped(load: Callable[..., Awaitable[Played]], people: str, **sizes: int) -> Play:
    def play(there: Endpoint, options: argparse.Namespace, pacing: Pacing) -> Awaitable[Played]:
        of = {people: options.people, **sizes}
        return load(there, common.script(options.seed), pacing, **of, procs=options.procs)

    return play


PLAYS = {"direct": _stepped(direct, "clients"), "fanout": _stepped(fanout, "members", senders=8)}
RAMP = Scenario(
    "more and more messages a second until it is too many: where the knee is, and what sets it",
    ramp,
    f"people limit {common.OPEN} {common.LENGTH} seed procs {common.ENDPOINT} {common.OUTPUT}",
    {"people": 200, "limit": 250.0, "rate": 500.0, "duration": 5.0, "warmup": 1.0},
    {"--of": {"choices": PLAYS, "default": "direct", "help": "what is stepped up (direct)"}},
)
