"""Groups with rules and users who want in, as a writer in memory has them."""

from typing import Any

from msgspec import structs

from chatd.core.joining import Join, State
from chatd.core.policy import RoomDetails
from chatd.core.privacy_settings import PRIVACY
from chatd.core.read_set import GroupRules, PeopleRules, Rules
from chatd.core.room import Member, Room
from chatd.core.sections import ACCOUNT, ChangedRow
from chatd.protocol.codec import encode
from chatd.protocol.groups import Policy
from chatd.protocol.joining import InvitesCreate, InvitesUse, JoinsDecide
from chatd.protocol.privacy import Audience, Privacy, To
from tests.kit.env import START_MS
from tests.kit.group_requests import key
from tests.kit.memory_writer import MemoryWriter, group

EVE = "eve"
YES: To = "everyone"
ASK: To = "friends"
NO: To = "nobody"


def room_of(**policy: Any) -> Room:
    """Return a group of an owner, an admin and a plain member, with these rules."""
    room = group(ann="owner", bob="admin", cat="member")
    room.details = RoomDetails(policy=Policy(**policy))
    return room


def writer_of(room: Room, **groups: Any) -> MemoryWriter:
    people = PeopleRules(enabled=True)
    return MemoryWriter(room, rules=Rules(people=people, groups=GroupRules(**groups)))


def lets(writer: MemoryWriter, user: str, audience: To) -> None:
    """Have `user` let this audience add them; strangers may always ask, unless it is nobody."""
    knock: To = "nobody" if audience == NO else "everyone"
    rules = Privacy(rules={"add": Audience(audience), "knock": Audience(knock)})
    writer.rows[user, ACCOUNT, PRIVACY] = ChangedRow(user, ACCOUNT, PRIVACY, encode(rules))


def put(room: Room, writer: MemoryWriter, state: State, user: str = EVE) -> None:
    """Bring a user into a state."""
    if state == "in":
        room.members[user] = Member(user, "member", START_MS, 1, 0, 0)
    elif state == "banned":
        room.former[user] = Member(user, "member", START_MS, 1, 0, 0, gone="banned")
    elif state != "out":
        by = "bob" if state == "offered" else ""
        writer.joins[room.number, user] = Join(room.number, user, state, by, time=START_MS)
        count = int(state == "asked")
        room.details = structs.replace(room.details, joins=count)


def state_now(room: Room, writer: MemoryWriter, user: str = EVE) -> str:
    if user in room.members:
        return "in"
    if user in room.former and room.former[user].gone == "banned":
        return "banned"
    return writer.joins.get((room.number, user), Join(room.number, user)).kind or "out"


def invite_of(writer: MemoryWriter, room: Room, by: str = "bob", **keys: Any) -> str:
    """Return an invite that `by` makes."""
    request = InvitesCreate(room=room.name, key=key(), **keys)
    return str(writer.ask(by, request).invite.invite)


def use(invite: str, key_: str | None = None, **keys: Any) -> InvitesUse:
    return InvitesUse(invite=invite, key=key_ or key(), **keys)


def decide(room: Room, *users: str, accept: bool = True, **keys: Any) -> JoinsDecide:
    return JoinsDecide(room=room.name, key=key(), users=list(users), accept=accept, **keys)
