"""`siege`: what one attacker costs everybody else: acknowledgements of honest pairs, with and without it."""

import argparse
import asyncio
import contextlib
import itertools
import secrets
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench import options as common
from bench import outcome, printout, wire
from bench.checks import Tally
from bench.client.device import Refused
from bench.client.phone import Phone
from bench.database import Shape, make
from bench.engine.workers import Load
from bench.histogram import Histogram
from bench.options import Scenario
from bench.server import READY, Daemon, Endpoint, daemon_dir, http
from bench.siege.attacker import (
    ATTACKS,
    Attack,
    AttackContext,
    AttackCounts,
    AttackPlan,
    attacking,
    certificate,
    unverified,
)
from bench.wire import ENCODINGS, Packet

PAIRS = 5
RATE = 20.0  # messages a second of all pairs: each below `rates.writes_per_s`
SETTLE_S = 30.0  # for what is on its way at the end; an acknowledgement that takes longer never came
FIRST_S = 1.0  # an attacker who is out by then is out in time


class Interval:
    """Everything honest people met between two moments; `later` leaves the first FIRST_S out."""

    def __init__(self) -> None:
        self.began = time.perf_counter()
        self.acks = Histogram()
        self.later = Histogram()
        self.hellos = Histogram()
        self.hellos_refused = 0

    def acked(self, due: float) -> None:
        took_ns = int((time.perf_counter() - due) * 1e9)
        self.acks.record(took_ns)
        if due - self.began >= FIRST_S:
            self.later.record(took_ns)


class Pairs:
    """One of each pair writes to the other, in turn, by a schedule that waits for nobody.

    Whatever is acknowledged has to reach the other, once.
    """

    def __init__(self, tally: Tally) -> None:
        self._tally = tally
        self._writers: list[tuple[Phone, str]] = []
        self._numbers = itertools.count()
        self._unanswered: set[str] = set()
        self._acked: set[str] = set()
        self._received: set[str] = set()

    def add(self, writer: Phone, reader: Phone, room: str) -> None:
        self._writers.append((writer, room))
        reader.on_push = self._pushed

    async def write(self, interval: Interval, seconds: float) -> None:
        began = time.perf_counter()
        for number in range(int(seconds * RATE)):
            due = began + number / RATE
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            self._send(interval, due)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(SETTLE_S):
                while self._unanswered:
                    await asyncio.sleep(0.01)

    def check(self) -> None:
        for key in self._unanswered:
            self._tally.add("unacked", f"{key} was never acknowledged")
        for key in self._acked - self._received:
            self._tally.add("lost", f"{key} was acknowledged and never delivered")

    def _send(self, interval: Interval, due: float) -> None:
        number = next(self._numbers)
        (writer, room), key = self._writers[number % len(self._writers)], f"honest-{number:015d}"
        packet = {"type": "send", "room": room, "key": key, "body": {"text": f"Message {key}"}}
        self._unanswered.add(key)

        def answered(reply: Packet) -> None:
            if reply["type"] != "ok":
                self._tally.add("unacked", f"{key} was refused: {reply.get('code')}")
            else:
                self._acked.add(key)
            self._unanswered.discard(key)
            interval.acked(due)

        writer.ask(packet, answered)

    def _pushed(self, packet: Packet) -> None:
        for event in packet.get("events", ()) if packet["type"] == "event" else ():
            # The event that a room begins with has no key.
            key = event.get("key")
            if key is None:
                continue
            if key in self._received:
                self._tally.add("duplicated", f"{key} was delivered twice")
            self._received.add(key)


async def repeat_hellos(endpoint: Endpoint, interval: Interval) -> None:
    while True:
        began = time.perf_counter()
        try:
            phone = await endpoint.enter(f"siege-{secrets.token_hex(4)}", "siege-newcomer")
        except (OSError, TimeoutError, Refused):
            interval.hellos_refused += 1
        else:
            interval.hellos.record(int((time.perf_counter() - began) * 1e9))
            phone.cut()
        await asyncio.sleep(max(0.0, HELLO_INTERVAL_S - (time.perf_counter() - began)))


P99_MAX = 3.0  # times as long as without the attack; or the attacker is out within a second
QUIET_S = 5.0
HELLO_INTERVAL_S = 1.5  # below `rates.hello_address_per_min`
SETTINGS = {"CHATD_LOG__LEVEL": "warning", "CHATD_LIMITS__CONNECTIONS": "5000"}
HONEST, ATTACKER = "siege-alice-", "hist-0"  # the attacker is in the direct room of the made-up database


@dataclass
class AttackResult:
    attack: Attack
    quiet: Interval
    interval: Interval
    counts: AttackCounts = field(default_factory=AttackCounts)

    def __post_init__(self) -> None:
        """Judge: held when others hardly noticed, or only for a second, and everybody could come in."""
        quiet_ns = self.quiet.acks.percentile(99) or 1
        self.ratio, self.ratio_later = (
            round(side.percentile(99) / quiet_ns, 2) for side in (self.interval.acks, self.interval.later)
        )
        self.held = min(self.ratio, self.ratio_later) <= P99_MAX and not self.interval.hellos_refused

    def counted(self) -> dict[str, Any]:
        return {
            "about": self.attack.about,
            **{name: getattr(self, name) for name in ("held", "ratio", "ratio_later")},
            "quiet_ms": self.quiet.acks.milliseconds(),
            "ack_ms": self.interval.acks.milliseconds(),
            "hello_ms": self.interval.hellos.milliseconds(),
            "hellos_refused": self.interval.hellos_refused,
            "attacker": dict(vars(self.counts)),
        }


