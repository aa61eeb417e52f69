"""Chats as people have them, in a running daemon: for screenshots, and for tests that want real content."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from chatd.client import Client
from tests.kit.daemon import RunningDaemon
from tests.kit.tokens import token_for

NAMES = {
    "alice": "Alice Weber",
    "bob": "Bob Miller",
    "carol": "Carol Green",
    "daniel": "Daniel Kern",
    "eve": "Eve Österreich",
    "lin": "林小雨",
    "nur": "نور علي",
    "wang": "王磊",
}
TOUR = (
    ("carol", "Sunday, 9 o'clock at the bridge. It should be dry all day."),
    ("carol", "The café at the lock is open until six."),
    ("lin", "我带早餐 🥐"),
    ("alice", "I have two spare tubes and the big pump."),
    ("daniel", "Train at 8:12 then, platform 4."),
    ("bob", "Who brings the map?"),
    ("alice", "Me! I printed the one with the new path along the river."),
    ("carol", "42 km, and the ferry takes bikes: https://routes.example/river-path"),
    ("bob", "Perfect. See you on Sunday!"),
)


ANSWERED = 5  # the question that the next message quotes


@asynccontextmanager
async def people(daemon: RunningDaemon) -> AsyncIterator[dict[str, Client]]:
    """Give a connected client of each of these people, by user."""
    async with AsyncExitStack() as stack:
        clients = {}
        for user, name in NAMES.items():
            answer = await daemon.api("PUT", f"/v1/users/{user}", name=name)
            assert answer.status == 200
            token = token_for(user)
            clients[user] = await stack.enter_async_context(Client(daemon.url, _giving(token)))
        yield clients


async def fill(clients: dict[str, Client]) -> dict[str, str]:
    """Fill the list of Alice; return the ids of the rooms that a caller may want, by name."""
    alice = clients["alice"]
    for user, theirs, hers in (
        ("daniel", "The tickets are booked, coach 12.", "Thanks!"),
        ("eve", "Did you see the new exhibition?", "Not yet. Friday after work?"),
        ("nur", "شكرا جزيلا، أراك غدا", ""),
        ("carol", "Shall I bring the blue tent?", "Yes, please"),
    ):
        await _talk(alice, clients[user], theirs, hers)
    hike = await alice.create_group("周末爬山", ["wang", "lin", "eve"])
    for text in ("东门有车位吗？", "有，早点到就行。", "七点在东门集合，带上水和雨衣"):
        await clients["wang"].room(hike.id).send(text)
    await hike.preferences(muted_until=1)
    tour = await alice.create_group("Bike tour", ["bob", "carol", "daniel", "lin"])
    await alice.room(tour.id).preferences(pinned=True)
    sent: list[int] = []
    for index, (user, text) in enumerate(TOUR):
        answered = {"reply_to": sent[ANSWERED]} if index == ANSWERED + 1 else {}
        sent.append((await clients[user].room(tour.id).send({"text": text, **answered})).seq)
    for user in ("bob", "alice", "carol"):
        await clients[user].room(tour.id).react(sent[2], "👍")
    await clients["lin"].room(tour.id).react(sent[7], "🚲")
    await (
        clients["bob"].room(tour.id).send({"text": "@Alice, take the long lock, too.", "mentions": ["alice"]})
    )
    direct = await _talk(alice, clients["lin"], "周日几点？", "Nine at the bridge, bring the croissants 🥐")
    await clients["lin"].room(direct).send("好的，周日九点见 🚲")
    return {"tour": tour.id, "hike": hike.id, "lin": direct}


async def _talk(alice: Client, other: Client, theirs: str, hers: str) -> str:
    """Let both say something in their direct room; the other has read what Alice said."""
    room = await other.direct("alice")
    await room.send(theirs)
    if hers:
        seq = (await alice.room(room.id).send(hers)).seq
        alice.room(room.id).read(seq)
        room.read(seq)
    return room.id


def _giving(token: str):  # type: ignore[no-untyped-def]
    async def get_token() -> str:
        return token

    return get_token
