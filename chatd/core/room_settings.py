"""The settings of a room: what it says of itself, and its rules (protocol.md "Rooms and members", "Governed groups").
Synchronous and pure.
"""

from typing import Any

from msgspec import UNSET, structs

from chatd.core.comments import check_link, link
from chatd.core.discovery import list_anew, names_of
from chatd.core.governance import changed_policy, details_with, kept_details, ranks, rule
from chatd.core.held_files import avatar_holder, check_picture, hold
from chatd.core.idempotency import acknowledgement, first_time, once, same
from chatd.core.may_post import check_not_silenced
from chatd.core.permissions import HOST_AS_MEMBER, authorize
from chatd.core.read_set import ReadSet
from chatd.core.room import CHANNEL, Member, Room
from chatd.core.write_set import WriteSet
from chatd.protocol.codec import decode_tree, encode
from chatd.protocol.errors import Refused
from chatd.protocol.groups import Policy
from chatd.protocol.messages import Event, WriteOk
from chatd.protocol.rooms import RoomCreate, RoomUpdate

SETTINGS = ("title", "avatar", "public", "data", "about", "tags", "comments")
# Whoever may change the title may not change these, but an admin may.
MODERATED = frozenset(("public", "data", "policy"))
# The rule that both users of a direct room may choose, and the owner of a group.
RETAINED = Policy(retain_s=0)


def first_policy(request: RoomCreate) -> Policy:
    """Return the rules that a new room gets besides the defaults of its kind."""
    if request.policy is UNSET:
        return Policy()
    blank = Room(0, "", request.kind, "", 0)
    asked = structs.replace(request, public=request.public or UNSET)
    return changed_policy(blank, wanted_policy(blank, asked), HOST_AS_MEMBER)


def set_first_settings(room: Room, request: RoomCreate, policy: Policy) -> None:
    """Give a new room the settings that its creator asks for."""
    room.title = request.title
    room.avatar = "" if request.avatar is UNSET else request.avatar
    room.data = b"" if request.data is UNSET else encode(request.data)
    is_public = request.public or room.kind == CHANNEL
    room.public = is_public if policy.join is UNSET else policy.join == "open"
    room.details = details_with(room, policy)
    room.retain_s = rule(room, "retain_s")
    about, tags = request.about or "", request.tags or []
    room.details = kept_details(structs.replace(room.details, about=about, tags=tuple(tags)))


@once
def update(user: str, request: RoomUpdate, writes: WriteSet, reads: ReadSet) -> WriteOk:
    """Change what a room says of itself, or its rules; the event names only values that differ."""
    digest = first_time(user, request, writes, reads)
    room, member = authorize(reads.rooms.get(request.room), user, action_of(request))
    check_not_silenced(member, writes.now)
    changed = new_settings(room, request, member)
    if not changed:
        return WriteOk(duplicate=True)
    if "comments" in changed:
        check_link(room, changed["comments"], user, member, reads)
    if "avatar" in changed:
        check_picture(changed["avatar"], "avatar", (user,), "avatar", reads)
        hold(avatar_holder(room), changed["avatar"], writes, reads)
    before, former = names_of(room), room.details.comments
    set_settings(writes.touch(room), changed)
    list_anew(room, before, writes)
    writes.refreshed[room.number, ""] = room
    event = Event(seq=0, kind="settings", user=user or UNSET, **changed)
    reply = acknowledgement(request, writes.append(room, event, key=request.key, digest=digest))
    if "comments" in changed:
        link(room, former, user, writes, reads)
    return reply


def action_of(request: RoomUpdate) -> str:
    """Return what one must be allowed to do for an update: how long messages are kept is for direct rooms, too."""
    others = any(getattr(request, name) is not UNSET for name in SETTINGS)
    keeps = request.policy is not UNSET and structs.replace(request.policy, retain_s=0) == RETAINED
    return "retain" if keeps and not others else "update"


def new_settings(room: Room, request: RoomUpdate, member: Member) -> dict[str, Any]:
    """Return the settings that an update would change, by name; raise Refused unless `member` may change them.

    Whether a group is public is for admins, until an owner says who may join.
    """
    details = room.details
    now = {"title": room.title, "avatar": room.avatar, "about": details.about, "tags": [*details.tags]}
    now["comments"] = details.comments
    changed = {
        name: wanted
        for name, value in now.items()
        if (wanted := getattr(request, name)) not in (UNSET, value)
    }
    if request.data is not UNSET and not (room.data and same(decode_tree(room.data), request.data)):
        changed["data"] = request.data
    policy = changed_policy(room, wanted_policy(room, request), member)
    if policy != Policy():
        changed["policy"] = policy
    public = request.public if policy.join is UNSET else policy.join == "open"
    if public not in (UNSET, room.public):
        changed["public"] = public
    if changed.keys() & MODERATED and not (room.direct or ranks(member, "admin")):
        raise Refused("forbidden", "only an admin changes this")
    return changed


def wanted_policy(room: Room, request: RoomUpdate | RoomCreate) -> Policy:
    """Return the rules that a request asks for: where the owner chose who may join, `public` is another word for it."""
    policy = Policy() if request.policy is UNSET else request.policy
    join, chosen, public = policy.join, room.details.policy.join, request.public
    if public is UNSET:
        return policy
    if join is UNSET:
        says_so = chosen is UNSET or public == (chosen == "open")
        return policy if says_so else structs.replace(policy, join="open" if public else "closed")
    if public != (join == "open"):
        raise Refused("bad_request", "`public` is the same as `join` open", field="policy.join")
    return policy


def set_settings(room: Room, changed: dict[str, Any]) -> None:
    """Put settings in force, by name."""
    for name in ("title", "avatar", "public"):
        if name in changed:
            setattr(room, name, changed[name])
    if "data" in changed:
        room.data = encode(changed["data"])
    if "policy" in changed:
        before = room.retain_s
        room.details = details_with(room, changed["policy"])
        room.retain_s = rule(room, "retain_s")
        if room.direct and not (before and room.retain_s):
            # Neither of the two takes from the other what was written before both knew.
            kept = room.seq if room.retain_s else 0
            room.details = kept_details(structs.replace(room.details, kept=kept))
    if "about" in changed or "tags" in changed:
        about, tags = changed.get("about", room.details.about), changed.get("tags", room.details.tags)
        room.details = kept_details(structs.replace(room.details, about=about, tags=tuple(tags)))
    if "comments" in changed:
        room.details = kept_details(structs.replace(room.details, comments=changed["comments"]))
