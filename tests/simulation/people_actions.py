"""The actions of users upon one another: friends, blocks, circles, privacy, cards, direct rooms."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from chatd.core.privacy import BOUNDS, RANKS
from tests.simulation.history import Packet

if TYPE_CHECKING:
    from tests.simulation.actions import Actor

# Few, so that several users move among the same ones.
CIRCLES = 3
# Changes of a block one after the other, and the shortest time between two: a commit takes a few of them.
WAVERS = 6
WAVER_S = 0.0005
# The widest audiences and the narrowest, as far as a user may choose them.
AUDIENCES = {
    capability: [
        to
        for to, rank in sorted(RANKS.items(), key=lambda item: item[1])
        if RANKS[bound.narrowest] <= rank <= RANKS[bound.widest]
    ]
    for capability, bound in BOUNDS.items()
}


def other(actor: "Actor") -> str:
    """Return another user."""
    others = [user for user in actor.users if user != actor.client.user]
    return others[actor.client.lane.pick(len(others))]


def seen(actor: "Actor", user: str) -> Packet:
    """Return the key `seen`: mostly absent, else the stamp of the row that this device has, or of an older one."""
    stamp, _ = actor.client.storage.rows.get("contacts", {}).get(user, (0, None))
    fate = actor.client.lane.pick(4)
    return {"seen": max(0, stamp - (fate == 3))} if fate > 1 else {}


def befriend(kind: str) -> Callable[["Actor"], None]:
    """Return an action of friendship."""

    def act(actor: "Actor") -> None:
        user = other(actor)
        actor.ask({"type": f"friend.{kind}", "user": user, **seen(actor, user)})

    return act


def keep(**keys: Any) -> Callable[["Actor"], None]:
    """Return an action that keeps something of another user."""

    def act(actor: "Actor") -> None:
        user = other(actor)
        actor.ask({"type": "contact.set", "user": user, **keys, **seen(actor, user)})

    return act


def remark(actor: "Actor") -> None:
    keep(remark=("", "Ann", "Bob")[actor.client.lane.pick(3)])(actor)


def sort(actor: "Actor") -> None:
    """Put another user into circles, perhaps into none."""
    lane = actor.client.lane
    keep(circles=[number for number in range(1, 1 + CIRCLES) if lane.pick(2)])(actor)


def make_circle(actor: "Actor") -> None:
    name = f"circle{actor.client.lane.pick(CIRCLES)}"
    actor.ask({"type": "circle.set", "name": name})


def drop_circle(actor: "Actor") -> None:
    actor.ask({"type": "circle.delete", "number": 1 + actor.client.lane.pick(CIRCLES)})


def choose_privacy(actor: "Actor") -> None:
    """Choose the audience of one capability; or of presence, which takes effect elsewhere than the others."""
    lane = actor.client.lane
    capability = "presence" if lane.befalls(3) else [*AUDIENCES][lane.pick(len(AUDIENCES))]
    wide = AUDIENCES[capability]
    audience: Packet = {"to": wide[lane.pick(len(wide))]}
    if lane.befalls(3):
        audience["deny" if lane.befalls(2) else "allow"] = [1 + lane.pick(CIRCLES)]
    actor.ask({"type": "privacy.set", "rules": {capability: audience}})


def change_card(actor: "Actor") -> None:
    lane = actor.client.lane
    fields = ({"name": f"n{lane.pick(9)}"}, {"bio": "Two wheels."}, {"handle": f"handle{lane.pick(3)}"})
    actor.ask({"type": "profile.set", **fields[lane.pick(len(fields))]})


def open_direct(actor: "Actor") -> None:
    actor.ask({"type": "room.direct", "user": other(actor)})


def write_direct(actor: "Actor") -> None:
    """Write to another user, as a stranger perhaps; the room is made when it is not there yet."""
    user = other(actor)
    room = actor.client.storage.directs.get(user)
    if room is None:
        actor.ask({"type": "room.direct", "user": user})
    else:
        actor.post("send", room, body={"text": "hello"})


def on_request(kind: str, **keys: Any) -> Callable[["Actor"], None]:
    """Return an answer to a message request, or, where there is none, to any other direct room."""

    def act(actor: "Actor") -> None:
        rooms = [*(sorted(actor.client.storage.requests) or actor.client.storage.directs.values())]
        if rooms:
            actor.ask({"type": kind, "room": rooms[actor.client.lane.pick(len(rooms))], **keys})

    return act


def waver(actor: "Actor") -> None:
    """Block another user and let them be again and again, so fast that a room is read while a commit changes it."""
    lane, loop = actor.client.lane, actor.client.environment.loop
    if actor.client.storage.directs:
        user = [*actor.client.storage.directs][lane.pick(len(actor.client.storage.directs))]
        look = {"type": "room.get", "room": actor.client.storage.directs[user]}
        at = 0.0
        for turn in range(WAVERS):
            at += WAVER_S * (1 + lane.pick(4))
            change = {"type": "contact.set", "user": user, "blocked": turn % 2 == 0}
            loop.call_later(at, actor.ask, change)
            loop.call_later(at + WAVER_S, actor.ask, look)


def type_direct(actor: "Actor") -> None:
    """Type in a direct room which both users have on screen, if the other one does the same."""
    rooms = [*actor.client.storage.directs.values()]
    if rooms:
        room = rooms[actor.client.lane.pick(len(rooms))]
        actor.ask({"type": "focus", "rooms": [room]})
        actor.send({"type": "typing", "room": room})


def look_up(actor: "Actor") -> None:
    lane = actor.client.lane
    page = (
        {"type": "users.get", "users": actor.users, "page": True},
        {"type": "users.get", "users": actor.users},
        {"type": "users.find", "handle": f"handle{lane.pick(3)}"},
        {"type": "users.get", "users": [actor.client.user], "as": "stranger"},
    )
    actor.ask(page[lane.pick(len(page))])


def watch_all(actor: "Actor") -> None:
    actor.ask({"type": "watch", "users": actor.users})


PEOPLE_ACTIONS: tuple[Callable[["Actor"], None], ...] = (
    *(befriend("request"),) * 4,
    *(befriend("accept"),) * 3,
    befriend("decline"),
    befriend("cancel"),
    befriend("remove"),
    *(keep(blocked=True),) * 2,
    *(keep(blocked=False),) * 2,
    keep(following=True),
    remark,
    sort,
    make_circle,
    drop_circle,
    *(waver,) * 2,
    *(choose_privacy,) * 2,
    change_card,
    open_direct,
    *(write_direct,) * 5,
    on_request("room.accept"),
    on_request("room.decline"),
    on_request("room.decline", block=True),
    type_direct,
    *(look_up,) * 2,
    *(watch_all,) * 2,
)
