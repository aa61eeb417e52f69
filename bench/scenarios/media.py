"""`media`: files beside nginx and a loop in C, messages beside phones that send files, pictures, live notes, cuts."""

import argparse
import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import chain
from typing import Any

from bench import machine, wire
from bench import options as common
from bench.baselines import picture
from bench.client import files as app
from bench.client import ogg
from bench.client.files import Files
from bench.options import Scenario
from bench.peers.files import COMPILER, NGINX, servers
from bench.rooms import create_group
from bench.scenarios.beside import DEFAULTS, OPTIONS, SWITCHED, by_turns, p99, play, slice_of, told
from bench.server import Daemon, Endpoint, daemon_dir
from bench.targets.target import Extent, Figure, Measured, median, number_of, ratio, together

MIB = 1 << 20
SIZES = {"large": 10 * MIB, "small": 20_000}
AT_ONCE = {"large": 16, "small": 64, "patch": 16}
EACH = 2  # uploads of a connection
PHONES, PHONE_BYTES_PER_S = 100, 500_000
DIRECT_PER_S = 200.0
PICTURES_PER_S = 5
LISTENERS, PAGE_S = 100, 0.1
CUT, THROUGH_CUTS = 0.05, 4  # files at once
BOUND = 0.8  # of a core: the generator is the limit
SETTINGS = {"ENABLED": "true", "CONNECTIONS": "4000", "USER_BYTES": "0", "ROOM_BYTES": "0"}


def _beside(row: str, what: str, other: str, must: float, absent: bool) -> tuple[Figure, ...]:
    return (
        Figure(row, f"{what}, / {other}", "x", must, more=True, absent=absent),
        Figure(f"{row}_core", "the same, by processor time", "x", absent=absent),
        Figure(f"{row}_rate", what, "/s"),
        Figure(f"{row}_cpu_ms", "core each", "ms"),
    )


NO_PICTURES = not picture.PRESENT
ROWS: dict[str, tuple[Figure, ...]] = {
    "large": _beside("large", "GET 10 MiB x 16", "nginx", 0.7, NGINX is None),
    "small": _beside("small", "GET 20 KB x 64", "nginx", 0.25, NGINX is None),
    "patch": (
        *_beside("patch", "PATCH 10 MiB x 16", "recv, pwrite, SHA-256, sync", 0.7, COMPILER is None),
        Figure("patch_recv", "the same, / recv and pwrite alone", "x", absent=COMPILER is None),
    ),
    "phones": (
        Figure("phones_direct", "direct p99, beyond 1.25 x idle", "ms", 1, scale="core"),
        Figure("phones_direct_ms", "direct p99", "ms"),
        Figure("phones_fanout", "fanout p99, beyond 1.25 x idle", "ms", 1, scale="core"),
        Figure("phones_fanout_ms", "fanout p99", "ms"),
        Figure("phones_rate", "100 up and 100 down", "MB/s"),
        Figure("phones_cpu_ms", "core each MB", "ms"),
    ),
    "pictures": (
        Figure("pictures_ms", "2 Mpx sent to ready p99, 5/s", "ms", 400, scale="core", absent=NO_PICTURES),
        Figure("pictures_cpu_ms", "core each", "ms", absent=NO_PICTURES),
    ),
    "live": (
        Figure("live_ms", "page sent to heard p99, 100 listeners", "ms", 50, scale="core"),
        Figure("live_cpu_ms", "core each page", "ms"),
    ),
    "cut": (
        Figure("cut_faults", "other bytes than were sent", "", 0),
        Figure("cut_cuts", "connections that broke"),
        Figure("cut_rate", "up and down, 4 at once", "MB/s"),
        Figure("cut_cpu_ms", "core each MB", "ms"),
    ),
}
FIGURES = tuple(chain(*ROWS.values()))
ABSENT = {
    "large": (NGINX is None, "GET stands alone: apt-get install nginx"),
    "patch": (COMPILER is None, "PATCH stands alone: apt-get install gcc libssl-dev"),
    "pictures": (NO_PICTURES, "no pictures: pip install 'chatd[media]'"),
}


async def run(options: argparse.Namespace) -> int:
    rows = options.only or list(ROWS)
    figures = [figure for row in rows for figure in ROWS[row]]
    return await told("media", figures, partial(measure, rows=rows, cut=options.cut), options)


