"""`conversations`: what channels, search, rules of rooms and what users keep for themselves cost, each beside a daemon
or an account without; messages beside a post that many hear of; and the file after half of it was purged.
"""

import argparse
import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, closing, suppress
from dataclasses import dataclass
from functools import partial
from itertools import chain, count
from statistics import median as median_of
from typing import Any

from bench import options as common
from bench.database import Shape, make
from bench.engine import workers
from bench.engine.roles import Idle, Sessions
from bench.engine.run_state import Pacing
from bench.engine.workers import Plan
from bench.options import Scenario, script
from bench.rooms import create_groups
from bench.scenarios.beside import DEFAULTS, OPTIONS, SWITCHED, by_turns, play, slice_of, told, used
from bench.scenarios.channel import OWNER, followed, post
from bench.scenarios.channel import SETTINGS as CHANNELS
from bench.server import DaemonDir, Endpoint, daemon_dir, own_endpoint
from bench.targets.target import Extent, Figure, Measured, median, number_of, ratio, together
from bench.wire import Packet

YEAR_S = 365 * 86_400
SIDES: dict[str, dict[str, str]] = {
    "off": {},
    "channels": CHANNELS,
    "search": {"CHATD_SEARCH__ENABLED": "true"},
    "rules": {},
}
RULES: dict[str, dict[str, Any]] = {
    "direct": {"policy": {"retain_s": YEAR_S}},
    "fanout": {"policy": {"retain_s": YEAR_S, "mention_all": "admin", "no_forward": True}},
}
ROOMS, DRAFTS, FOLDERS, HELLOS = 20, 10, 19, 100
LISTENERS, POSTS, POST_S = 15_000, 5, 2.0  # as many as a process may have open
PURGED, POLL_S, LATE_S = 100_000, 1.0, 900.0

ROWS: dict[str, tuple[Figure, ...]] = {
    "messages": tuple(
        figure
        for load in RULES
        for side, must in (("off", None), ("channels", 0.98), ("search", 0.98), ("rules", 0.97))
        for figure in (
            Figure(f"{load}_{side}", f"{load}, {side} / off, by core", "x", must, more=True),
            Figure(f"{load}_{side}_rate", "the same, by rate", "x"),
        )
    ),
    "hello": (
        Figure("hello", "hello, drafts and folders / none, by core", "x", 1.05),
        Figure("hello_first", "the same, without a cursor", "x"),
    ),
    "posts": (
        Figure("others", "p99 beside posts / without", "x", 1.1),
        Figure("others_ms", "p99 beside posts", "ms"),
        Figure("slice_ms", "core of a post for 1,000 that hear of it", "ms", 10.0),
        Figure("listeners", "connections that hear of a post"),
    ),
    "purge": (
        Figure("purged", "file after half was purged / before", "x", 0.65),
        Figure("purged_s", "until it was that small", "s"),
    ),
}
FIGURES = tuple(chain(*ROWS.values()))


async def run(options: argparse.Namespace) -> int:
    rows = options.only or list(ROWS)
    figures = [figure for row in rows for figure in ROWS[row]]
    return await told("conversations", figures, partial(measure, rows=rows), options)


async def measure(extent: Extent, rows: Sequence[str] = tuple(ROWS)) -> Measured:
    """Return the figures of these rows. Raises Unreachable, Refused."""
    measures = {"messages": messages, "hello": hellos, "posts": beside_posts, "purge": purged}
    return together([await measures[row](extent) for row in rows])


async def messages(extent: Extent) -> Measured:
    async with sides() as on:
        return median([await on.round(extent, number) for number in range(extent.rounds)])


@asynccontextmanager
async def sides() -> AsyncIterator["Sides"]:
    """Start a daemon for each side."""
    async with AsyncExitStack() as stack:
        homes = {side: stack.enter_context(daemon_dir(settings)) for side, settings in SIDES.items()}
        yield Sides({side: await stack.enter_async_context(home.endpoint()) for side, home in homes.items()})


@dataclass
class Sides:
    """The daemons by side."""

    there: dict[str, Endpoint]

    async def round(self, extent: Extent, number: int) -> Measured:
        """Compare each side with the one that has nothing on, right before it or right after."""
        figures, results = dict[str, float | None](), list[dict[str, Any]]()
        for load in RULES:
            for side in SIDES:
                found = await by_turns(SWITCHED, number, partial(self.slice, extent, load, side))
                core, rate = (
                    [number_of(found[on], key) for on in SWITCHED] for key in ("core", "acks_per_s")
                )
                figures[f"{load}_{side}"] = ratio(core[False], core[True])
                figures[f"{load}_{side}_rate"] = ratio(rate[True], rate[False])
                results += found.values()
        return Measured(figures, results)

    async def slice(self, extent: Extent, load: str, side: str, is_on: bool) -> dict[str, Any]:
        """Play a load for a moment. `core`: processor seconds of a message, of the daemon alone."""
        side = side if is_on else "off"
        more: dict[str, Any] = RULES[load] if side == "rules" else {}
        result, seen = await play(load, self.there[side], extent, slice_of(extent, load), **more)
        return result | {"core": ratio(result["server"]["cpu_s"], sum(one.acked for one in seen.said))}


async def hellos(extent: Extent) -> Measured:
    """Compare the hello of an account with drafts, folders and marks with that of one without, in the same rooms."""
    async with own_endpoint() as there:
        await keep(there)
        rounds = [await hello_costs(there, number) for number in range(extent.rounds)]
    return median(rounds)


