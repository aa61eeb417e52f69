"""Fault runs: several testees in one group of a real server, whose links are cut, held and delayed, and which is killed
like they are. In the end every message that a testee took has its place once, in order, everywhere.

What happens is drawn from a seed; when, is up to the machine.
"""

import asyncio
import random
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .codec import Packet
from .comparison import compared
from .daemon import Daemon
from .launch import Launcher
from .probe import Probe, ProbeError
from .relay import Relay
from .testee import Testee, TesteeError

SPEED = 20
"""A virtual clock runs so much faster than the real one of the server."""

TICK_S = 0.01
PAUSE_S = 0.05
"""Longest pause between two actions."""

QUIET_S = 90.0
"""Longest time until everything has arrived, once nothing is broken any more: a backoff takes up to 60 s."""

NUDGE_S = 1.0
POLL_S = 0.1
EMOJI = ("👍", "❤️", "🎉")


@dataclass
class Plan:
    """How much of everything: testees, actions and faults of one seed."""

    testees: int = 3
    steps: int = 60
    quiet_s: float = QUIET_S


@dataclass
class Member:
    """One testee in the group, behind a relay of its own."""

    user: str
    launcher: Launcher
    relay: Relay
    storage: Path
    sign: Callable[[str], str]
    testee: Testee | None = None
    posted: list[str] = field(default_factory=list)
    """Keys, in the order in which the testee took the messages."""
    _drive: "asyncio.Task[None] | None" = None

    async def start(self) -> None:
        """Start the app, with the storage it has."""
        self.testee = await self.launcher.launch()
        self.testee.on_ask = self._asked
        storage = {"storage": str(self.storage)} if "persistence" in self.testee.hello.profiles else {}
        await self.testee.ask("start", url=self.relay.url, encoding="msgpack", **storage)
        if self.testee.hello.virtual:
            self._drive = asyncio.create_task(self._driven(self.testee))

    async def kill(self) -> None:
        """End the app at once."""
        if self._drive is not None:
            self._drive.cancel()
        testee, self.testee = self.testee, None
        if testee is not None:
            await testee.kill()

    async def ask(self, kind: str, **fields: Any) -> Packet:
        """Send a line to the testee."""
        assert self.testee is not None
        return await self.testee.ask(kind, **fields)

    async def room(self, room: str) -> Packet:
        """Return what the client has of a room, empty when it does not know it."""
        return dict((await self.ask("state", room=room)).get("rooms", {}).get(room, {}))

    def _asked(self, number: int) -> None:
        testee = self.testee
        if testee is not None:
            self._giving = asyncio.ensure_future(testee.give_token(number, self.sign(self.user)))

    async def _driven(self, testee: Testee) -> None:
        """Let the virtual clock run."""
        with suppress(TesteeError):
            while True:
                await asyncio.sleep(TICK_S)
                await testee.ask("clock", advance_ms=1000 * TICK_S * SPEED)


