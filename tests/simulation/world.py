"""A run from its choices to its history: all clients set up in peace, go through the faults, and have to converge."""

import asyncio
import hashlib
import logging
import shutil
import tempfile
from pathlib import Path

from chatd.core.sections import ACCOUNT, DRAFTS, SCHEDULED
from chatd.server.gauges import DATABASE
from tests.kit import notes
from tests.kit.tokens import token_for
from tests.simulation.actions import Actor
from tests.simulation.chaos import TEN_YEARS_S, Chaos
from tests.simulation.choices import Choices, Lane
from tests.simulation.client import SimClient
from tests.simulation.comforts_actions import SOON_S
from tests.simulation.environment import Quirks
from tests.simulation.final_state import final_state_findings
from tests.simulation.history import History, Stuck, Truth
from tests.simulation.host import HostBackEnd
from tests.simulation.inbox_state import verification, wrong_inbox
from tests.simulation.inspector import Inspector
from tests.simulation.loop import Deadlock, Runaway, SimLoop
from tests.simulation.machine import SimMachine
from tests.simulation.media import SimMedia
from tests.simulation.media_actions import MediaUsers
from tests.simulation.media_record import contradictions
from tests.simulation.people_state import apart, asked_in, listed, rows_apart, views_apart
from tests.simulation.purges import purge
from tests.simulation.push_phones import register_away
from tests.simulation.push_service import SimPushService
from tests.simulation.replaced import simulated
from tests.simulation.scenario import Scenario, configured, scenario
from tests.simulation.search import SimSearch
from tests.simulation.section_faults import PEOPLE, UNSENT
from tests.simulation.sim_env import SimEnv, WallClock
from tests.simulation.template import memory
from tests.simulation.transport import TIGHT_ROOM_BYTES, NetworkConditions

SETUP_S = 30.0
# Many times what clients need once there are no more faults.
CONVERGE_S = 120.0
LOOK_S = 0.25
# Comparisons in a row that have to find nothing.
CALM_LOOKS = 2
# The life of a token, in seconds.
LIFETIME_S = 3600
DAY_S = 86_400.0
BOTH = (ACCOUNT, notes.NAME)
# The life of a token in a run about expiry; the grace of the configuration is 1 s.
SHORT_LIFE_S = 61


