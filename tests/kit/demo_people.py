"""People as they know each other, beside the chats of `demo_chats`: for screenshots, and for tests of their screens."""

from chatd.client import Client
from tests.kit import demo_chats

FRIENDS = ("bob", "carol", "daniel", "lin")
CIRCLES = {"Family": ("bob",), "Cycling": ("bob", "carol", "lin"), "Work": ("daniel",)}
CARDS = {
    "alice": {
        "handle": "alice.w",
        "theme": {"name": "river", "colors": ["#2b6cb0", "#4fa3c7", "#9bd3c9"]},
        "bio": "Maps, pumps and spare tubes.",
        "fields": [
            {"name": "Town", "value": "Bruges"},
            {"name": "Phone", "value": "+32 470 12 34 56", "to": "friends"},
        ],
    },
    "carol": {
        "handle": "carol.rides",
        "theme": {"name": "dusk", "colors": ["#5b4b9a", "#a45f97", "#e8a07e"]},
        "bio": "Slow bikes, fast coffee. 慢慢骑。\nSay hello when you pass the lock.",
        "fields": [{"name": "Town", "value": "Ghent"}, {"name": "Birthday", "value": "12 May"}],
    },
}
WANG = "We met on the river path on Sunday. I am the one with the red tandem and the broken bell."
ANYBODY = {"to": "everyone"}
RULES = {
    "write": {"to": "friends"},
    "add": {"to": "friends"},
    "presence": {"to": "nobody", "allow": [1, 2]},
    "call": {"to": "friends", "deny": [3]},
}


async def befriend(one: Client, other: Client) -> None:
    await one.call({"type": "friend.request", "user": other.user})
    await other.call({"type": "friend.accept", "user": one.user})


async def fill(clients: dict[str, Client], stranger: Client) -> dict[str, str]:
    """Fill the chats of friends, and give Alice cards, circles, requests of all kinds and a blocked person.

    Return the rooms by name: those of `demo_chats`, and `stranger`, in which a stranger asks.
    """
    alice = clients["alice"]
    for client in clients.values():
        await client.call({"type": "privacy.set", "rules": {"write": ANYBODY, "add": ANYBODY}})
    rooms = await demo_chats.fill(clients)
    for user in FRIENDS:
        await befriend(alice, clients[user])
    for user, card in CARDS.items():
        await clients[user].call({"type": "profile.set", **card})
    names = [*CIRCLES]
    for name in names:
        await alice.call({"type": "circle.set", "name": name})
    for user in FRIENDS:
        circles = [names.index(name) + 1 for name in names if user in CIRCLES[name]]
        await alice.call({"type": "contact.set", "user": user, "circles": circles})
    await alice.call({"type": "contact.set", "user": "carol", "remark": "Carol (bikes)", "following": True})
    await alice.call({"type": "privacy.set", "rules": RULES})
    await clients["wang"].call({"type": "friend.request", "user": "alice", "note": WANG})
    await alice.call({"type": "friend.request", "user": "nur", "note": "Alice from the ferry."})
    await alice.call({"type": "contact.set", "user": "eve", "blocked": True})
    room = await stranger.direct("alice")
    await room.send("Hello Alice, is the blue tent still for sale?")
    return {**rooms, "stranger": room.id}
