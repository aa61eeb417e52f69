"""`push`: what notifications cost a daemon, each of whose users has a phone that is off, beside a daemon without."""

import argparse
import asyncio
import json
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

from bench import machine
from bench.options import Scenario, script
from bench.rooms import create_group
from bench.scenarios.beside import DEFAULTS, OPTIONS, SWITCHED, by_turns, p99, play, slice_of, told
from bench.scenarios.platform import delivered, message, receiving
from bench.server import Daemon, Endpoint, daemon_dir
from bench.targets.target import Extent, Figure, Measured, median, number_of, ratio, together

OFFLINE = 499  # and an author: of more members only those are notified whom a message names
AT_ONCE = 16
PING_S = 0.001

FIGURES = (
    Figure("direct", "P3, push / off", "x", 0.97, more=True),
    Figure("fanout", "P2, push / off", "x", 0.97, more=True),
    Figure("latency", "P4 p50, off / push", "x", 0.97, more=True),
    Figure("share", "core that planning took in P3", "", 0.1),
    Figure("late_s", "planner behind at the end of P3", "s"),
    Figure("plan_ms", "499 phones: until the last is notified", "ms"),
    Figure("slice_ms", "499 phones: ping p99 meanwhile", "ms", 5.0, scale="core"),
)


async def run(options: argparse.Namespace) -> int:
    return await told("push", FIGURES, measure, options)


async def measure(extent: Extent) -> Measured:
    """Return all FIGURES, in slices that take turns. Raises Unreachable."""
    async with sides() as on:
        rounds = [await on.round(extent, number) for number in range(extent.rounds)]
        planned = [await on.plan(f"plan-{number}") for number in range(extent.rounds)]
    return together([median(rounds), median(planned)])


@asynccontextmanager
async def sides() -> AsyncIterator["Sides"]:
    """Start a daemon without push and one with, and the gateway: on the generator's core, as is what sends."""
    async with AsyncExitStack() as stack:
        gateway, secret = await stack.enter_async_context(receiving())
        app = {"platform": "gateway", "key_file": secret, "url": gateway.url.replace("ws:", "http:")}
        switched = {"CHATD_PUSH__ENABLED": "true", "CHATD_PUSH__APPS": json.dumps([app])}
        off, push = (stack.enter_context(daemon_dir(settings)) for settings in ({}, switched))
        found = [await stack.enter_async_context(home.endpoint()) for home in (off, push)]
        yield Sides(gateway, *found)


@dataclass
class Sides:
    """A daemon without push, and one with."""

    gateway: Daemon
    off: Endpoint
    push: Endpoint

    async def round(self, extent: Extent, number: int) -> Measured:
        """Compare both daemons in each load, right after each other."""
        figures, results = dict[str, float | None](), list[dict[str, Any]]()
        for name in ("fanout", "latency", "direct"):
            found = await by_turns(SWITCHED, number, partial(self.slice, name, extent))
            path = ("delivery_ms", "p50") if name == "latency" else ("acks_per_s",)
            without, beside = (number_of(found[is_on], *path) for is_on in (False, True))
            figures[name] = ratio(without, beside) if name == "latency" else ratio(beside, without)
            results += found.values()
        return Measured(figures | {name: found[True][name] for name in ("share", "late_s")}, results)

    async def slice(self, load: str, extent: Extent, is_on: bool) -> dict[str, Any]:
        """Play a load for a moment whose users all have a phone that is off, and was registered where push is on."""
        there = self.push if is_on else self.off
        new, daemon, at = script(extent.seed), there.own, slice_of(extent, load)
        if load == "latency":
            at = extent.pacing().paced(rate=extent.rate, arrival="uniform")
        count = extent.members if load == "fanout" else extent.clients
        await self.register(there, list(map(new.user, range(count))))
        began, used = time.monotonic(), await daemon.metric("chatd_push_cpu_seconds")
        result, _ = await play(load, there, extent, at, new)
        spent = await daemon.metric("chatd_push_cpu_seconds") - used
        late_s = await daemon.metric("chatd_push_late_seconds")
        return result | {"share": spent / (time.monotonic() - began), "late_s": late_s}

    async def register(self, there: Endpoint, users: Sequence[str]) -> None:
        """Let a second device of each user come and go, and put what sends on the generator's core."""
        places = asyncio.Semaphore(AT_ONCE)

        async def one(user: str) -> None:
            async with places:
                phone = await there.enter(user, f"{user}-off")
                if there is self.push:
                    place = {"platform": "gateway", "token": user}
                    await phone.request({"type": "devices.push", **place})
                await phone.close()

        await asyncio.gather(*map(one, users))
        for child in there.own.children():
            with suppress(ProcessLookupError):
                machine.pin(machine.generator_core(0), child.pid)

    async def plan(self, run: str) -> Measured:
        """Write to a group of phones that are off; return how long it takes, and pings take meanwhile."""
        users = [f"{run}-{number}" for number in range(OFFLINE + 1)]
        await self.register(self.push, users[1:])
        room = await create_group(self.push, run, users)
        author, other = [await self.push.enter(users[0], f"{run}-{name}") for name in ("a", "b")]
        pings = list[float]()

        async def ping() -> None:
            while True:
                began = time.perf_counter()
                await other.request({"type": "ping"})
                pings.append((time.perf_counter() - began) * 1000)
                await asyncio.sleep(PING_S)

        # Notifications of being added are over.
        before = await settled(self.gateway)
        pinging, began = asyncio.create_task(ping()), time.perf_counter()
        await author.request(message(room))
        now = (await delivered(self.gateway, "pushed", before + OFFLINE))["pushed"]
        plan_ms = (time.perf_counter() - began) * 1000 if now >= before + OFFLINE else None
        pinging.cancel()
        for phone in (author, other):
            await phone.close()
        return Measured({"plan_ms": plan_ms, "slice_ms": p99(pings)}, [])


async def settled(gateway: Daemon) -> int:
    """Return how many notifications the gateway took, when there were no more for a while."""
    count, until = -1, time.monotonic() + 60.0
    while (now := (await delivered(gateway, "pushed", 0))["pushed"]) != count and time.monotonic() < until:
        count = now
        await asyncio.sleep(1.0)
    return count


SCENARIO = Scenario(
    "what push notifications cost beside a daemon without, where each user has a phone that is off",
    run,
    OPTIONS,
    DEFAULTS,
)