class FaultRun:
    """One seed."""

    def __init__(self, seed: int, daemon: Daemon, launcher: Launcher, plan: Plan, folder: Path) -> None:
        self.seed = seed
        self.actions: list[str] = []
        self._chance = random.Random(seed)  # noqa: S311 - a seed, not a secret
        self._daemon = daemon
        self._launcher = launcher
        self._plan = plan
        self._folder = folder
        self._members: list[Member] = []
        self._room = ""

    async def run(self) -> list[str]:
        """Return what is wrong in the end, empty when nothing is."""
        async with self._joined():
            for _ in range(self._plan.steps):
                await self._step()
                await asyncio.sleep(self._chance.random() * PAUSE_S)
            return await self._healed()

    @asynccontextmanager
    async def _joined(self) -> AsyncIterator[None]:
        """Make the group and start the testees; end them behind the block."""
        users = [
            f"kit-{self.seed}-{number}-{self._chance.randrange(1 << 30)}"
            for number in range(self._plan.testees)
        ]
        async with self._owner() as probe:
            self._room = await probe.group()
        for user in users:
            # Nobody is asked whether they may be added.
            async with Probe(self._daemon.url, self._daemon.token(user)) as probe:
                await probe.join(self._room)
        relays = [Relay(self._daemon.url) for _ in users]
        async with _all_running(relays):
            try:
                for user, relay in zip(users, relays, strict=True):
                    storage = self._folder / f"{self.seed}-{user}"
                    self._members.append(Member(user, self._launcher, relay, storage, self._daemon.token))
                    await self._members[-1].start()
                yield
            finally:
                for member in self._members:
                    await member.kill()

    def _owner(self) -> Probe:
        """Return a connection of the owner of the group, who sees all of it."""
        return Probe(self._daemon.url, self._daemon.token(f"kit-{self.seed}-owner"))

    # What happens.

    async def _step(self) -> None:
        member = self._chance.choice(self._members)
        possible = [name for name, (_, able) in ACTIONS.items() if able(self, member)]
        weights = [ACTIONS[name][0] for name in possible]
        name = self._chance.choices(possible, weights)[0]
        self.actions.append(f"{name} {member.user}")
        await getattr(self, f"_{name}")(member)

    async def _post(self, member: Member) -> None:
        text = f"{member.user} {len(member.posted)} {'x' * self._chance.choice((0, 10, 2000))}"
        answer = await member.ask("do", what="post", room=self._room, text=text)
        member.posted.append(answer["key"])

    async def _burst(self, member: Member) -> None:
        """Lose the link while messages are under way."""
        member.relay.delay_s = self._chance.choice((0.0, 0.002, 0.02))
        for _ in range(self._chance.randrange(1, 6)):
            await self._post(member)
        await asyncio.sleep(self._chance.random() * 0.03)
        member.relay.cut()

    async def _edit(self, member: Member) -> None:
        if seq := await self._some_message(member, own=True):
            await member.ask(
                "do", what="edit", room=self._room, target=seq, text=f"edited {self._chance.random()}"
            )

    async def _recall(self, member: Member) -> None:
        if seq := await self._some_message(member, own=True):
            await member.ask("do", what="recall", room=self._room, target=seq)

    async def _react(self, member: Member) -> None:
        if seq := await self._some_message(member, own=False):
            emoji, given = self._chance.choice(EMOJI), self._chance.random() < 0.7
            await member.ask("do", what="react", room=self._room, target=seq, emoji=emoji, set=given)

    async def _some_message(self, member: Member, *, own: bool) -> int:
        messages = (await member.room(self._room)).get("messages", [])
        fit = [each["seq"] for each in messages if not own or each.get("user") == member.user]
        return int(self._chance.choice(fit)) if fit else 0

    async def _read(self, member: Member) -> None:
        await member.ask("do", what="read", room=self._room)

    async def _open(self, member: Member) -> None:
        await member.ask("do", what="open", room=self._room)

    async def _friend(self, member: Member) -> None:
        step = self._chance.choice(("request", "request", "accept", "decline", "cancel", "remove"))
        await member.ask("do", what="friend", user=self._other(member), step=step)

    async def _block(self, member: Member) -> None:
        blocked = self._chance.random() < 0.5
        await member.ask("do", what="contact", user=self._other(member), blocked=blocked)

    def _other(self, member: Member) -> str:
        others = [other.user for other in self._members if other is not member]
        return self._chance.choice(others or [member.user])

    async def _cut(self, member: Member) -> None:
        member.relay.cut()

    async def _hold(self, member: Member) -> None:
        member.relay.hold()
        await asyncio.sleep(self._chance.random() * 0.3)
        if self._chance.random() < 0.5:
            member.relay.cut()
        member.relay.flow()

    async def _delay(self, member: Member) -> None:
        member.relay.delay_s = self._chance.choice((0.0, 0.002, 0.02))

    async def _network(self, member: Member) -> None:
        await member.ask("life", what="network_changed")

    async def _background(self, member: Member) -> None:
        await member.ask("life", what="background")
        await member.ask("life", what="foreground")

    async def _kill_app(self, member: Member) -> None:
        await member.kill()
        await member.start()

    async def _kill_server(self, _: Member) -> None:
        await self._daemon.kill()
        await self._daemon.start()

    def may(self, member: Member, profile: str) -> bool:
        """Whether the client has a profile."""
        return member.testee is not None and profile in member.testee.hello.profiles

    @property
    def killable(self) -> bool:
        """Whether the server can be killed."""
        return self._daemon.killable

    # The end.

    async def _healed(self) -> list[str]:
        """Break nothing any more, and wait until nothing differs; return what still does."""
        for member in self._members:
            member.relay.delay_s = 0.0
            member.relay.flow()
            await member.ask("life", what="foreground")
            await member.ask("do", what="open", room=self._room)
        clock = asyncio.get_running_loop().time
        deadline, nudge_at = clock() + self._plan.quiet_s, clock()
        while (wrong := await self._differences()) and clock() < deadline:
            if clock() >= nudge_at:
                # No phone waits for a minute while its network is good: the system tells it so.
                nudge_at = clock() + NUDGE_S
                for member in self._members:
                    await member.ask("life", what="network_changed")
            await asyncio.sleep(POLL_S)
        return wrong

    async def _differences(self) -> list[str]:
        """Compare the log of the server with every testee."""
        wrong: list[str] = []
        try:
            async with self._owner() as probe:
                messages = await probe.messages(self._room)
            for member in self._members:
                async with Probe(self._daemon.url, self._daemon.token(member.user)) as probe:
                    summary = await probe.summary(self._room)
                wrong += await self._of_member(member, messages, summary)
        except (OSError, ProbeError) as error:
            return [f"the server does not answer: {error!r}"]
        return wrong + await self._half_friends()

    async def _half_friends(self) -> list[str]:
        """Return the pairs of which only one thinks that they are friends."""
        friends = set()
        for member in self._members:
            contacts = (await member.ask("state")).get("contacts", {})
            users = [user for user, contact in contacts.items() if contact.get("state") == "friend"]
            friends |= {(member.user, user) for user in users}
        return [
            f"{user}: only they have {other} as a friend"
            for user, other in friends
            if (other, user) not in friends
        ]

    async def _of_member(self, member: Member, messages: list[Packet], summary: Packet) -> list[str]:
        state = await member.ask("state", room=self._room)
        room, name = state.get("rooms", {}).get(self._room, {}), member.user
        stored = [message["key"] for message in messages if message["user"] == member.user]
        wrong = [
            f"{name}: {each['key']} is still {each['state']}" for each in state["outbox"] if _waits(each)
        ]
        wrong += [f"{name}: {key} was lost" for key in member.posted if key not in stored]
        wrong += [
            f"{name}: {key} was stored {stored.count(key)} times"
            for key in set(stored)
            if stored.count(key) > 1
        ]
        if [key for key in stored if key in member.posted] != [key for key in member.posted if key in stored]:
            wrong.append(f"{name}: what it posted was stored in another order")
        shown = room.get("messages", [])
        wrong += [f"{name}: {why}" for why in compared(messages, shown)]
        added = state.get("added", {}).get(self._room, 0)
        if added > len(messages):
            wrong.append(f"{name}: {added} messages were announced, there are {len(messages)}")
        for number in ("unread", "read"):
            if room.get(number, 0) != summary.get(number, 0):
                wrong.append(
                    f"{name}: {number} is {room.get(number)}, and {summary.get(number, 0)} at the server"
                )
        return wrong


