"""The actions of users in groups that govern themselves: rules, bans, silence, nicknames, the announcement."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from tests.simulation.history import Packet

if TYPE_CHECKING:
    from tests.simulation.actions import Actor

RULES: tuple[Packet, ...] = (
    {"slow_s": 1},
    {"slow_s": 0},
    {"post": "admin"},
    {"post": "member"},
    {"mention_all": "admin"},
    {"invite": "member"},
    {"info": "member", "pin": "member"},
    {"history": "all"},
    {"history": "recent"},
    {"history": "none"},
    {"join": "open"},
    {"join": "closed", "slow_s": 0},
)
# A silence that ends by itself would make a client wait for it in vain: it is refused until it may be sent again.
SILENCES = (1, 0, 0)


def govern(actor: "Actor") -> None:
    actor.post("room.update", actor.room(), policy=RULES[actor.client.lane.pick(len(RULES))])


def on_somebody(kind: str, **fields: Any) -> Callable[["Actor"], None]:
    """Return an action of an admin on a user."""

    def act(actor: "Actor") -> None:
        actor.post(kind, actor.room(), users=[actor.someone()], **fields)

    return act


def silence(actor: "Actor") -> None:
    until = SILENCES[actor.client.lane.pick(len(SILENCES))]
    actor.post("members.silence", actor.room(), users=[actor.someone()], until=until)


def nickname(actor: "Actor") -> None:
    actor.post("members.nickname", actor.room(), nickname=f"n{actor.client.lane.pick(4)}")


def announce(actor: "Actor") -> None:
    room = actor.room()
    target = 0 if actor.client.lane.befalls(4) else actor.target(room)
    if target is not None:
        actor.post("announce", room, target=target)


def look(actor: "Actor") -> None:
    room = actor.room()
    page: tuple[Packet, ...] = (
        {"type": "members.get", "room": room, "users": actor.users},
        {"type": "members.list", "room": room, "role": "banned"},
        {"type": "readers", "room": room, "seq": 1 + actor.client.lane.pick(10), "unread": True},
    )
    actor.ask(page[actor.client.lane.pick(len(page))])


GROUP_ACTIONS: tuple[Callable[["Actor"], None], ...] = (
    *(govern,) * 3,
    on_somebody("members.remove", ban=True),
    on_somebody("members.remove", ban=True, recall=True),
    on_somebody("members.remove", recall=True),
    on_somebody("members.unban"),
    on_somebody("members.add"),
    silence,
    nickname,
    announce,
    look,
)
