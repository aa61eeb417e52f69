"""One scenario against one testee, step by step."""

import asyncio
import tempfile
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .checks import Checks, Violation
from .clock import RealClock, Restless, VirtualClock
from .packets import HELPERS, NAMES, TIME_MS, Packet, ok
from .script import CLOSE, CONNECT, PASSED, TOKEN, Scenario, Step
from .scripted_server import Arrival, Refusal, ScriptedServer
from .served_room import READS, ServedRoom
from .testee import Testee, TesteeError
from .values import More, Name, fill, match, show

PATIENCE_S = 10.0
"""Longest wait for a packet that has no window."""

STATE_S = 2.0
"""On a real clock a state may take so long to come about."""

STATE_STEP_S = 0.02

OPTIONAL = ("applied", "head", "cached", "presence", "receipts", "typing")
"""Parts of a state that a client may leave out."""


class Failed(Exception):
    """A step did not go as the scenario says."""


@dataclass
class Run:
    """The outcome of one scenario: `failure` is empty when it passed."""

    scenario: Scenario
    encoding: str
    failure: str = ""
    step: Step | None = None
    violations: list[Violation] = field(default_factory=list)
    transcript: list[Packet] = field(default_factory=list)
    took_s: float = 0.0

    @property
    def passed(self) -> bool:
        """Whether every step went as it should, and no check found anything."""
        return not self.failure and not self.violations

    @property
    def why(self) -> str:
        """The reason it failed, with the line of the scenario."""
        reasons = []
        if self.failure:
            where = f"{self.step.where}: {self.step.text.splitlines()[0]}\n  " if self.step else ""
            reasons.append(f"{where}{self.failure}")
        reasons += [str(violation) for violation in self.violations]
        return "\n".join(reasons)