class World:
    """The run. It is the Environment of its clients."""

    def __init__(
        self, choices: Choices, root: Path, *, story: bool = False, chosen: Scenario | None = None
    ) -> None:
        self.choices = choices
        self.scenario: Scenario = chosen or scenario(choices.lane("plan"))
        self.loop = SimLoop(choices.lane("order"))
        self.wall = WallClock()
        self.trace = hashlib.blake2b(digest_size=8)
        env = SimEnv(self.wall, self.scenario.seed)
        self.machine = SimMachine(
            self.loop, root, lambda directory: configured(self.scenario, directory), env
        )
        self.network = self.machine.network
        self.history: History = self.machine.history
        self.history.faults, self.history.people = self.scenario.faults, self.scenario.people
        self.history.hooks, self.history.push = self.scenario.hooks, self.scenario.push
        self.history.moderated, self.history.governed = self.scenario.moderated, self.scenario.governed
        self.conversations = self.history.conversations
        self.slices = self.history.slices
        self.snapshots = self.history.snapshots
        self.channels: list[str] = []
        plan = self.scenario
        self.machine.records_views = plan.conversations or plan.retained or plan.channels
        self.machine.records_log = plan.retained
        self.clients: list[SimClient] = []
        self.actors: list[Actor] = []
        self.rooms: list[str] = []
        self.chaos = Chaos(self)
        self.loop.takes_s = self.chaos.takes_s
        self.host = self.machine.host = HostBackEnd(self)
        if self.scenario.media:
            self.media = self.machine.media = SimMedia(self, root / "media")
            self.media_users = MediaUsers(self, self.media)
        if self.scenario.search:
            self.machine.search = SimSearch(self)
        if self.scenario.push:
            self.network.push_service = SimPushService(self, root)
        self.settings = configured(self.scenario, root)
        self.inspector = Inspector(self)
        self._story = story

    # Environment

    def token(self, user: str, device: str) -> tuple[str, float]:
        lifetime = SHORT_LIFE_S if self.scenario.has("expiry") else LIFETIME_S
        issued = int(self.wall.now_s())
        return token_for(user, device=device, iat=issued, exp=issued + lifetime), issued

    def conditions(self, lane: Lane) -> NetworkConditions:
        conditions = NetworkConditions()
        if self.chaos.over or not self.clients or not self.troubled:
            return conditions
        conditions.pieces = self.scenario.has("pieces")
        if self.scenario.has("tight"):
            conditions.room = TIGHT_ROOM_BYTES
        if self.scenario.has("cuts"):
            fate = lane.pick(6)
            if fate in (3, 4):
                conditions.cut_down = 1 + lane.pick(2000)
            elif fate == 5:
                conditions.cut_up = 1 + lane.pick(1500)
        return conditions

    def note(self, who: str, text: str) -> None:
        if self._story:
            self.history.notes.append(f"t={self.loop.time():.4f} {who}: {text}")

    def boot(self) -> int:
        return self.machine.boots

    def count(self, what: str, happened: bool = True) -> None:
        """Count a state that should be reached now and then."""
        if happened:
            self.history.sometimes[what] = self.history.sometimes.get(what, 0) + 1

    # the run

    troubled = False
    # In runs with files.
    media: SimMedia
    media_users: MediaUsers

    async def live(self) -> None:
        """Run everything."""
        self.machine.fault, self.machine.busy = self.chaos.fault, self.chaos.busy
        self.machine.on_lost = self.chaos.lost
        await self.chaos.up()
        if self.scenario.hooks:
            await self.until(self._delivers)
        if self.scenario.push:
            await self.until(lambda: not self._pushes())
        await asyncio.sleep(LOOK_S)
        self.inspector.before()
        await self._set_up()
        self.troubled = True
        watching = asyncio.create_task(self.inspector.watch())
        for actor in self.actors:
            actor.begin()
        await self.chaos.run()
        self.troubled = False
        if self.scenario.retained:
            await purge(self.chaos)
        if self.scenario.conversations:
            # What was scheduled is sent before it is compared who has what; where a clock was set back, much later.
            await asyncio.sleep(max(0.0, SOON_S + LOOK_S - self.loop.time()))
        await self._converge()
        if self.scenario.push:
            await self._restart_in_peace()
        watching.cancel()
        if not self.history.unfinished:
            await self._ask_at_the_end()
            await self._part()

    async def _restart_in_peace(self) -> None:
        """Stop the daemon when everything was decided, and let all come back to it."""
        self.history.push_ended_at = self.loop.time()
        await self.machine.leave()
        await self.chaos.up()
        self.history.truths.pop()
        await self._converge()

    def _pushes(self) -> bool:
        """Whether notifications wait, or are under way."""
        process = self.machine.process
        push = process and process.daemon._app and process.daemon.app.push.push
        if not push:
            return False
        return not push.is_planned or any(app.waiting + app.under_way for app in push.status().apps)

    def _delivers(self) -> bool:
        process = self.machine.process
        assert process is not None
        deliveries = process.daemon.app.host.webhooks.deliveries
        return deliveries is not None and bool(deliveries.dispatchers)

    async def _set_up(self) -> None:
        chosen = self.scenario
        users = self.users = [f"user{number}" for number in range(max(chosen.clients) + 1)]
        for number, owner in enumerate(chosen.clients):
            self._phone("abcdefghijkl"[number], users[owner])
        for client in self.clients:
            client.connect()
        await self.until(lambda: all(client.ready for client in self.clients))
        for number in range(chosen.rooms):
            self.open_room(self.clients[number % len(self.clients)], f"room-{number:06}")
        await self.until(
            lambda: all(len(client.storage.timelines) == chosen.rooms for client in self.clients)
        )
        await self.until(lambda: all(client.idle for client in self.clients))
        self.rooms += list(self.clients[0].storage.timelines)
        if chosen.channels:
            fields = {"kind": "channel", "title": "c", "users": self.users[1:]}
            self.clients[0].post({"type": "room.create", "key": "channel-000001", **fields})
            await self.until(lambda: bool(self.channels))
        if chosen.push:
            await register_away(self)
        for client in self.clients:
            actor = Actor(client, self.rooms, [*users], chosen)
            actor.siblings = [
                other for other in self.clients if other is not client and other.user == client.user
            ]
            self.actors.append(actor)

    def open_room(self, maker: SimClient, key: str) -> None:
        """Create a public group of all users."""
        others = [user for user in self.users if user != maker.user]
        fields = {"kind": "group", "title": "t", "users": others, "public": True}
        maker.post({"type": "room.create", "key": key, **fields})

    def _phone(self, name: str, user: str) -> None:
        lane = self.choices.lane(f"phone {name}")
        quirks = Quirks(
            text=lane.befalls(3),
            deflate=lane.befalls(3),
            eager=lane.befalls(3),
            stale=self.scenario.has("stale"),
            inline=(20, 0, 3)[lane.pick(3)],
            page=30 if not lane.befalls(3) else 1,
            words=(BOTH, ("account",), ())[lane.pick(3)],
        )
        if self.scenario.people and not lane.befalls(4):
            quirks.words += (PEOPLE,)
        if self.scenario.conversations and not lane.befalls(4):
            quirks.words += (UNSENT,)
        client = SimClient(self, f"phone {name}", user, lane, self.choices.lane(f"air {name}"), quirks)
        self.clients.append(client)

    async def until(self, done) -> None:  # type: ignore[no-untyped-def]
        end = self.loop.time() + SETUP_S
        while not done():
            if self.loop.time() > end:
                raise Stuck("; ".join(f"{client.name} ready={client.ready}" for client in self.clients))
            await asyncio.sleep(LOOK_S / 10)

    async def _converge(self) -> None:
        end = self.loop.time() + CONVERGE_S
        calm = 0.0
        while calm < CALM_LOOKS:
            await self.machine.settled()
            await asyncio.sleep(LOOK_S)
            left = [client.name for client in self.clients if not client.idle]
            left += [actor.client.name for actor in self.actors if actor.left]
            left += ["push"] if self._pushes() else []
            left += ["files"] if self.scenario.media and self.media_users.tasks else []
            # In a channel reactions are summed up for a second, and the head that tells of it may be another one away.
            calm = 0 if left else calm + (0.2 if self.scenario.channels else 1)
            if self.loop.time() > end:
                self.history.unfinished = [self._state(client) for client in self.clients]
                break
        for client in self.clients:
            client.put_away()
        self.history.truths.append(self.machine.truth())
        self.history.ended = True
        self._compare(self.history.truths[-1])

    def _compare(self, truth: Truth) -> None:
        """Compare the state of clients that are connected and quiet with the log."""
        for client in self.clients:
            # A request is told of once a minute, so its position may be an older one.
            expected = {room: max(truth.rooms[room]) for room in listed(truth, client.user)}
            requests = asked_in(truth, client.user) if PEOPLE in client.quirks.words else set()
            known = {room: timeline.applied for room, timeline in client.storage.timelines.items()}
            if client.storage.requests != requests:
                shown = sorted(client.storage.requests)
                self.history.unfinished.append(
                    f"{client.name} has the requests {shown}, not {sorted(requests)}"
                )
            if {room: seq for room, seq in known.items() if room not in requests} != expected:
                self.history.unfinished.append(f"{client.name} has {known}, the log {expected}")
            self.history.apart += apart(client, truth)
            self.history.apart += views_apart(client, truth)
            sections = {*client.quirks.words} & {ACCOUNT, *self.machine.notes.sections}
            for section in sections | ({DRAFTS, SCHEDULED} if UNSENT in client.quirks.words else set()):
                rows, state = rows_apart(client, section, truth)
                if rows != state:
                    self.history.unfinished.append(
                        f"{client.name} has the {section} {rows}, there are {state}"
                    )

    def _state(self, client: SimClient) -> str:
        behind = {t.room: (t.applied, t.head) for t in client.storage.timelines.values() if not t.complete}
        return f"{client.name} ready={client.ready} outbox={list(client.outbox)} behind={behind}"

    async def _part(self) -> None:
        for client in self.clients:
            client.rest()
        await self.inspector.after()
        if self.scenario.media:
            await self._let_files_go()
        await self.machine.leave()
        if self.scenario.hooks:
            # An event that was refused to the last is set aside after the others were compared.
            self.history.truths[-1].parked = self.machine.truth().parked

    async def _ask_at_the_end(self) -> None:
        """Compare unread numbers and presence, as every client is sent them, with the log."""
        truth = self.history.truths[-1]
        for client in self.clients:
            client.answers.clear()
            for room in client.storage.timelines:
                client.connection.ask({"type": "room.get", "room": room})  # type: ignore[union-attr]
                client.connection.ask({"type": "unread", "room": room})  # type: ignore[union-attr]
            client.connection.ask({"type": "watch", "users": self.users})  # type: ignore[union-attr]
            client.connection.ask({"type": "sync"})  # type: ignore[union-attr]
            if self.scenario.search:
                self._search_at_the_end(client)
        await self.until(lambda: all(client.idle for client in self.clients))
        for client in self.clients:
            for packet in verification(client, truth):
                client.connection.ask(packet)  # type: ignore[union-attr]
        await self.until(lambda: all(client.idle for client in self.clients))
        for client in self.clients:
            self.history.final_state_findings += wrong_inbox(client, truth)
            drops = self.scenario.has("tight")
            self.history.final_state_findings += final_state_findings(
                client, truth, self.clients, drops=drops
            )

    def _search_at_the_end(self, client: SimClient) -> None:
        """Ask for a word that most texts have, and for one that came with edits."""
        self.history.searched_at = self.history.searched_at or self.loop.time()
        for text in ("words", "other"):
            for place in ({}, *({"room": room} for room in list(client.storage.timelines)[:3])):
                packet = {"type": "search", "text": text, "limit": 49, **place}
                client.connection.ask(packet)  # type: ignore[union-attr]

    async def _let_files_go(self) -> None:
        """Let all time pass for files; then rows, logs and the disk have to agree."""
        # A clock that was set back had files wait longer.
        self.wall.offset_s = 2 * TEN_YEARS_S
        for _ in range(3):
            self.wall.offset_s += 3 * DAY_S
            await self.media.collect()
        database = self.machine._directory / DATABASE
        disk = {name: bytes(content) for name, content in self.media.disk.files.items()}
        record = self.history.media
        record.findings += contradictions(database, disk, record)

    def counts_crash(self) -> None:
        self.history.crashes.append(self.loop.time())


class ErrorLog(logging.Handler):
    """A log handler for errors of the daemon."""

    def __init__(self, world: World) -> None:
        super().__init__(logging.ERROR)
        self._world = world

    def emit(self, record: logging.LogRecord) -> None:
        self._world.history.complaints.append(self.format(record))


def run(choices: Choices, *, story: bool = False) -> World:
    """Make one whole run; how it ended is in the history of the world."""
    root = Path(tempfile.mkdtemp(prefix="chatd-sim-", dir=memory()))
    world = None
    try:
        with simulated():
            world = World(choices, root, story=story)
            complaints = ErrorLog(world)
            logging.getLogger().addHandler(complaints)
            try:
                world.loop.run_until_complete(world.live())
            except (Deadlock, Runaway, Stuck) as error:
                world.history.unfinished.append(f"{type(error).__name__}: {error}")
            finally:
                logging.getLogger().removeHandler(complaints)
                world.history.complaints += [str(context) for context in world.loop.complaints]
                world.inspector.conclude()
                world.machine.clear()
                world.loop.close()
    finally:
        shutil.rmtree(root, ignore_errors=True)
    return world
