"""Moving in: users, rooms, members and messages from another chat, as they were there (docs/import.md). Pure.

**It may be repeated.** What is imported keeps the name it has elsewhere: a room in a table, a message as its key. What
is here already is left as it is, so an import that was cut is begun again, and a second one changes nothing.

**It is no news.** A message has its own time and no ordinal: it is unread for nobody, and no row of a member changes.
It costs its author nothing, is not screened, and is not told in the feed.

**Times go up.** An event is never earlier than the one before it in its room, and never later than now.

**Whoever wrote or reacted and is in the room no more is a former member of it**: what somebody said is found by their
memberships when they are erased or exported.

Nothing stops an import. What was changed to fit, or left out, is noted with its line and a word for the reason.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from msgspec import UNSET, field

from chatd.core.accounts import Amend, amend
from chatd.core.discovery import list_anew
from chatd.core.erasures import Erasure
from chatd.core.held_files import avatar_holder, check_picture, hold
from chatd.core.members import add_member
from chatd.core.permissions import HOST
from chatd.core.read_set import DirectPair, ReadSet, pair
from chatd.core.room import DIRECT, Room
from chatd.core.room_settings import set_first_settings
from chatd.core.rooms import new_room
from chatd.core.write_set import WriteSet
from chatd.protocol.envelope import Ok
from chatd.protocol.errors import Refused
from chatd.protocol.groups import Policy
from chatd.protocol.limits import MEMBERS_CHANGED_MAX
from chatd.protocol.members import Role
from chatd.protocol.messages import Event
from chatd.protocol.rooms import RoomCreate
from chatd.protocol.users import UserKind

ROOM_PREFIX = "import:"
NO_RULES = Policy()


class PastMember(NamedTuple):
    """A member of a room since `time` (Unix ms), 0 for its beginning. `line`: where they stand in an upload."""

    line: int
    user: str
    role: Role
    time: int


@dataclass(slots=True, frozen=True)
class ImportUser:
    """Add the account of the user who asks, or give it what it has not. `created_at`: in Unix ms, 0 for now."""

    line: int
    name: str = ""
    avatar: str = ""
    kind: UserKind = "person"
    created_at: int = 0


@dataclass(slots=True, frozen=True)
class ImportRoom:
    """Make a room that has this name elsewhere, or find it. `creator`: "" for none. `data`: as MessagePack.

    `policy`, `about`, `tags`: of a group.
    """

    line: int
    name: str
    kind: str
    time: int
    title: str = ""
    avatar: str = ""
    data: bytes = b""
    public: bool = False
    creator: str = ""
    policy: Policy = NO_RULES
    about: str = ""
    tags: Sequence[str] = ()
    joining: Sequence[PastMember] = ()


@dataclass(slots=True, frozen=True)
class ImportMembers:
    """Add users to a room that was imported."""

    room: str
    joining: Sequence[PastMember]


@dataclass(slots=True, frozen=True)
class ImportedRoom:
    """A record: the room number of a name elsewhere."""

    name: str
    room: int


Note = tuple[str, int]
"""A word for what was done differently, and the line."""


class Imported(Ok, kw_only=True):
    """The reply: how much is new, and what was not, or not as it came. `room`: the name it has here."""

    room: str = ""
    users: int = 0
    rooms: int = 0
    members: int = 0
    messages: int = 0
    duplicates: int = 0
    mended: list[Note] = field(default_factory=list)
    left_out: list[Note] = field(default_factory=list)


def import_user(user: str, request: ImportUser, writes: WriteSet, reads: ReadSet) -> Imported:
    """Add an account. One that is there keeps what it has: its user may have changed it since."""
    if is_erased(user, reads):
        return Imported(left_out=[("erased", request.line)])
    account = reads.accounts.get(user)
    done = Imported(users=1) if account is None else Imported(duplicates=1)
    avatar = known_picture(request.avatar, (HOST, user), request.line, done, reads)
    change = Amend(
        name=request.name if account is None or not account.name else None,
        avatar=avatar if account is None or not account.avatar else None,
        kind=request.kind if account is None else None,
        created_at=request.created_at if account is None and request.created_at else None,
    )
    amend(user, change, writes, reads)
    return done


def known_picture(url: str, owners: Collection[str], line: int, done: Imported, reads: ReadSet) -> str:
    """Return the address of an avatar; "" for a file of this server that is none of its owners."""
    try:
        check_picture(url, "avatar", owners, "avatar", reads)
    except Refused:
        done.mended.append(("avatar_dropped", line))
        return ""
    return url


def is_erased(user: str, reads: ReadSet) -> bool:
    """Whether a user is erased, or about to be: nothing of theirs comes back."""
    erasure = reads.records_of(Erasure).get(user)
    return erasure is not None and not erasure.is_over


def import_room(user: str, request: ImportRoom, writes: WriteSet, reads: ReadSet) -> Imported:
    """Make a room, or find the one that was made before; then add those of its members who are missing."""
    done = Imported()
    if request.kind == DIRECT and len({one.user for one in request.joining}) != 2:
        done.left_out.append(("not_of_two", request.line))
        return done
    room = reads.created.get((HOST, ROOM_PREFIX + request.name))
    if room is not None:
        done.duplicates += 1
    else:
        room = found_or_made(request, done, writes, reads)
        reads.created[HOST, ROOM_PREFIX + request.name] = room
        writes.add(ImportedRoom(request.name, room.number))
    done.room = room.name
    if room.deleted_by is None and not room.direct:
        join(room, request.joining, done, writes, reads)
    return done


def found_or_made(request: ImportRoom, done: Imported, writes: WriteSet, reads: ReadSet) -> Room:
    """Return the direct room that two users have already, or a new room."""
    users = [one.user for one in request.joining]
    if request.kind == DIRECT and (room := reads.pairs.get(pair(*dict.fromkeys(users)))) is not None:
        done.duplicates += 1
        return room
    # A group whose creator is gone belongs to the host, or it would have no owner.
    creator = request.creator if request.creator in users else HOST
    if request.kind == DIRECT:
        creator = creator or users[0]
    room = new_room(request.kind, creator, writes, reads)
    room.created_at = room.time = past(request.time, 0, request.line, done, writes)
    avatar = known_picture(request.avatar, (HOST, request.creator), request.line, done, reads)
    creation = RoomCreate(
        key="", kind="group", title=request.title, avatar=avatar, public=request.public, about=request.about,
        tags=[*request.tags],
    )  # fmt: skip
    set_first_settings(room, creation, request.policy)
    room.data = request.data
    list_anew(room, frozenset(), writes)
    hold(avatar_holder(room), avatar, writes, reads)
    if room.direct:
        reads.pairs[pair(*dict.fromkeys(users))] = room
        writes.add(DirectPair(*pair(*dict.fromkeys(users)), room.number))
    add_all(room, [with_owner(one, room) for one in request.joining], done, writes, reads)
    named = room.users[:MEMBERS_CHANGED_MAX]
    event = Event(seq=0, kind="created", time=room.time, user=request.creator or UNSET, users=[*named])
    writes.append(room, event, past=True)
    done.rooms += 1
    return room


def with_owner(one: PastMember, room: Room) -> PastMember:
    """Return a member of a new room, whose creator is its owner."""
    if room.direct:
        return one._replace(role="member")
    return one._replace(role="owner") if one.user == room.creator else one


def import_members(user: str, request: ImportMembers, writes: WriteSet, reads: ReadSet) -> Imported:
    done = Imported()
    room = reads.rooms.get(request.room)
    if room is None or room.deleted_by is not None or room.direct:
        reason = "not_of_two" if room is not None and room.direct else "room_deleted"
        done.left_out += [(reason, one.line) for one in request.joining]
        return done
    done.duplicates += sum(one.user in room.members for one in request.joining)
    join(room, request.joining, done, writes, reads)
    return done


def join(room: Room, members: Iterable[PastMember], done: Imported, writes: WriteSet, reads: ReadSet) -> None:
    """Add those who are missing. Who was here and left stays away."""
    before = room.size
    add_all(room, members, done, writes, reads)
    if room.size > before:
        writes.refreshed[room.number, "*"] = room


def add_all(
    room: Room, members: Iterable[PastMember], done: Imported, writes: WriteSet, reads: ReadSet
) -> None:
    """Add members, who see everything from the first event on."""
    for one in members:
        if one.user in room.members:
            continue
        reason = kept_out(room, one.user, reads)
        if reason:
            done.left_out.append((reason, one.line))
            continue
        add_member(room, one.user, one.role, writes, reads)
        member = room.members[one.user]
        member.joined_at, member.first_visible = min(one.time or room.created_at, writes.now), 1
        done.members += 1


def kept_out(room: Room, user: str, reads: ReadSet) -> str:
    """Return the reason for which a user may not become a member by an import, "" without one."""
    if is_erased(user, reads):
        return "erased"
    former = room.former.get(user)
    # Former members that the import made never joined here.
    if former is not None and (former.joined_at or former.gone == "banned"):
        return "left_since"
    return "room_full" if room.size >= reads.rules.group_members else ""


def past(time: int, floor: int, line: int, done: Imported, writes: WriteSet) -> int:
    """Return a time that is neither before `floor` nor later than now."""
    if time > writes.now:
        done.mended.append(("time_ahead", line))
        time = writes.now
    if time < floor:
        done.mended.append(("time_backwards", line))
        return floor
    return time
