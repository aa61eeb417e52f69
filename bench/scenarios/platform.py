"""`platform`: what the event feed, filters and hooks cost, each beside a daemon without; the API beside bare writes."""

import argparse
import asyncio
import json
import secrets
import sqlite3
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, closing
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from statistics import median as median_of
from typing import Any

from bench import machine
from bench.client.device import Refused
from bench.friend_graph import FRIENDSHIPS, PEOPLE, friend_graph
from bench.options import Scenario
from bench.scenarios.beside import DEFAULTS, OPTIONS, SWITCHED, by_turns, play, slice_of, told, took
from bench.server import Daemon, DaemonDir, Endpoint, daemon_dir, http, own_program
from bench.targets.target import Extent, Figure, Measured, median, number_of, ratio, together

WORDS, PATTERNS = 50_000, 200
POSTS_AT_ONCE = 16
UPLOADED, UPLOAD = 50_000, 10_000
DEADLINE_MS, DEAD_CALLS, AFTER_CALLS = 800, 20, 100  # after so many calls a hook counts as down
ERASED, AT_ONCE = 100_000, 50
LATE_S = 60.0  # for what is on its way to the endpoint
BEGUN_MS = 1_546_214_400_000  # of what moves in
SECRET = "whsec_" + 43 * "a" + "="
API = {"CHATD_API__RATE_PER_S": "1000000", "CHATD_API__BURST": "1000000"}
PEOPLE_ON = {"CHATD_PEOPLE__ENABLED": "true", "CHATD_PEOPLE__HOST_OWNS": "friends"}
FRIENDS = PEOPLE
TYPES: list[str] = []  # what the endpoint is sent: all
SCHEMA = """
SELECT type, name, sql FROM sqlite_schema
WHERE tbl_name NOT LIKE 'sqlite%' AND sql IS NOT NULL ORDER BY type DESC
"""
DURABLE = ("PRAGMA journal_mode = WAL", "PRAGMA synchronous = FULL")

FIGURES = (
    Figure("direct_off", "direct, off / off: the noise", "x"),
    Figure("direct_feed", "direct, feed / off", "x", 0.97, more=True),
    Figure("direct_endpoint", "direct, feed and endpoint / off", "x", 0.97, more=True),
    Figure("direct_filters", "direct, filters / off", "x", 0.85, more=True),
    Figure("direct_before", "direct, hook of 1 ms / off", "x", 0.6, more=True),
    Figure("fanout_feed", "fanout, feed / off", "x", 0.97, more=True),
    Figure("fanout_endpoint", "fanout, feed and endpoint / off", "x", 0.97, more=True),
    Figure("posts", "POST of messages, 16 at once / direct", "x", 0.12, more=True),
    Figure("posts_per_s", "POST of messages", "/s"),
    Figure("events_per_s", "to an endpoint of 1 ms", "/s", 5_000, more=True, scale="core"),
    Figure("events_core", "share of a core of 5,000 events/s", "", 0.3, scale="core"),
    Figure("dead_first_ms", "dead hook, first 20, beyond 800 ms", "ms", 20, scale="core"),
    Figure("dead_after_ms", "dead hook, then, beyond no hook", "ms", 1, scale="core"),
    Figure("users", "users by ndjson / executemany", "x"),
    Figure("users_per_s", "users by ndjson", "lines/s", 20_000, more=True, scale="core"),
    Figure("moved", "moving in / executemany", "x", 0.3, more=True),
    Figure("moved_per_s", "moving in", "lines/s"),
    Figure("graph", "a graph of friends / executemany", "x"),
    Figure("graph_per_s", "a graph of friends", "people/s"),
    Figure("erasing", "P4 p99 beside an erasure / without", "x", 1.1),
    Figure("erasing_s", "that the erasure took", "s"),
)


async def run(options: argparse.Namespace) -> int:
    return await told("platform", FIGURES, measure, options)


async def measure(extent: Extent) -> Measured:
    """Return all FIGURES, in slices so short that what else the machine does meets both sides. Raises Unreachable."""
    async with sides(extent) as on:
        rounds = [await on.round(number) for number in range(extent.rounds)]
        parts = [median(rounds), await on.endpoint(), await on.dead()]
    accounts = [{"user": f"u{number:06}", "name": f"User {number}"} for number in range(UPLOADED)]
    parts.append(await uploads("users", "PUT /v1/users", accounts, b'"ok":true'))
    parts.append(await uploads("moved", "POST /v1/import", old_chat(), b'"left_out":{}'))
    parts.append(
        await uploads("graph", "POST /v1/people/import", friends(extent.seed), b'"ok":true', PEOPLE_ON)
    )
    return together([*parts, await erasing(extent)])