class Player:
    """Plays one scenario. `launch` starts the testee anew after a `kill`; `testee` is the one that runs then."""

    def __init__(
        self,
        scenario: Scenario,
        encoding: str,
        testee: Testee,
        launch: Callable[[], Awaitable[Testee]],
        slack_s: float = 0.25,
    ) -> None:
        self.testee: Testee | None = testee
        self.run = Run(scenario, encoding)
        self._launch = launch
        self._clock = VirtualClock() if testee.hello.virtual else RealClock()
        self._slack_s = 0.0 if testee.hello.virtual else slack_s
        self._checks = Checks(virtual=testee.hello.virtual)
        self._server = ScriptedServer(encoding, self._clock.now, self._arrived, self._checks, self._note)
        self._passed = {*PASSED, CONNECT, TOKEN} - scenario.named
        self._bound: dict[str, Any] = dict(NAMES)
        self._inbox: list[Arrival] = []
        self._all: list[Arrival] = []
        self._origin = 0.0
        self._since = 0
        self._added: dict[str, int] = {}
        self._heads: dict[str, tuple[int, int]] = {}
        self._rooms: dict[str, ServedRoom] = {}
        self._tokens = 0
        self._asks: list[int] = []
        self._closing = False
        self._storage: Path | None = None

    async def play(self) -> Run:
        """Play all steps and return the outcome. Raises TesteeError when the testee itself is gone."""
        begun = asyncio.get_running_loop().time()
        async with AsyncExitStack() as stack:
            if any(step.verb in ("kill", "restart") for step in self.run.scenario.steps):
                self._storage = (
                    Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="chatd-kit-"))) / "client"
                )
            await stack.enter_async_context(self._server.running())
            if isinstance(self._clock, VirtualClock):
                self._clock.server, self._clock.testee = self._server, self.testee
            assert self.testee is not None
            self.testee.on_ask = self._asked
            await self._steps()
            await self._end()
        self.run.took_s = asyncio.get_running_loop().time() - begun
        allowed = self.run.scenario.allow
        self.run.violations = [each for each in self._checks.violations if each.rule not in allowed]
        return self.run

    async def _steps(self) -> None:
        for step in self.run.scenario.steps:
            self.run.step = step
            try:
                await STEPS[step.verb](self, step)
                if step.verb not in ("C!", "C?"):
                    self._mark(self._clock.now())
            except (Failed, Restless, TesteeError, ValueError, ConnectionError) as error:
                self.run.failure = str(error)
                return
        try:
            await self._clock.settle()
        except (Restless, TesteeError) as error:
            self.run.failure = str(error)
            return
        self.run.step = None
        if self._inbox:
            left = ", ".join(show(arrival.packet) for arrival in self._inbox)
            self.run.failure = f"the scenario is over, and nobody waited for {left}"
        self._checks.ended(self._clock.now())

    async def _end(self) -> None:
        """Stop the client, so that the next scenario finds nothing of it."""
        self._closing = True
        if self._server.link is not None:
            self._server.link.ending = True
        if self.testee is None:
            self.testee = await self._launch()
        with suppress(TesteeError):
            await self.testee.ask("life", what="stop")
        self.testee.on_ask = lambda number: None

    def _mark(self, at: float) -> None:
        """Windows count from here."""
        self._origin, self._since = at, len(self._all)

    # What comes.

    def _arrived(self, arrival: Arrival) -> None:
        if self._closing:
            return
        self._all.append(arrival)
        packet = arrival.packet
        room = self._rooms.get(packet.get("room", "")) if packet["type"] in READS else None
        if packet.get("type") in self._passed:
            self._answer(packet)
        elif room is not None and packet["type"] not in self.run.scenario.named:
            self._send([ok(packet["id"], **room.answer(packet))])
        elif not (packet["type"] == CLOSE and self._checks_suspended):
            self._inbox.append(arrival)
        self._clock.wake()

    @property
    def _checks_suspended(self) -> bool:
        """Whether the app was told to go: then it may close, and need not be waited for."""
        return self._going and CLOSE not in self.run.scenario.named

    _going = False

    def _answer(self, packet: Packet) -> None:
        """Answer a packet that was passed over, when it is a request."""
        if "id" in packet and packet["type"] in BY_THE_WAY:
            self._send([ok(packet["id"], **BY_THE_WAY[packet["type"]](self, packet))])

    def _send(self, packets: list[Packet]) -> None:
        for packet in packets:
            self._learn(packet)
        self._server.send(packets)

    def _learn(self, packet: Packet) -> None:
        """Note how far the server has told of each room, for the answers that it gives by the way."""
        summaries = [
            *packet.get("rooms", ()),
            *packet.get("sync", {}).get("rooms", ()),
            packet.get("summary", {}),
        ]
        told = [
            (each.get("room"), each.get("seq", 0), each.get("ordinal", 0))
            for each in summaries
            if isinstance(each, dict)
        ]
        for event in packet.get("events", ()) if packet.get("type") == "event" else ():
            told.append((packet.get("room"), event.get("seq", 0), event.get("ordinal", 0)))
        for room, seq, ordinal in told:
            if isinstance(room, str):
                before = self._heads.get(room, (0, 0))
                self._heads[room] = (max(before[0], seq), max(before[1], ordinal))

    def _read_reply(self, packet: Packet) -> Packet:
        ordinal = self._heads.get(packet["room"], (0, 0))[1]
        return {"read": packet["seq"], "unread": 0, "unread_mentions": 0, "ordinal": ordinal}

    def _focus_reply(self, packet: Packet) -> Packet:
        rooms = [room for room in packet["rooms"] if room in self._heads]
        return {"rooms": [{"room": room, "seq": self._heads[room][0]} for room in rooms]}

    def _asked(self, number: int) -> None:
        self._server.activity += 1
        self._asks.append(number)
        if TOKEN not in self.run.scenario.named:
            self._tokens += 1
            self._give(f"token-{self._tokens}")
        self._arrived(Arrival(self._clock.now(), {"type": TOKEN}))

    def _give(self, token: str | None) -> None:
        if token is not None:
            self._bound["token"] = token
        if self._asks and self.testee is not None:
            self._server.activity += 1
            giving = self.testee.give_token(self._asks.pop(0), token)
            self._tasks.add(task := asyncio.ensure_future(giving))
            task.add_done_callback(self._tasks.discard)

    @property
    def _tasks(self) -> set["asyncio.Future[None]"]:
        return self.__dict__.setdefault("tasks", set())

    def _note(self, direction: str, packets: Any = (), frame: bytes | str = b"", **more: Any) -> None:
        raw = frame.encode() if isinstance(frame, str) else frame
        entry: Packet = {"t": round(1000 * self._clock.now(), 1), "dir": direction, **more}
        entry |= {"packets": list(packets)} if packets else {}
        entry |= {"hex": raw.hex()} if raw else {}
        self.run.transcript.append(entry)

    # Steps.

    async def _start(self, step: Step) -> None:
        await self._begin(step, empty=True)

    async def _restart(self, step: Step) -> None:
        await self._begin(step, empty=False)

    async def _begin(self, step: Step, *, empty: bool) -> None:
        if self.testee is None:
            self.testee = await self._launch()
            self.testee.on_ask = self._asked
            if isinstance(self._clock, VirtualClock):
                self._clock.testee = self.testee
        self._going = False
        self._added.clear()
        self._checks.restarted(empty=empty)
        storage = {"storage": str(self._storage)} if self._storage is not None else {}
        fields = {"url": self._server.url, "encoding": self.run.encoding, **storage, **self._fields(step)}
        self._note("app", what=step.verb)
        await self.testee.ask("start", **fields)

    async def _kill(self, _: Step) -> None:
        assert self.testee is not None
        await self._clock.settle()
        self._note("app", what="kill")
        testee, self.testee = self.testee, None
        self._going = True
        if isinstance(self._clock, VirtualClock):
            self._clock.testee = None
        if self._server.link is not None:
            self._server.link.ending = True
        await testee.kill()

    async def _do(self, step: Step) -> None:
        fields = self._fields(step)
        self._note("app", what=step.word, **fields)
        if step.word == "resend":
            self._checks.resent(fields["key"])
        answer = await self._app().ask("do", what=step.word, **fields)
        if step.word == "post":
            self._checks.posted(fields["room"], str(answer.get("key", "")))
        if reason := match(dict(step.result), answer, self._bound, HELPERS):
            raise Failed(f"what the testee gave back: {reason}")

    async def _life(self, step: Step) -> None:
        self._note("app", what=step.word)
        if step.word in ("foreground", "resume", "network_changed"):
            self._going = False
            self._checks.woken()
        elif step.word in ("suspend", "stop"):
            self._going = True
            self._checks.suspended()
        await self._app().ask("life", what=step.word)

    def _app(self) -> Testee:
        if self.testee is None:
            raise Failed("the app was killed, and not started again")
        return self.testee

    async def _server_says(self, step: Step) -> None:
        await self._clock.settle()
        if step.word == "hex":
            self._server.send_bytes(bytes.fromhex(step.value))
            return
        filled = fill(step.value, self._bound, HELPERS)
        packets = filled if isinstance(filled, list) else [filled]
        for packet in packets:
            self._learn(packet)
        self._server.send(packets, deflate=step.word == "deflate")

    async def _client_says(self, step: Step) -> None:
        low, high = step.window or (0.0, PATIENCE_S)
        arrivals = await self._next(
            step, self._origin + high + self._slack_s, whole=isinstance(step.value, list)
        )
        at = arrivals[0].at
        got = [arrival.packet for arrival in arrivals]
        self._fit(step.value, got if isinstance(step.value, list) else got[0])
        if at < self._origin + low - 1e-6:
            raise Failed(f"it came after {1000 * (at - self._origin):.0f} ms, too soon: {show(got[0])}")
        self._mark_arrival(at, arrivals[-1])

    def _mark_arrival(self, at: float, last: Arrival) -> None:
        """Windows behind count from the packet that was taken."""
        self._origin, self._since = at, self._all.index(last) + 1

    def _fit(self, pattern: Any, got: Any) -> None:
        # Every request has a new number: an `id` is bound anew.
        for one in pattern if isinstance(pattern, list) else [pattern]:
            if isinstance(one, dict) and isinstance(one.get("id"), Name):
                self._bound.pop(one["id"].name, None)
        if reason := match(pattern, got, self._bound, HELPERS):
            raise Failed(f"{reason}\n  it was {show(got)}")

    async def _any_order(self, step: Step) -> None:
        deadline = self._origin + PATIENCE_S + self._slack_s
        tried = ""
        while True:
            await self._clock.until(deadline, lambda: bool(self._inbox))
            for arrival in self._inbox:
                try:
                    self._fit(step.value, arrival.packet)
                except Failed as error:
                    tried = str(error)
                else:
                    self._inbox.remove(arrival)
                    return
            if self._clock.now() >= deadline:
                raise Failed(f"nothing came that fits. {tried}")
            count = len(self._inbox)
            await self._clock.until(deadline, lambda count=count: len(self._inbox) > count)  # type: ignore[misc]

    async def _next(self, step: Step, deadline: float, *, whole: bool) -> list[Arrival]:
        """Take the next packet, or all packets of the next frame."""
        await self._clock.until(deadline, lambda: bool(self._inbox))
        if not self._inbox:
            high = (step.window or (0.0, PATIENCE_S))[1]
            raise Failed(f"nothing came within {high:g} s, expected {show(step.value)}")
        first = self._inbox.pop(0)
        if first.at > deadline:
            raise Failed(
                f"it came after {1000 * (first.at - self._origin):.0f} ms, too late: {show(first.packet)}"
            )
        taken = [first]
        while whole and self._inbox and first.frame and self._inbox[0].frame == first.frame:
            taken.append(self._inbox.pop(0))
        return taken

    async def _client_never_says(self, step: Step) -> None:
        assert step.window is not None
        low, high = step.window
        await self._clock.until(self._origin + high, lambda: False)
        for arrival in self._all[self._since :]:
            inside = self._origin + low - 1e-6 <= arrival.at <= self._origin + high + 1e-6
            if inside and not match(step.value, arrival.packet, dict(self._bound), HELPERS):
                raise Failed(
                    f"it came after {1000 * (arrival.at - self._origin):.0f} ms: {show(arrival.packet)}"
                )

    async def _wait(self, step: Step) -> None:
        assert step.window is not None
        await self._clock.until(self._clock.now() + step.window[1], lambda: False)

    async def _cut(self, _: Step) -> None:
        await self._clock.settle()
        self._server.cut()

    async def _close(self, step: Step) -> None:
        await self._clock.settle()
        self._server.close(int(step.value), str(step.fields.get("reason", "")))

    async def _refuse(self, step: Step) -> None:
        fields = self._fields(step)
        self._server.refusal = Refusal(int(step.value), fields.get("retry_after"), fields.get("times", 1))

    async def _health(self, step: Step) -> None:
        self._server.health = step.word

    async def _token(self, step: Step) -> None:
        await self._clock.until(self._clock.now() + PATIENCE_S, lambda: bool(self._asks))
        if not self._asks:
            raise Failed("the client did not ask for a token")
        self._give(None if show(step.value) == "absent" else fill(step.value, self._bound, HELPERS))

    async def _pass(self, step: Step) -> None:
        self._passed |= set(step.value)

    async def _serve(self, step: Step) -> None:
        room, events = fill(step.value, self._bound, HELPERS)
        served = ServedRoom(room, events, self._bound["me"], self._fields(step))
        self._rooms[room] = served

    async def _state(self, step: Step) -> None:
        await self._clock.settle()
        room = None if step.value is None else fill(step.value, self._bound, HELPERS)
        deadline = self._clock.now() + (0 if self._clock.virtual else STATE_S)
        while True:
            trial = dict(self._bound)
            reason, added = await self._compare(step, room, trial)
            if not reason or self._clock.now() >= deadline:
                break
            await asyncio.sleep(STATE_STEP_S)
        if reason:
            raise Failed(reason)
        self._bound = trial
        if room is not None:
            self._added[room] = added

    async def _compare(self, step: Step, room: str | None, bound: dict[str, Any]) -> tuple[str, int]:
        """Return what is not as it should be, and how many messages of the room were announced."""
        asked = {} if room is None else {"room": room}
        state = await self._app().ask("state", **asked)
        added = state.get("added", {}).get(room, 0)
        if room is not None:
            if room not in state.get("rooms", {}):
                return f"the client does not know the room {room}", added
            shown = {**state["rooms"][room], "added": added}
        else:
            shown = {**state, "rooms": sorted(state.get("rooms", {}))}
        for key, pattern in step.fields.items():
            if key not in shown and key in OPTIONAL:
                continue
            wanted = self._wanted(key, pattern, room, shown, bound)
            if reason := match({key: wanted}, shown, bound, HELPERS):
                return reason, added
        return "", added

    def _wanted(self, key: str, pattern: Any, room: str | None, shown: Packet, bound: dict[str, Any]) -> Any:
        if key == "messages" and isinstance(pattern, list):
            numbers = [part for part in pattern]
            return [{"seq": part} if isinstance(part, int) else part for part in _ranges(numbers)]
        if key == "added" and isinstance(pattern, More):
            return self._added.get(room or "", 0) + pattern.count
        if key == "rooms":
            return sorted(fill(pattern, bound, HELPERS))
        return pattern

    def _fields(self, step: Step) -> dict[str, Any]:
        return {key: fill(value, self._bound, HELPERS) for key, value in step.fields.items()}