async def keep(there: Endpoint) -> None:
    """Let one of two members of some rooms keep something for themself in each."""
    rooms = await create_groups(there, "hellos", [("kept", ["plain"])] * ROOMS)
    phone = await there.enter("kept")
    folders = [{"id": number + 2, "name": f"Folder {number}"} for number in range(FOLDERS)]
    await phone.request({"type": "preferences", "folders": folders})
    for number, room in enumerate(rooms):
        marks = {"unread_mark": True, "folder": 2 + number % FOLDERS}
        await phone.request({"type": "preferences", "room": room, **marks})
        if number < DRAFTS:
            draft = {"key": f"draft-{number:016d}", "body": {"text": "We leave at a quarter to eight"}}
            await phone.request({"type": "draft", "room": room, **draft})


async def hello_costs(there: Endpoint, number: int) -> Measured:

    async def costs(user: str) -> dict[str, float]:
        enter = partial(there.enter, user, "phone", features=["account", "drafts"])
        first = await there.hello(await there.dial(), user, features=["account", "drafts"])
        since = {"epoch": first["epoch"], "cursor": first["sync"]["cursor"]}
        if (drafts := len(first["sync"].get("sections", {}).get("drafts", ()))) != DRAFTS * (user == "kept"):
            raise ValueError(f"{drafts} drafts came with a hello")

        async def hello(_: int, **more: str) -> None:
            (await enter(**more)).cut()

        return {
            "hello": await used(there.own, HELLOS, partial(hello, **since)),
            "hello_first": await used(there.own, HELLOS, hello),
        }

    found = await by_turns(("plain", "kept"), number, costs)
    kept, plain = found["kept"], found["plain"]
    return Measured({name: ratio(kept[name], plain[name]) for name in kept}, [])


async def beside_posts(extent: Extent) -> Measured:
    """Compare the latency of P4 with and without posts to a channel, of which many connections hear at once."""
    settings = {**CHANNELS, "CHATD_CHANNELS__HEAD_INTERVAL_S": "1"}
    at, many, rounds = extent.pacing().paced(rate=extent.rate, arrival="uniform"), script(extent.seed), []
    with daemon_dir(settings) as here:
        room = await followed(here, map(many.user, range(LISTENERS)))
        async with here.endpoint() as there:
            owner, numbers, heard = await there.enter(OWNER), count(), list[Packet]()
            (await there.enter(many.user(0), "another")).on_push = heard.append
            plan = Plan(Idle, common.access(there, LISTENERS), many, Pacing(1e6, 0.0), Sessions(LISTENERS, 1))
            listening = asyncio.create_task(workers.measure(plan, 1, there))
            while await there.own.metric("chatd_connections") <= LISTENERS + 1:
                await asyncio.wait({listening}, timeout=POLL_S)
                if listening.done():
                    listening.result()

            async def post_once(_: int = 0) -> None:
                await post(owner, room, next(numbers))
                await asyncio.sleep(POST_S)

            async def posting() -> None:
                while True:
                    await post_once()

            async def latency(is_beside: bool) -> dict[str, Any]:
                posts = asyncio.create_task(posting()) if is_beside else None
                result, _ = await play("direct", there, extent, at)
                if posts is not None:
                    posts.cancel()
                return result

            for number in range(extent.rounds):
                found = await by_turns(SWITCHED, number, latency)
                p99 = {side: number_of(result, "delivery_ms", "p99") for side, result in found.items()}
                figures = {"others": ratio(p99[True], p99[False]), "others_ms": p99[True]}
                rounds.append(Measured(figures, [*found.values()]))
            idle_us = await used(there.own, POSTS, lambda _: asyncio.sleep(POST_S))
            # A thousand connections, and as many microseconds to a millisecond.
            slice_ms = (await used(there.own, POSTS, post_once) - idle_us) / LISTENERS
            if not any(packet["type"] == "head" for packet in heard):
                raise ValueError("nobody heard of a post")
            listening.cancel()
            with suppress(asyncio.CancelledError):
                await listening
    told = {"slice_ms": slice_ms, "listeners": float(LISTENERS)}
    return together([median(rounds), Measured(told, [])])


async def purged(_: Extent) -> Measured:
    """Compare the size of a file with that after its older half was purged."""
    now_ms = int(time.time() * 1000)
    shape = Shape(PURGED, max(2, PURGED // 1000), max(60, PURGED // 100), now_ms)
    with daemon_dir() as here:
        await make(here, shape)
        before, middle_ms = here.database.stat().st_size, median_of(times_of(here))
        here.settings = {"CHATD_STORAGE__RETAIN_S": str(int((now_ms - middle_ms) / 1000))}
        began = time.monotonic()
        async with here.daemon():
            while not (is_small := smaller(here, middle_ms)) and time.monotonic() < began + LATE_S:
                await asyncio.sleep(POLL_S)
            seconds = time.monotonic() - began
        after = here.database.stat().st_size
    return Measured({"purged": after / before if is_small else None, "purged_s": seconds}, [])


def times_of(here: DaemonDir) -> list[int]:
    with closing(sqlite3.connect(here.database)) as connection:
        return [
            time_ms for (time_ms,) in connection.execute("SELECT time FROM events WHERE kind = 'message'")
        ]


def smaller(here: DaemonDir, than_ms: float) -> bool:
    """Whether hardly anything older is there, as a purge may be a day late, and no page is free."""
    older = "SELECT (SELECT count(*) FROM events WHERE kind = 'message' AND time < ?), freelist_count"
    with closing(sqlite3.connect(here.database)) as connection:
        left, free = connection.execute(f"{older} FROM pragma_freelist_count", (than_ms,)).fetchone()
    return left < PURGED / 100 and not free


SCENARIO = Scenario(
    "what channels, search, rules and what users keep cost, beside a daemon or an account without",
    run,
    OPTIONS,
    DEFAULTS,
    common.only(ROWS),
)