@asynccontextmanager
async def receiving() -> AsyncIterator[tuple[Daemon, str]]:
    """Start the receiver, on the generator's core, as it is another machine; and the file with its secret."""
    program = own_program(lambda _, port: ("-m", "bench.baselines.receiver", str(port)), {}, "/")
    with daemon_dir() as here:
        async with program as receiver:
            machine.pin(machine.generator_core(0), receiver.pid)
            secret = here.directory / "secret"
            secret.touch(mode=0o600)
            secret.write_text(SECRET)
            yield receiver, str(secret)


def settings(secret: str, receiver: str) -> dict[str, dict[str, str]]:
    """Return the settings of each side. Hooks are at the receiver."""
    hook = {"secret_file": secret, "url": receiver}
    before = {**hook, "on": ["message"], "deadline_ms": DEADLINE_MS}
    feed = {"CHATD_EVENTS__ENABLED": "true"}
    return {
        "off": API,
        "feed": feed,
        "endpoint": {
            **feed,
            "CHATD_HOOKS__ENDPOINTS": json.dumps([{**hook, "name": "bench", "types": TYPES}]),
        },
        "filters": {"CHATD_MODERATION__ENABLED": "true"},
        "before": {"CHATD_HOOKS__BEFORE": json.dumps([before])},
        "dead": {"CHATD_HOOKS__BEFORE": json.dumps([{**before, "url": f"{receiver}dead"}])},
    }


@asynccontextmanager
async def sides(extent: Extent) -> AsyncIterator["Sides"]:
    """Start a daemon for each side, and the receiver of all."""
    async with AsyncExitStack() as stack:
        receiver, secret = await stack.enter_async_context(receiving())
        found = Sides(extent, receiver)
        for side, switched in settings(secret, receiver.url.replace("ws:", "http:")).items():
            found.homes[side] = stack.enter_context(daemon_dir(switched))
            found.there[side] = await stack.enter_async_context(found.homes[side].endpoint())
        words = [f"zz{number:06}" for number in range(WORDS)]
        patterns = [rf"\b(buy|sell)\s+{word}\b" for word in words[:PATTERNS]]
        await api(found.homes["filters"], "PUT /v1/filters/bench", {"words": words, "patterns": patterns})
        yield found


@dataclass
class Sides:
    """The daemons with and without, by side."""

    extent: Extent
    receiver: Daemon
    homes: dict[str, DaemonDir] = field(default_factory=dict)
    there: dict[str, Endpoint] = field(default_factory=dict)
    acked: int = 0  # by the side with an endpoint

    async def round(self, number: int) -> Measured:
        """Compare each side with the one that has nothing on, right before it or right after."""
        figures, results = dict[str, float | None](), list[dict[str, Any]]()
        for figure in FIGURES:
            load, _, side = figure.key.partition("_")
            if load not in ("direct", "fanout"):
                continue
            found = await by_turns(SWITCHED, number, partial(self.slice, load, side))
            rates = [number_of(found[is_on], "acks_per_s") for is_on in SWITCHED]
            figures[figure.key] = ratio(rates[True], rates[False])
            results += found.values()
        per_s = figures["posts_per_s"] = await self.posts(slice_of(self.extent, "direct").whole_s)
        results.append(await self.slice("direct", "off"))
        figures["posts"] = ratio(per_s, number_of(results[-1], "acks_per_s"))
        return Measured(figures, results)

    async def slice(self, load: str, side: str, is_on: bool = True) -> dict[str, Any]:
        """Play a load for a moment, until the endpoint has all of it."""
        side = side if is_on else "off"
        result, seen = await play(load, self.there[side], self.extent, slice_of(self.extent, load))
        if side == "endpoint":
            self.acked += sum(author.acked for author in seen.said)
            told = await delivered(self.receiver, "different", self.acked)
            result["lost"] += max(0, self.acked - told["different"])
            result["duplicated"] += told["messages"] - told["different"]
        return result

    async def endpoint(self) -> Measured:
        """Send everything to the endpoint once more, as fast as it goes."""
        daemon = self.there["endpoint"].own
        many = (await delivered(self.receiver, "entries", 0))["entries"]
        began, used = time.perf_counter(), daemon.cpu_s()
        await api(self.homes["endpoint"], "POST /v1/hooks/bench/replay", {"after": ""})
        told = await delivered(self.receiver, "entries", 2 * many)
        per_s = many / (time.perf_counter() - began) if told["entries"] >= 2 * many else None
        core = 5_000 * (daemon.cpu_s() - used) / many if many else None
        return Measured({"events_per_s": per_s, "events_core": core}, [])

    async def dead(self) -> Measured:
        """Write to a hook that never answers: the first wait for it, until it counts as down."""
        slow = await waits(self.there["dead"], DEAD_CALLS + AFTER_CALLS)
        usual_ms = median_of(await waits(self.there["off"], AFTER_CALLS))
        first_ms, after_ms = max(slow[:DEAD_CALLS]) - DEADLINE_MS, median_of(slow[DEAD_CALLS:]) - usual_ms
        return Measured({"dead_first_ms": first_ms, "dead_after_ms": after_ms}, [])

    async def posts(self, seconds: float) -> float:
        """Return the messages a second that a host posts with so many requests at once."""
        home, asked = self.homes["off"], {"name": secrets.token_hex(4), "scopes": ["messages"]}
        key = f"Authorization: Bearer {(await api(home, 'POST /v1/keys', asked))['secret']}\r\n"
        pairs = [{"users": [f"host-{number}", f"guest-{number}"]} for number in range(POSTS_AT_ONCE)]
        rooms = [(await api(home, "POST /v1/rooms/direct", pair))["room"] for pair in pairs]
        until = time.monotonic() + seconds

        async def post(room: str, user: str) -> int:
            streams, done = await asyncio.open_connection("127.0.0.1", home.ports[1]), 0
            while time.monotonic() < until:
                said = {"as": user, "key": secrets.token_urlsafe(16), "body": {"text": "We leave at eight."}}
                await request(streams, f"POST /v1/rooms/{room}/messages", said, key)
                done += 1
            streams[1].close()
            return done

        began = time.monotonic()
        counts = await asyncio.gather(*map(post, rooms, (pair["users"][0] for pair in pairs)))
        return sum(counts) / (time.monotonic() - began)