def _waits(entry: Packet) -> bool:
    return bool(entry["state"] != "FAILED")


ACTIONS: dict[str, tuple[int, Callable[[FaultRun, Member], bool]]] = {
    "post": (30, lambda run, member: True),
    "burst": (6, lambda run, member: True),
    "read": (4, lambda run, member: run.may(member, "read_state")),
    "open": (3, lambda run, member: True),
    "edit": (4, lambda run, member: run.may(member, "edits")),
    "recall": (2, lambda run, member: run.may(member, "edits")),
    "react": (5, lambda run, member: run.may(member, "edits")),
    "friend": (4, lambda run, member: run.may(member, "people")),
    "block": (4, lambda run, member: run.may(member, "people")),
    "background": (2, lambda run, member: run.may(member, "background")),
    "network": (3, lambda run, member: True),
    "cut": (6, lambda run, member: True),
    "hold": (3, lambda run, member: True),
    "delay": (3, lambda run, member: True),
    "kill_app": (2, lambda run, member: run.may(member, "persistence")),
    "kill_server": (1, lambda run, member: run.killable),
}
"""What may happen, each with its weight, and whether it can."""


@asynccontextmanager
async def _all_running(relays: list[Relay]) -> AsyncIterator[None]:
    if not relays:
        yield
        return
    async with relays[0].running(), _all_running(relays[1:]):
        yield


@dataclass
class SeedResult:
    """The outcome of one seed: `wrong` is empty when it passed; `actions` is what happened, in its order."""

    seed: int
    wrong: list[str]
    actions: list[str]


async def faults(
    seeds: range, launcher: Launcher, daemon: Daemon, plan: Plan, tell: Callable[[SeedResult], None]
) -> list[SeedResult]:
    """Run the seeds one after the other and return their results; `tell` gets each as it comes.

    Raises TesteeError, DaemonError.
    """
    results = []
    try:
        await daemon.start()
        with tempfile.TemporaryDirectory(prefix="chatd-faults-") as folder:
            for seed in seeds:
                run = FaultRun(seed, daemon, launcher, plan, Path(folder))
                result = SeedResult(seed, await run.run(), run.actions)
                results.append(result)
                tell(result)
    finally:
        await daemon.kill()
    return results
