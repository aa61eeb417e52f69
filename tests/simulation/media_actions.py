"""The actions of users with files: upload and send, forward, show on a card, fetch by token or link."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from functools import partial
from hashlib import sha256
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from chatd.server.gauges import DATABASE
from tests.kit.media_in_loop import Body, pieces
from tests.simulation.media import SimMedia, Unreached
from tests.simulation.media_record import Fetch, Place, files_of, may_see

if TYPE_CHECKING:
    from tests.simulation.actions import Actor
    from tests.simulation.world import World

SIZES = (300, 700, 1500, 3000)
TRIES = 30
PAUSE_S = 0.3
PIECE = 250
# A picture is shown so often, after so many seconds, or some times as many.
SHOWN, SHOWN_S = 3, 0.3


class MediaUsers:
    """All uploads and fetches of a run. `tasks`: those under way. `places`: all that anybody was shown."""

    def __init__(self, world: "World", media: SimMedia) -> None:
        self.world = world
        self.media = media
        self.tasks: set[asyncio.Task[None]] = set()
        self.places: dict[Place, None] = {}
        # Uploads, to be asked for again when a restore may have undone them.
        self._uploads: list[Callable[[Callable[[str], None]], Awaitable[None]]] = []

    def begin(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    def known(self, actor: "Actor") -> list[Place]:
        """Return the places that this device knows of, and whoever else does."""
        for room, timeline in actor.client.storage.timelines.items():
            for event in timeline.events:
                for file in sorted(files_of(event)):
                    self.places[Place(room, event.get("target") or event["seq"], file)] = None
        return [*self.places]

    async def upload(self, actor: "Actor", kind: str, purpose: str, then: Callable[[str], None]) -> None:
        """Upload a file until it is ready or refused; `then` is called with its id."""
        key = actor.key()
        data = random.Random(key).randbytes(SIZES[self.media.lane.pick(len(SIZES))])
        made = (data, b"full " + data, b"small " + data[: len(data) // 2])
        self.world.history.media.sent |= {sha256(one).digest() for one in made}
        again = partial(self._upload, actor, key, data, kind, purpose)
        self._uploads.append(again)
        await again(then)

    def again(self) -> None:
        """Let each user look at their uploads again: one that they have sent has to become ready."""
        for upload in self._uploads:
            self.begin(upload(lambda file: None))

    async def _upload(
        self, actor: "Actor", key: str, data: bytes, kind: str, purpose: str, then: Callable[[str], None]
    ) -> None:
        token, _ = self.world.token(actor.client.user, actor.client.device)
        for _ in range(TRIES):
            try:
                begun = await self.media.ask("begin", token, key, len(data), kind, purpose=purpose)
                if begun.status in (400, 401, 403, 404, 413, 415):
                    return
                if begun.status == 201:
                    file = begun.headers["Location"].rpartition("/")[2]
                    if await self._append(token, file, data):
                        then(file)
                        return
            except Unreached:
                pass
            await asyncio.sleep(PAUSE_S)

    async def _append(self, token: str, file: str, data: bytes) -> bool:
        """Send the rest of a file; return whether it is ready."""
        look = await self.media.ask("look", token, file)
        if look.status != 200 or look.headers.get("Chatd-File") == "ready":
            return look.status == 200
        offset = int(look.headers["Upload-Offset"])
        rest, fate = pieces(data[offset:], PIECE), self._fate()
        body = Body(rest[: self.media.lane.pick(len(rest) + 1)], is_cut=True) if fate else Body(rest)
        if fate == 2:
            # The network was switched: the lost request and the next one are there at once.
            lost = asyncio.ensure_future(self.media.ask("append", token, file, offset, Body(rest)))
            await asyncio.sleep(0.0005 * self.media.lane.pick(8))
            await asyncio.wait({lost, asyncio.ensure_future(self._asked(token, file, offset, body))})
            lost.exception()
            self.world.count("two requests of one upload")
            return False
        answer = await self.media.ask("append", token, file, offset, body)
        self.world.count("an upload was cut", fate == 1)
        return answer.headers.get("Chatd-File") == "ready"

    async def _asked(self, token: str, file: str, offset: int, body: Body) -> None:
        try:
            await self.media.ask("append", token, file, offset, body)
        except Unreached:
            return

    def _fate(self) -> int:
        world = self.world
        return self.media.lane.pick(3) if world.troubled and world.scenario.has("part_cut") else 0

    async def fetch(self, actor: "Actor", place: Place, link: str = "") -> None:
        """Fetch a file, and again when it is shown again."""
        for _ in range(SHOWN):
            await self._fetch(actor, place, link)
            await asyncio.sleep(SHOWN_S * (1 + self.media.lane.pick(8)))

    async def _fetch(self, actor: "Actor", place: Place, link: str) -> None:
        """Fetch a file, and record whether the user may see it."""
        world, user = self.world, actor.client.user
        token, issued_s = world.token(user, actor.client.device)
        path = f"/v1/media/{place.room}/{place.seq}/{place.file}"
        database = world.machine._directory / DATABASE
        before, began = may_see(database, user, place), world.loop.time()
        try:
            asked = ("request", "GET", link) if link else ("request", "GET", path, token)
            answer = await self.media.ask(*asked)
        except Unreached:
            return
        if world.machine._directory / DATABASE != database:
            return
        after = may_see(database, user, place)
        digest = sha256(answer.body).digest()
        world.history.media.fetches.append(
            Fetch(
                user, actor.client.device, issued_s if not link else 0, began, place, answer.status, digest,
                before, after,
            )
        )  # fmt: skip
        world.count("a file was fetched", answer.status == 200)
        world.count("a file was fetched by a link", bool(link) and answer.status == 200)
        world.count("a file was not given", answer.status == 404)


def users(actor: "Actor") -> MediaUsers:
    found: MediaUsers = actor.client.environment.media_users  # type: ignore[attr-defined]
    return found


def send_file(actor: "Actor") -> None:
    kind = ("file", "picture")[users(actor).media.lane.pick(2)]
    room = actor.room()

    def send(file: str) -> None:
        body = {"attachments": [{"url": f"media:{file}", "mime": "x/x"}], "text": "see"}
        actor.post("send", room, body=body)

    users(actor).begin(users(actor).upload(actor, kind, "message", send))


def forward(actor: "Actor") -> None:
    places = users(actor).known(actor)
    if places:
        place = places[users(actor).media.lane.pick(len(places))]
        there = {"room": place.room, "seq": place.seq}
        shown = {"url": f"media:{place.file}", "mime": "x/x", "from": there}
        actor.post("send", actor.room(), body={"attachments": [shown]})


def show(actor: "Actor") -> None:
    """Change the own picture."""

    def put(file: str) -> None:
        actor.ask({"type": "profile.set", "avatar": f"media:{file}"})

    users(actor).begin(users(actor).upload(actor, "picture", "avatar", put))


def fetch(actor: "Actor") -> None:
    places = users(actor).known(actor)
    if places:
        place = places[users(actor).media.lane.pick(len(places))]
        users(actor).begin(users(actor).fetch(actor, place))


def ask_for_links(actor: "Actor") -> None:
    if places := users(actor).known(actor):
        actor.ask({"type": "file.link", "places": [place._asdict() for place in places[-50:]]})


def fetch_by_link(actor: "Actor") -> None:
    """Fetch by a link, which may be old."""
    said = (one for one in actor.client.environment.conversations if one.client == actor.client.name)
    links = [link for one in said for got in one.received for link in got.packet.get("links", ())]
    if links:
        link = links[users(actor).media.lane.pick(len(links))]
        room, seq, file = urlsplit(link["url"]).path.split("/")[3:6]
        users(actor).begin(users(actor).fetch(actor, Place(room, int(seq), file), link["url"]))


MEDIA_ACTIONS: tuple[Callable[["Actor"], None], ...] = (
    *(send_file,) * 6,
    *(forward,) * 3,
    *(fetch,) * 6,
    *(ask_for_links,) * 2,
    *(fetch_by_link,) * 3,
    show,
)