async def delivered(receiver: Daemon, what: str, count: int) -> dict[str, int]:
    """Return what the receiver has seen, once it has seen so much, or LATE_S later."""
    port, until = int(receiver.url.split(":")[2].strip("/")), time.monotonic() + LATE_S
    while True:
        answer = await http(*await asyncio.open_connection("127.0.0.1", port), "GET /")
        told: dict[str, int] = json.loads(answer.partition(b"\r\n\r\n")[2])
        if told[what] >= count or time.monotonic() > until:
            return told
        await asyncio.sleep(0.02)


Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def request(streams: Streams, what: str, body: object, more: str = "") -> dict[str, Any]:
    """Return the answer to a request. Raises Refused. `more`: lines of the head."""
    reader, writer = streams
    content = json.dumps(body).encode() if body is not None else b""
    head = f"{what} HTTP/1.1\r\nHost: x\r\n{more}Content-Length: {len(content)}\r\n\r\n"
    writer.write(head.encode() + content)
    status, *fields = (await reader.readuntil(b"\r\n\r\n")).lower().split(b"\r\n")
    length = next(int(field.split(b":")[1]) for field in fields if field.startswith(b"content-length"))
    answer: dict[str, Any] = json.loads(await reader.readexactly(length))
    if b" 200 " not in status:
        raise Refused(answer)
    return answer


async def api(home: DaemonDir, what: str, body: object = None) -> dict[str, Any]:
    """Return the answer of the admin socket."""
    streams = await asyncio.open_unix_connection(str(home.store / "chatd.sock"))
    try:
        return await request(streams, what, body)
    finally:
        streams[1].close()


async def waits(there: Endpoint, count: int) -> list[float]:
    """Return the milliseconds that so many messages took, one after the other."""
    phone = await there.enter("waits-ann", "phone")
    room = (await phone.request({"type": "room.direct", "user": "waits-bob"}))["summary"]["room"]
    found = await took(count, lambda _: phone.request(message(room)))
    await phone.close()
    return found


def message(room: str) -> dict[str, Any]:
    return {"type": "send", "room": room, "key": secrets.token_urlsafe(16), "body": {"text": "Hello there"}}