async def run(options: argparse.Namespace) -> int:
    chosen = [attack for attack in ATTACKS if not options.only or attack.name in options.only]
    tally = Tally()
    async with running_siege(options.messages) as siege:
        measured = Load(siege.daemon)
        with measured.during():
            results = await siege.run(chosen, options.duration, tally)
    acks = Histogram.sum(result.interval.acks for result in results)
    result: dict[str, Any] = {
        "scenario": "siege",
        "duration_s": options.duration,
        "messages": acks.count,
        "ack_ms": acks.milliseconds(),
        **tally.counts(),
        "examples": tally.examples,
        "attacks": {result.attack.name: result.counted() for result in results},
        **measured.counted(),
        "schedule_lag_ms": Histogram().milliseconds(),
        "config": {"daemon": outcome.of_daemon(siege.daemon)},
    }
    if missed := [result.attack.name for result in results if not result.held]:
        result["unmeasured"] = f"the others noticed: {', '.join(missed)}"
    return outcome.finish(result, options)


class Siege:
    """A daemon with the limits of a fresh installation, over TLS, and honest people on it."""

    def __init__(self, daemon: Daemon, long: str) -> None:
        self.daemon = daemon
        self._long = long
        self._endpoint = Endpoint(daemon.url, daemon.secret, ENCODINGS["msgpack"], daemon, unverified())

    async def run(self, attacks: Sequence[Attack], seconds: float, tally: Tally) -> list[AttackResult]:
        pairs, context, results = Pairs(tally), await self._make_context(), list[AttackResult]()
        for number in range(PAIRS):
            names = f"{HONEST}{number}", f"siege-bob-{number}"
            writer, reader = [await self._endpoint.enter(name, "siege-honest") for name in names]
            reply = await writer.request({"type": "room.direct", "user": names[1]})
            pairs.add(writer, reader, str(reply["summary"]["room"]))
        await pairs.write(Interval(), 1.0)  # what is slow the first time only
        for attack in attacks:
            with printout.shown(lambda name=attack.name: f"siege    {name}"):  # type: ignore[misc]
                quiet = await self._measure_interval(pairs, QUIET_S)
                plan = AttackPlan(attack.name, context, self.daemon.url, await self._token(attack), seconds)
                async with attacking(plan) as counts:
                    interval = await self._measure_interval(pairs, seconds)
            results.append(AttackResult(attack, quiet, interval, counts))
        pairs.check()
        return results

    async def _measure_interval(self, pairs: Pairs, seconds: float) -> Interval:
        interval = Interval()
        hellos = asyncio.create_task(repeat_hellos(self._endpoint, interval))
        try:
            await pairs.write(interval, seconds)
        finally:
            hellos.cancel()
            await asyncio.gather(hellos, return_exceptions=True)
        return interval

    async def _make_context(self) -> AttackContext:
        """The rooms that attacks are about; the attacker's own, and a public one of somebody else."""
        guests = [f"siege-guest-{number}" for number in range(60)]
        rooms = []
        for user, more in ((ATTACKER, {}), ("siege-host", {"public": True, "users": guests})):
            phone = await self._endpoint.enter(user, "siege-maker")
            made = {
                "type": "room.create",
                "key": secrets.token_urlsafe(16),
                "kind": "group",
                "title": "x",
                **more,
            }
            rooms.append(str((await phone.request(made))["summary"]["room"]))
            phone.cut()
        return AttackContext(rooms[0], self._long, rooms[1], f"{HONEST}0")

    async def _token(self, attack: Attack) -> str:
        if attack.kind != "revoked":
            return wire.token(ATTACKER, self.daemon.secret)
        token = wire.token("siege-victim", self.daemon.secret)
        directory = Path(self.daemon.environment["CHATD_STORAGE__DIRECTORY"])
        streams = await asyncio.open_unix_connection(str(directory / "chatd.sock"))
        answer = await http(*streams, "POST /v1/users/siege-victim/revoke")
        if READY not in answer:
            raise ValueError(f"the revocation was answered with {answer[:80]!r}")
        return token


@asynccontextmanager
async def running_siege(messages: int) -> AsyncIterator[Siege]:
    """A daemon on a database with two long rooms. Raises Unreachable."""
    shape = Shape(messages, 2, 22, int(time.time() * 1000))
    with daemon_dir(usual={}) as here:
        pem = here.directory / "server.pem"
        pem.touch(mode=0o600)
        pem.write_bytes(certificate())
        here.settings = {**SETTINGS, "CHATD_LISTEN__TLS_CERT": str(pem), "CHATD_LISTEN__TLS_KEY": str(pem)}
        await make(here, shape)
        async with here.daemon() as daemon:
            yield Siege(daemon, next(room.name for room in shape.all_rooms if room.kind == "direct"))


SCENARIO = Scenario(
    "what one attacker costs everybody else: acknowledgements of honest pairs, with and without it",
    run,
    f"messages duration {common.OUTPUT}",
    {"messages": 300_000, "duration": 10.0},
    common.only([attack.name for attack in ATTACKS]),
)
