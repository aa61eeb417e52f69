"""One scenario against one testee, step by step."""

import asyncio
import tempfile
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .checks import Violation
from .clock import Restless
from .conversation import Conversation
from .packets import HELPERS, NAMES, Packet
from .patterns import fill, match
from .script import Scenario
from .scripted_server import Arrival
from .served_room import ServedRoom
from .steps import Step
from .testee import Testee, TesteeError
from .values import Absent, Between, More, Name, show

PATIENCE_S = 10.0
"""Longest wait for a packet that has no window."""

STATE_S = 2.0
"""On a real clock a state may take so long to come about."""

STATE_STEP_S = 0.02

ACTS = frozenset({"start", "restart", "do", "life", "token", "S>", "cut", "close"})
"""Steps that a client may react to at once."""

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
        self._talk = Conversation(scenario, encoding, testee)
        self._clock = self._talk.clock
        self._checks = self._talk.checks
        self._slack_s = 0.0 if testee.hello.virtual else slack_s
        self._bound: dict[str, Any] = dict(NAMES)
        # Windows count from this moment, and from this place in all that arrived.
        self._origin = 0.0
        self._since = 0
        # Messages of a room that had been announced at the last look.
        self._added: dict[str, int] = {}
        self._storage: Path | None = None

    async def play(self) -> Run:
        """Play all steps and return the outcome. Raises TesteeError when no testee can be started any more."""
        begun = asyncio.get_running_loop().time()
        async with AsyncExitStack() as stack:
            if any(step.verb in ("kill", "restart") for step in self.run.scenario.steps):
                folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="chatd-kit-"))
                self._storage = Path(folder) / "client"
            await stack.enter_async_context(self._talk.server.running())
            self._bound["elsewhere"] = self._talk.server.url.replace("/v1/ws", "/elsewhere/v1/ws")
            try:
                await self._steps()
            except (Failed, Restless, TesteeError, ValueError, ConnectionError) as error:
                self.run.failure = str(error)
            await self._end()
        self.run.took_s = asyncio.get_running_loop().time() - begun
        self.run.transcript = self._talk.transcript
        self.run.violations = self._checks.violations
        return self.run

    async def _steps(self) -> None:
        for step in self.run.scenario.steps:
            self.run.step = step
            if step.verb in ACTS:
                await self._clock.settle()
            begun = self._clock.now(), len(self._talk.arrivals)
            await STEPS[step.verb](self, step)
            if step.verb not in ("C>", "C?", "C&", "C!"):
                # What an act brought may be here before it is over, and was on its way for longer than since then.
                over = self._clock.now(), len(self._talk.arrivals)
                self._origin, self._since = begun if step.verb in ACTS else over
        await self._clock.settle()
        self.run.step = None
        self._checks.ended(self._clock.now())
        if self._talk.inbox:
            left = ", ".join(show(arrival.packet) for arrival in self._talk.inbox)
            raise Failed(f"the scenario is over, and nobody waited for {left}")

    async def _end(self) -> None:
        """Stop the client, so that the next scenario finds nothing of it."""
        self._talk.over = True
        if self._talk.server.link is not None:
            self._talk.server.link.ending = True
        if self.testee is None:
            self.testee = await self._launch()
        with suppress(TesteeError):
            await self.testee.ask("life", what="stop")
        self._talk.attach(None)

    # The app.

    async def _start(self, step: Step) -> None:
        await self._begin(step, empty=True)

    async def _restart(self, step: Step) -> None:
        await self._begin(step, empty=False)
        kept = await self._app().ask("state")
        self._checks.restored(kept.get("cursor", ""), kept.get("rooms", {}), self._clock.now())

    async def _begin(self, step: Step, *, empty: bool) -> None:
        if self.testee is None:
            self.testee = await self._launch()
            self._talk.attach(self.testee)
        self._talk.going = False
        self._added.clear()
        self._checks.restarted(empty=empty)
        storage = {} if self._storage is None else {"storage": str(self._storage)}
        self._talk.note("app", what=step.verb)
        where = {"url": self._talk.server.url, "encoding": self.run.encoding}
        await self.testee.ask("start", **where, **storage, **self._fields(step))

    async def _kill(self, _: Step) -> None:
        await self._clock.settle()
        testee, self.testee = self._app(), None
        self._talk.note("app", what="kill")
        self._talk.going = True
        self._talk.attach(None)
        if self._talk.server.link is not None:
            self._talk.server.link.ending = True
        await testee.kill()

    async def _do(self, step: Step) -> None:
        await self._clock.settle()
        fields = self._fields(step)
        self._talk.note("app", what=step.word, **fields)
        if step.word == "resend":
            self._checks.resent(fields["key"])
        answer = await self._app().ask("do", what=step.word, **fields)
        if step.word == "post":
            self._checks.posted(fields["room"], str(answer.get("key", "")))
        if reason := match(dict(step.result), answer, self._bound, HELPERS):
            raise Failed(f"what the testee gave back: {reason}")

    async def _life(self, step: Step) -> None:
        await self._clock.settle()
        self._talk.note("app", what=step.word)
        if step.word in ("foreground", "resume", "network_changed"):
            self._talk.going = self._talk.going and step.word == "network_changed"
            self._checks.woken(front=step.word != "network_changed")
        elif step.word in ("suspend", "stop"):
            self._talk.going = True
            self._checks.suspended()
        await self._app().ask("life", what=step.word)

    def _app(self) -> Testee:
        if self.testee is None:
            raise Failed("the app was killed, and not started again")
        return self.testee

    async def _token(self, step: Step) -> None:
        await self._clock.until(self._clock.now() + PATIENCE_S, lambda: bool(self._talk.asks))
        if not self._talk.asks:
            raise Failed("the client did not ask for a token")
        self._talk.give(None if step.value == Absent() else fill(step.value, self._bound, HELPERS))

    # The server.

    async def _server_says(self, step: Step) -> None:
        if step.word == "hex":
            self._talk.server.send_bytes(bytes.fromhex(step.value))
            return
        filled = fill(step.value, {**self._bound, "token": self._talk.token}, HELPERS)
        packets = filled if isinstance(filled, list) else [filled]
        self._talk.send(packets, deflate=step.word == "deflate")

    async def _cut(self, _: Step) -> None:
        self._talk.server.cut()

    async def _close(self, step: Step) -> None:
        self._talk.server.close(int(step.value), str(step.fields.get("reason", "")))

    async def _refuse(self, step: Step) -> None:
        fields = self._fields(step)
        self._talk.refuse(int(step.value), fields.get("retry_after"), fields.get("times", 1))

    async def _health(self, step: Step) -> None:
        self._talk.server.health = step.word

    async def _pass(self, step: Step) -> None:
        self._talk.passed |= set(step.value)

    async def _serve(self, step: Step) -> None:
        room, messages = fill(step.value, self._bound, HELPERS)
        self._talk.rooms[room] = ServedRoom(room, messages)

    async def _wait(self, step: Step) -> None:
        assert step.window is not None
        await self._clock.until(self._clock.now() + step.window[1], lambda: False)

    # The client.

    async def _client_says(self, step: Step) -> None:
        low, high = step.window or (0.0, PATIENCE_S)
        taken = await self._next(
            step, self._origin + high + self._slack_s, whole=isinstance(step.value, list)
        )
        packets, at = [arrival.packet for arrival in taken], taken[0].at
        self._fit(step.value, packets if isinstance(step.value, list) else packets[0])
        # Without a window a packet may be here before the step that waits for it.
        if low and at < self._origin + low - self._checks.early_s:
            raise Failed(f"it came after {1000 * (at - self._origin):.0f} ms, too soon: {show(packets[0])}")
        self._took(taken[-1])

    def _took(self, arrival: Arrival) -> None:
        """Let windows count from a packet that was taken."""
        self._origin, self._since = arrival.at, self._talk.arrivals.index(arrival) + 1

    async def _next(self, step: Step, deadline: float, *, whole: bool) -> list[Arrival]:
        """Take the next packet, or all packets of the next frame."""
        inbox = self._talk.inbox
        await self._clock.until(deadline, lambda: bool(inbox))
        if not inbox:
            high = (step.window or (0.0, PATIENCE_S))[1]
            raise Failed(f"nothing came within {high:g} s, expected {show(step.value)}")
        first = inbox.pop(0)
        if first.at > deadline:
            late = 1000 * (first.at - self._origin)
            raise Failed(f"it came after {late:.0f} ms, too late: {show(first.packet)}")
        taken = [first]
        while whole and inbox and first.frame and inbox[0].frame == first.frame:
            taken.append(inbox.pop(0))
        return taken

    def _fit(self, pattern: Any, got: Any) -> None:
        # Every request has a new number: an `id` is bound anew.
        for one in pattern if isinstance(pattern, list) else [pattern]:
            if isinstance(one, dict) and isinstance(one.get("id"), Name):
                self._bound.pop(one["id"].name, None)
        if self._talk.token:
            self._bound["token"] = self._talk.token
        if reason := match(pattern, got, self._bound, HELPERS):
            raise Failed(f"{reason}\n  it was {show(got)}")

    async def _client_says_too(self, step: Step) -> None:
        """Take a packet that fits, wherever it waits."""
        deadline, reasons = self._origin + PATIENCE_S + self._slack_s, ["nothing came"]

        def fits() -> bool:
            if not reasons:
                return True
            for arrival in tuple(self._talk.inbox):
                try:
                    self._fit(step.value, arrival.packet)
                except Failed as error:
                    reasons.append(str(error))
                else:
                    self._talk.inbox.remove(arrival)
                    reasons.clear()
                    return True
            return not reasons

        await self._clock.until(deadline, fits)
        if reasons:
            raise Failed(reasons[-1])

    async def _client_never_says(self, step: Step) -> None:
        assert step.window is not None
        low, high = step.window
        await self._clock.until(self._origin + high, lambda: False)
        for arrival in self._talk.arrivals[self._since :]:
            after = max(0.0, arrival.at - self._origin)
            inside = low - 1e-6 <= after <= high + 1e-6
            if inside and not match(step.value, arrival.packet, dict(self._bound), HELPERS):
                raise Failed(f"it came after {1000 * after:.0f} ms: {show(arrival.packet)}")

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
        state = await self._app().ask("state", **({} if room is None else {"room": room}))
        added = state.get("added", {}).get(room, 0)
        if room is None:
            shown = {**state, "rooms": sorted(state.get("rooms", {}))}
        elif room in state.get("rooms", {}):
            shown = {**state["rooms"][room], "added": added}
        else:
            return f"the client does not know the room {room}", added
        for key, pattern in step.fields.items():
            if key in shown or key not in OPTIONAL:
                wanted = self._wanted(key, pattern, room or "", bound)
                if reason := match({key: wanted}, shown, bound, HELPERS):
                    return reason, added
        return "", added

    def _wanted(self, key: str, pattern: Any, room: str, bound: dict[str, Any]) -> Any:
        """Return the pattern of a part of the state, its short forms written out."""
        if key == "messages" and isinstance(pattern, list):
            return [{"seq": part} if isinstance(part, int) else part for part in _numbers(pattern)]
        if key == "added" and isinstance(pattern, More):
            return self._added.get(room, 0) + pattern.count
        if key == "rooms":
            return sorted(fill(pattern, bound, HELPERS))
        return pattern

    def _fields(self, step: Step) -> dict[str, Any]:
        return {key: fill(value, self._bound, HELPERS) for key, value in step.fields.items()}


def _numbers(items: list[Any]) -> list[Any]:
    """Return the items, with the numbers of a range in its place."""
    found: list[Any] = []
    for item in items:
        found += range(item.low, item.high + 1) if isinstance(item, Between) else [item]
    return found


STEPS: dict[str, Callable[[Player, Step], Awaitable[None]]] = {
    "start": Player._start,
    "restart": Player._restart,
    "kill": Player._kill,
    "do": Player._do,
    "life": Player._life,
    "token": Player._token,
    "S>": Player._server_says,
    "cut": Player._cut,
    "close": Player._close,
    "refuse": Player._refuse,
    "health": Player._health,
    "pass": Player._pass,
    "serve": Player._serve,
    "wait": Player._wait,
    "C>": Player._client_says,
    "C?": Player._client_says,
    "C&": Player._client_says_too,
    "C!": Player._client_never_says,
    "state": Player._state,
}