async def uploads(
    figure: str,
    route: str,
    lines: list[dict[str, Any]],
    taken: bytes,
    settings: Mapping[str, str] | None = None,
) -> Measured:
    """Upload lines, then write the rows that they made in as many commits; the answer tells `taken`."""
    with daemon_dir(settings) as here:
        async with here.daemon():
            stamp, began = (await api(here, "GET /v1/stats"))["stamp"], time.perf_counter()
            for at in range(0, len(lines), UPLOAD):
                body = b"".join(json.dumps(line).encode() + b"\n" for line in lines[at : at + UPLOAD])
                streams = await asyncio.open_unix_connection(str(here.store / "chatd.sock"))
                answer = await http(*streams, route, body)
                if taken not in answer or b'"code"' in answer:
                    raise ValueError(f"lines were not taken: {answer[:500]!r}")
            took, commits = time.perf_counter() - began, (await api(here, "GET /v1/stats"))["stamp"] - stamp
        bare_s = bare(here.database, here.directory / "bare.sqlite", commits)
    return Measured({figure: bare_s / took, f"{figure}_per_s": len(lines) / took}, [])


def bare(database: Path, copy: Path, commits: int) -> float:
    """Write the rows of all tables into empty ones like theirs, evenly in so many commits; return the seconds."""
    with (
        closing(sqlite3.connect(database)) as source,
        closing(sqlite3.connect(copy, isolation_level=None)) as target,
    ):
        for statement in DURABLE:
            target.execute(statement)
        puts: list[tuple[str, list[tuple[Any, ...]]]] = []
        for kind, table, statement in source.execute(SCHEMA).fetchall():
            target.execute(statement)
            rows = source.execute(f"SELECT * FROM {table}").fetchall() if kind == "table" else []
            if rows:
                puts.append((f"INSERT INTO {table} VALUES ({', '.join('?' * len(rows[0]))})", rows))
        began = time.perf_counter()
        for number in range(commits):
            target.execute("BEGIN IMMEDIATE")
            for put, rows in puts:
                first, end = (len(rows) * place // commits for place in (number, number + 1))
                target.executemany(put, rows[first:end])
            target.execute("COMMIT")
        return time.perf_counter() - began


def friends(seed: int) -> list[dict[str, Any]]:
    """Return a line for each user of a graph, with all their friends."""
    found: dict[str, list[str]] = {}
    for one, other in friend_graph(FRIENDS, FRIENDS * FRIENDSHIPS // PEOPLE, seed):
        found.setdefault(one, []).append(other)
        found.setdefault(other, []).append(one)
    return [{"user": user, "friends": theirs} for user, theirs in sorted(found.items())]


def old_chat() -> list[dict[str, Any]]:
    """Return the lines of a room of two with all their messages."""
    room = {"type": "room", "room": "old", "kind": "group", "time": BEGUN_MS, "members": ["u0", "u1"]}
    said = {"type": "message", "room": "old", "text": "We leave at a quarter to eight, platform 4."}
    one = ({"key": f"m{at}", "user": f"u{at % 2}", "time": BEGUN_MS + at} for at in range(UPLOADED))
    return [room, *({**said, **more} for more in one)]


async def erasing(extent: Extent) -> Measured:
    """Compare the latency of P4 with and without an erasure beside it."""
    at = extent.pacing().paced(rate=extent.rate, arrival="uniform")
    rounds = []
    with daemon_dir() as here:
        async with here.endpoint() as there:
            for number in range(extent.rounds):
                await write(there, person := f"person-{number}")
                without, _ = await play("direct", there, extent, at)
                began = time.monotonic()
                await api(here, f"PUT /v1/erasures/{person}", {})
                done = asyncio.create_task(erased(here, person))
                beside, _ = await play("direct", there, extent, at)
                erasing_s = await done - began
                p99s = [number_of(side, "delivery_ms", "p99") for side in (beside, without)]
                rounds.append(Measured({"erasing": ratio(*p99s), "erasing_s": erasing_s}, [without, beside]))
    return median(rounds)


async def write(there: Endpoint, user: str) -> None:
    """Write the messages that are to be erased."""
    phone = await there.enter(user, "phone")
    room = (await phone.request({"type": "room.direct", "user": "erased-bob"}))["summary"]["room"]
    for _ in range(0, ERASED, AT_ONCE):
        await asyncio.gather(*(phone.request(message(room)) for _ in range(AT_ONCE)))
    await phone.close()


async def erased(here: DaemonDir, user: str) -> float:
    """Return the time when an erasure is done."""
    while (await api(here, f"GET /v1/erasures/{user}"))["state"] != "done":
        await asyncio.sleep(0.2)
    return time.monotonic()


SCENARIO = Scenario(
    "what feed, filters and hooks cost beside a daemon without, the API beside bare writes",
    run,
    OPTIONS,
    DEFAULTS,
)