async def measure(extent: Extent, rows: Sequence[str] = tuple(ROWS), cut: float = CUT) -> Measured:
    """Return the figures of these rows, each in rounds that have both sides. Raises Unreachable, Refused."""
    async with sides(extent, cut) as on:
        parts = [median([await on.round(row, number) for number in range(extent.rounds)]) for row in rows]
    notes = tuple(note for row, (absent, note) in ABSENT.items() if absent and row in rows)
    return together([*parts, Measured({}, [], notes)])


@asynccontextmanager
async def sides(extent: Extent, cut: float = CUT) -> AsyncIterator["Sides"]:
    """Start a daemon with files in it, and whom it is measured beside; each has the first core in its turn."""
    (port,) = machine.free_ports(1)
    settings = {f"CHATD_MEDIA__{name}": said for name, said in SETTINGS.items()}
    contents = {name: random.Random(extent.seed).randbytes(size) for name, size in SIZES.items()}
    settings |= {
        "CHATD_MEDIA__ADDRESS": f"127.0.0.1:{port}",
        "CHATD_LISTEN__TRUSTED_PROXIES": '["127.0.0.1"]',
    }
    with daemon_dir(settings) as home:
        async with home.endpoint() as there, servers(contents) as beside:
            on = Sides(extent, cut, there, there.own, beside, contents, port)
            await on.fill()
            yield on
            for files in on.opened:
                files.close()


