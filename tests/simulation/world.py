"""One run from its tape to its history: everybody sets up in peace, lives through the trouble, and has to converge."""

import asyncio
import hashlib
import logging
import shutil
import tempfile
from pathlib import Path

from tests.kit.tokens import token_for
from tests.simulation.boot import House, memory, simulated
from tests.simulation.chaos import Chaos, Stuck
from tests.simulation.deeds import Person
from tests.simulation.ends import wrong_ends
from tests.simulation.history import History, Truth
from tests.simulation.loop import Deadlock, Runaway, SimLoop
from tests.simulation.phones import Phone
from tests.simulation.scenario import Scenario, configured, scenario
from tests.simulation.streets import Quirks
from tests.simulation.surroundings import SimEnv, Wall
from tests.simulation.tape import Lane, Tape
from tests.simulation.transport import TIGHT_ROOM_BYTES, Weather
from tests.simulation.witness import Witness

SETUP_S = 30.0
CONVERGE_S = 120.0  # reliability.md section 4: once nothing bad happens any more
LOOK_S = 0.25
CALM_LOOKS = 2  # in a row
LIFETIME_S = 3600  # of a token
SHORT_LIFE_S = 61  # of a token in a run about expiry; config: the grace is 1 s


class World:
    """The run. It is the Streets of its phones."""

    def __init__(self, tape: Tape, root: Path, *, telling: bool) -> None:
        self.tape = tape
        self.scenario: Scenario = scenario(tape.lane("plan"))
        self.loop = SimLoop(tape.lane("order"))
        self.wall = Wall()
        self.trace = hashlib.blake2b(digest_size=8)
        chosen = self.scenario
        env = SimEnv(self.wall, chosen.seed)
        self.house = House(self.loop, root, lambda directory: configured(chosen, directory), env)
        self.network = self.house.network
        self.history: History = self.house.history
        self.history.faults = chosen.faults
        self.conversations = self.history.conversations
        self.slices = self.history.slices
        self.phones: list[Phone] = []
        self.people: list[Person] = []
        self.rooms: list[str] = []
        self.chaos = Chaos(self)
        self.loop.takes_s = self.chaos.takes_s
        self.settings = configured(chosen, root)
        self.witness = Witness(self)
        self._telling = telling

    # Streets

    def token(self, user: str, device: str) -> tuple[str, float]:
        lifetime = SHORT_LIFE_S if self.scenario.has("expiry") else LIFETIME_S
        issued = int(self.wall.now_s())
        return token_for(user, device=device, iat=issued, exp=issued + lifetime), issued

    def weather(self, lane: Lane) -> Weather:
        weather = Weather()
        if self.chaos.over or not self.phones or not self.troubled:
            return weather
        weather.pieces = self.scenario.has("pieces")
        if self.scenario.has("tight"):
            weather.room = TIGHT_ROOM_BYTES
        if self.scenario.has("cuts"):
            fate = lane.pick(6)
            if fate in (3, 4):
                weather.cut_down = 1 + lane.pick(2000)
            elif fate == 5:
                weather.cut_up = 1 + lane.pick(1500)
        return weather

    def note(self, who: str, text: str) -> None:
        if self._telling:
            self.history.notes.append(f"t={self.loop.time():.4f} {who}: {text}")

    def boot(self) -> int:
        return self.house.boots

    def count(self, what: str, happened: bool = True) -> None:
        """One more of the things that should happen sometimes."""
        if happened:
            self.history.sometimes[what] = self.history.sometimes.get(what, 0) + 1

    # the run

    troubled = False

    async def live(self) -> None:
        """All of it."""
        self.house.fault, self.house.busy = self.chaos.fault, self.chaos.busy
        self.house.on_lost = self.chaos.lost
        await self.chaos.up()
        await asyncio.sleep(LOOK_S)
        self.witness.before()
        await self._set_up()
        self.troubled = True
        watching = asyncio.create_task(self.witness.watch())
        for person in self.people:
            person.begin()
        await self.chaos.run()
        self.troubled = False
        await self._converge()
        watching.cancel()
        if not self.history.unfinished:
            await self._ask_at_the_end()
            await self._part()

    async def _set_up(self) -> None:
        chosen = self.scenario
        users = self.users = [f"user{number}" for number in range(max(chosen.phones) + 1)]
        for number, owner in enumerate(chosen.phones):
            self._phone("abcdefghijkl"[number], users[owner])
        for phone in self.phones:
            phone.connect()
        await self._until(lambda: all(phone.ready for phone in self.phones))
        for number in range(chosen.rooms):
            self.open_room(self.phones[number % len(self.phones)], f"room-{number:06}")
        await self._until(lambda: all(len(phone.flash.timelines) == chosen.rooms for phone in self.phones))
        await self._until(lambda: all(phone.quiet for phone in self.phones))
        self.rooms += list(self.phones[0].flash.timelines)
        for phone in self.phones:
            person = Person(phone, self.rooms, users, chosen.deeds)
            person.siblings = [
                other for other in self.phones if other is not phone and other.user == phone.user
            ]
            self.people.append(person)

    def open_room(self, maker: Phone, key: str) -> None:
        """A public group of everybody there is."""
        others = [user for user in self.users if user != maker.user]
        fields = {"kind": "group", "title": "t", "users": others, "public": True}
        maker.post({"type": "room.create", "key": key, **fields})

    def _phone(self, name: str, user: str) -> None:
        lane = self.tape.lane(f"phone {name}")
        quirks = Quirks(
            text=lane.befalls(3),
            deflate=lane.befalls(3),
            eager=lane.befalls(3),
            stale=self.scenario.has("stale"),
            inline=(20, 0, 3)[lane.pick(3)],
            page=30 if not lane.befalls(3) else 1,
        )
        phone = Phone(self, f"phone {name}", user, lane, self.tape.lane(f"air {name}"), quirks)
        self.phones.append(phone)

    async def _until(self, done) -> None:  # type: ignore[no-untyped-def]
        end = self.loop.time() + SETUP_S
        while not done():
            if self.loop.time() > end:
                raise Stuck("; ".join(f"{phone.name} ready={phone.ready}" for phone in self.phones))
            await asyncio.sleep(LOOK_S / 10)

    async def _converge(self) -> None:
        end = self.loop.time() + CONVERGE_S
        calm = 0
        while calm < CALM_LOOKS:
            await self.house.settled()
            await asyncio.sleep(LOOK_S)
            left = [phone.name for phone in self.phones if not phone.quiet]
            left += [person.phone.name for person in self.people if person.left]
            calm = 0 if left else calm + 1
            if self.loop.time() > end:
                self.history.unfinished = [self._state(phone) for phone in self.phones]
                break
        for phone in self.phones:
            phone.put_away()
        self.history.truths.append(self.house.truth())
        self.history.ended = True
        self._compare(self.history.truths[-1])

    def _compare(self, truth: Truth) -> None:
        """What phones that are connected and quiet believe, against the log."""
        for phone in self.phones:
            expected = {
                room: max(truth.rooms[room])
                for room, members in truth.members.items()
                if phone.user in members
            }
            known = {room: timeline.applied for room, timeline in phone.flash.timelines.items()}
            if known != expected:
                self.history.unfinished.append(f"{phone.name} has {known}, the log {expected}")

    def _state(self, phone: Phone) -> str:
        behind = {t.room: (t.applied, t.head) for t in phone.flash.timelines.values() if not t.complete}
        return f"{phone.name} ready={phone.ready} outbox={list(phone.outbox)} behind={behind}"

    async def _part(self) -> None:
        for phone in self.phones:
            phone.rest()
        await self.witness.after()
        await self.house.leave()

    async def _ask_at_the_end(self) -> None:
        """Unread numbers and presence, as every phone is told them, against the log."""
        truth = self.history.truths[-1]
        for phone in self.phones:
            phone.answers.clear()
            for room in phone.flash.timelines:
                phone.line.ask({"type": "room.get", "room": room})  # type: ignore[union-attr]
            phone.line.ask({"type": "watch", "users": self.users})  # type: ignore[union-attr]
        await self._until(lambda: all(phone.quiet for phone in self.phones))
        for phone in self.phones:
            self.history.wrong_ends += wrong_ends(phone, truth, self.phones)

    def counts_crash(self) -> None:
        self.history.crashes.append(self.loop.time())


class Complaints(logging.Handler):
    """Errors the daemon logs."""

    def __init__(self, world: World) -> None:
        super().__init__(logging.ERROR)
        self._world = world

    def emit(self, record: logging.LogRecord) -> None:
        self._world.history.complaints.append(self.format(record))


def run(tape: Tape, *, telling: bool = False) -> World:
    """One whole run; how it ended is in the world's history."""
    root = Path(tempfile.mkdtemp(prefix="chatd-sim-", dir=memory()))
    world = None
    try:
        with simulated():
            world = World(tape, root, telling=telling)
            complaints = Complaints(world)
            logging.getLogger().addHandler(complaints)
            try:
                world.loop.run_until_complete(world.live())
            except (Deadlock, Runaway, Stuck) as error:
                world.history.unfinished.append(f"{type(error).__name__}: {error}")
            finally:
                logging.getLogger().removeHandler(complaints)
                world.history.complaints += [str(context) for context in world.loop.complaints]
                world.witness.conclude()
                world.house.clear()
                world.loop.close()
    finally:
        shutil.rmtree(root, ignore_errors=True)
    return world