def _ranges(items: list[Any]) -> list[Any]:
    """Return the items with the numbers of a range in its place."""
    found: list[Any] = []
    for item in items:
        found += range(item.low, item.high + 1) if hasattr(item, "low") else [item]
    return found


BY_THE_WAY: dict[str, Callable[[Player, Packet], Packet]] = {
    "ping": lambda player, packet: {"time": TIME_MS},
    "delivered": lambda player, packet: {},
    "typing": lambda player, packet: {},
    "read": Player._read_reply,
    "focus": Player._focus_reply,
    "watch": lambda player, packet: {"users": [{"user": user} for user in packet["users"]]},
    "mode": lambda player, packet: {"heartbeat": 30 if packet["mode"] == "foreground" else 240},
    "users.get": lambda player, packet: {"users": [{"user": user, "name": user} for user in packet["users"]]},
}
"""The replies to packets that a scenario passes over."""

STEPS: dict[str, Callable[[Player, Step], Awaitable[None]]] = {
    "start": Player._start,
    "restart": Player._restart,
    "kill": Player._kill,
    "do": Player._do,
    "life": Player._life,
    "S>": Player._server_says,
    "C>": Player._client_says,
    "C?": Player._client_says,
    "C&": Player._any_order,
    "C!": Player._client_never_says,
    "wait": Player._wait,
    "cut": Player._cut,
    "close": Player._close,
    "refuse": Player._refuse,
    "health": Player._health,
    "token": Player._token,
    "pass": Player._pass,
    "serve": Player._serve,
    "state": Player._state,
}