@dataclass
class Sides:
    """The daemon with its files, and the servers of files beside it. `paths`: those of the files in a message."""

    extent: Extent
    cut: float
    there: Endpoint
    daemon: Daemon
    beside: Mapping[str, Daemon]
    contents: Mapping[str, bytes]
    port: int
    paths: dict[str, str] = field(default_factory=dict)
    opened: list[Files] = field(default_factory=list)

    async def fill(self) -> None:
        """Upload the files and send them to a room."""
        files, phone = self.files("owner"), await self.there.enter("owner", "phone")
        room = await create_group(self.there, "media", ["owner"])
        for name, content in self.contents.items():
            sent = {
                "url": f"media:{(file := await app.upload_on(files, content))}",
                "mime": "application/octet-stream",
            }
            body = {"attachments": [sent]}
            reply = await phone.request({"type": "send", "room": room, "key": f"{name:->22}", "body": body})
            self.paths[name] = f"{room}/{reply['seq']}/{file}"
        await phone.close()

    def files(self, user: str = "", port: int = 0) -> Files:
        """Return the files of a user, a new one unless named; the connection is closed at the end."""
        user = user or f"user-{len(self.opened)}"
        self.opened.append(Files(port or self.port, wire.token(user, self.there.secret)))
        return self.opened[-1]

    def processes(self) -> list[Daemon]:
        """Return the process that has the files, and its inspectors."""
        return [one for child in self.daemon.children() for one in (child, *child.children())]

    def files_cpu_s(self) -> float:
        return sum(one.cpu_s() for one in self.processes())

    def cpu_s(self) -> float:
        """Return the processor seconds of these and of the daemon."""
        return self.daemon.cpu_s() + self.files_cpu_s()

    async def round(self, row: str, number: int) -> Measured:
        """Measure a row once."""
        rows: dict[str, Callable[[int], Awaitable[Measured]]] = {
            "large": partial(self.fetched, "large"),
            "small": partial(self.fetched, "small"),
            "patch": self.patched,
            "phones": self.beside_phones,
            "pictures": self.pictures,
            "live": self.live,
            "cut": self.through_cuts,
        }
        if row in ("phones", "pictures", "live"):
            # As where nobody binds them: the process that has the files goes where the daemon is not.
            for one in self.processes():
                machine.unpin(one.pid)
        return await rows[row](number)

    async def fetched(self, name: str, number: int) -> Measured:
        """Fetch a file again and again, checked and from nginx, which checks nothing."""
        path, token, seconds = self.paths[name], self.files("owner").token, self.extent.duration_s / 5
        held = bytearray()
        await self.files("owner").fetch(path, held)
        asked = {"": app.head(f"GET /v1/media/{path}", token), "nginx": app.head(f"GET /{name}", token)}

        def flows(side: str) -> list[Iterator[app.Request]]:
            return [app.again(asked[side], seconds) for _ in range(AT_ONCE[name])]

        figures, results = await self.paired(name, flows, ("", "nginx"), number)
        return Measured(figures, [*results, _result(held == self.contents[name])])

    async def patched(self, number: int) -> Measured:
        """Upload files, and have them kept by a loop in C, and by one that only writes them."""
        content, size, uploads = self.contents["large"], SIZES["large"], list[tuple[Files, str]]()
        for _ in range(AT_ONCE["patch"]):
            files = self.files()
            uploads += [(files, await files.begin(size)) for _ in range(EACH)]

        def flows(side: str) -> list[Iterator[app.Request]]:
            asked = [
                (app.head(f"PATCH /v1/files/{file}", files.token, size, Upload_Offset=0), memoryview(content))
                for files, file in uploads
            ]
            return [iter(asked[at : at + EACH]) for at in range(0, len(asked), EACH)]

        figures, results = await self.paired("patch", flows, ("", "kept", "recv"), number)
        held, (files, file) = bytearray(), uploads[0]
        await files.fetch(f"own/{file}", held)
        for files, file in uploads:
            await files.said(f"DELETE /v1/files/{file}")
        return Measured(figures, [*results, _result(held == content)])

    async def paired(
        self,
        row: str,
        flows: Callable[[str], list[Iterator[app.Request]]],
        wanted: Sequence[str],
        number: int,
    ) -> tuple[dict[str, float | None], list[dict[str, Any]]]:
        """Drive the daemon and those beside it, one right after the other."""
        rates, cpus, results = dict[str, float](), dict[str, float](), list[dict[str, Any]]()
        there = [side for side in wanted if not side or side in self.beside]

        async def drive(side: str) -> None:
            port = int(self.beside[side].url.split(":")[2].strip("/")) if side else self.port
            cpu_s = self.beside[side].cpu_s if side else self.cpu_s
            used_s = cpu_s()
            driven = await asyncio.to_thread(app.drive, port, flows(side))
            rates[side], cpus[side] = driven.answers / driven.seconds, (cpu_s() - used_s) / driven.answers
            results.append(_result(True, f"peer {side}" if side else "media", driven.cpu_s / driven.seconds))

        await by_turns(there, number, drive)
        other = rates.get(wanted[1])
        figures = {row: ratio(rates[""], other), f"{row}_core": ratio(cpus.get(wanted[1]), cpus[""])}
        figures |= {f"{row}_rate": rates[""], f"{row}_cpu_ms": cpus[""] * 1000}
        figures |= {f"{row}_{side}": ratio(rates[""], rates.get(side)) for side in wanted[2:]}
        return figures, results

    async def beside_phones(self, number: int) -> Measured:
        """Compare messages beside phones that upload and download with messages alone."""
        figures, results, megabytes = dict[str, float | None](), list[dict[str, Any]](), list[float]()
        seconds = cpu_s = 0.0
        for load in ("direct", "fanout"):

            async def latency(is_beside: bool, load: str = load) -> float | None:
                nonlocal seconds, cpu_s
                used_s = self.files_cpu_s()
                async with app.phoning(self.plan(PHONES if is_beside else 0)) as told:
                    results.append(await self.messages(load))
                (phones,) = told
                cpu_s += self.files_cpu_s() - used_s
                seconds += phones.seconds if is_beside else 0
                megabytes.append(phones.size / 1e6)
                results.append(_result(not phones.faults) | {"examples": phones.faults[:20]})
                return number_of(results[-2], "delivery_ms", "p99")

            p99 = await by_turns(SWITCHED, number, latency)
            idle, beside = p99[False], p99[True]
            beyond = None if idle is None or beside is None else beside - 1.25 * idle
            figures |= {f"phones_{load}": beyond, f"phones_{load}_ms": beside}
        figures["phones_rate"] = sum(megabytes) / seconds
        figures["phones_cpu_ms"] = ratio(cpu_s * 1000, sum(megabytes))
        return Measured(figures, results)

    def plan(self, count: int) -> app.Phones:
        """Return so many phones that upload, and as many that download."""
        tokens, reader = [self.files().token for _ in range(count)], self.files("owner").token
        return app.Phones(
            self.port, tokens, reader, self.paths["large"], self.contents["large"], PHONE_BYTES_PER_S
        )

    async def messages(self, load: str) -> dict[str, Any]:
        """Play a load for a moment."""
        rate = DIRECT_PER_S if load == "direct" else self.extent.rate
        at = slice_of(self.extent, load).paced(rate=rate, arrival="uniform")
        return (await play(load, self.there, self.extent, at))[0]

    async def pictures(self, number: int) -> Measured:
        """Upload pictures of a phone at a fixed rate."""
        if NO_PICTURES:
            return Measured(dict.fromkeys(figure.key for figure in ROWS["pictures"]), [])
        count = max(1, round(self.extent.duration_s * PICTURES_PER_S))
        contents = [picture.jpeg(seed) for seed in range(min(count, 5))]
        used_s, began, spent = self.cpu_s(), time.perf_counter(), list[float]()

        async def upload(place: int) -> None:
            await asyncio.sleep(began + place / PICTURES_PER_S - time.perf_counter())
            files, content = self.files(), contents[place % len(contents)]
            file, sent = await files.begin(len(content), "picture"), time.perf_counter()
            answer = await files.append(file, content)
            if answer.headers.get("chatd-file") == "ready":
                spent.append((time.perf_counter() - sent) * 1000)

        await asyncio.gather(*map(upload, range(count)))
        figures = {"pictures_ms": p99(spent), "pictures_cpu_ms": (self.cpu_s() - used_s) * 1000 / count}
        return Measured(figures, [_result(len(spent) == count)])

    async def live(self, number: int) -> Measured:
        """Speak a note page by page, which all other members of a room hear."""
        users = [f"live-{number}-{member}" for member in range(LISTENERS + 1)]
        room = await create_group(self.there, f"live-{number}", users)
        pages = ogg.note(max(2, round(self.extent.duration_s / PAGE_S)), PAGE_S)
        speaker, sent = self.files(users[0]), list[float]()
        file = await speaker.begin(None, "voice", live=room)
        at = sum(map(len, pages[:2]))
        await speaker.append(file, pages[0] + pages[1])
        waits = list[float]()

        async def listen(user: str) -> bytes:
            files, heard, place = self.files(user), bytearray(), 0
            end = at
            async for piece in files.listen(f"live/{room}/{file}"):
                heard += piece
                while place < len(sent) and len(heard) >= end + len(pages[place + 2]):
                    end += len(pages[place + 2])
                    waits.append((time.perf_counter() - sent[place]) * 1000)
                    place += 1
            return bytes(heard)

        listening = [asyncio.create_task(listen(user)) for user in users[1:]]
        await asyncio.sleep(PAGE_S)
        used_s = self.cpu_s()
        for place, page in enumerate(pages[2:]):
            sent.append(time.perf_counter())
            told = {"Upload_Length": at + len(page)} if place + 3 == len(pages) else {}
            await speaker.append(file, page, at, **told)
            at += len(page)
            await asyncio.sleep(max(0.0, sent[-1] + PAGE_S - time.perf_counter()))
        cpu_ms = (self.cpu_s() - used_s) * 1000 / len(sent)
        is_whole = await asyncio.gather(*listening) == [b"".join(pages)] * LISTENERS
        return Measured({"live_ms": p99(waits), "live_cpu_ms": cpu_ms}, [_result(is_whole)])

    async def through_cuts(self, number: int) -> Measured:
        """Upload and download through a network that breaks, and compare what came with what was sent."""
        size, used_s, began = SIZES["large"], self.cpu_s(), time.perf_counter()
        async with app.bad_network(self.port, self.cut, self.extent.seed + number) as network:

            async def carry(place: int) -> bool:
                files, content = self.files(port=network.port), random.Random(place).randbytes(size)
                file = await app.upload_on(files, content)
                came = await app.fetch_on(files, f"own/{file}", size)
                return app.digest(came) == app.digest(content)

            equal = await asyncio.gather(*map(carry, range(THROUGH_CUTS)))
        megabytes, faults = 2 * size * THROUGH_CUTS / 1e6, equal.count(False)
        figures = {"cut_faults": float(faults), "cut_cuts": float(network.cuts)}
        figures["cut_rate"] = megabytes / (time.perf_counter() - began)
        figures["cut_cpu_ms"] = (self.cpu_s() - used_s) * 1000 / megabytes
        return Measured(figures, [_result(not faults)])


def _result(is_right: bool, scenario: str = "media", generator: float = 0.0) -> dict[str, Any]:
    return {"scenario": scenario, "altered": int(not is_right), "generator_bound": generator > BOUND}


def share(word: str) -> float:
    """Return a probability, said as 0.05 or 5%. Raises ArgumentTypeError."""
    found = float(common.zero_or_more(word.removesuffix("%"))) / (100 if word.endswith("%") else 1)
    if found >= 1:
        raise argparse.ArgumentTypeError("a network on which every connection breaks at once carries nothing")
    return found


SCENARIO = Scenario(
    "what files cost: beside nginx and a loop in C, beside messages, on a network that breaks",
    run,
    OPTIONS,
    DEFAULTS | {"rounds": 3},
    common.only(ROWS)
    | {
        "--cut": {
            "type": share,
            "default": CUT,
            "metavar": "P",
            "help": "break a connection with it, each 64 KiB (5%%)",
        }
    },
)
