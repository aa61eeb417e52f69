"""Comments on the posts of a channel: messages of a group that is linked to it (protocol.md "Comments"). Synchronous
and pure.

The channel names the group, and the group the channel; both change in one commit, so they never differ. A comment
says by `post` what it is about, and nothing else is kept of it: the comments on a post are found by an index of the log
(storage/sqlite/comments.py), and there is no count that could be wrong.
"""

from typing import Literal

from msgspec import UNSET, structs

from chatd.core.governance import kept_details, ranks
from chatd.core.permissions import authorize
from chatd.core.read_set import ReadSet
from chatd.core.room import Member, Room
from chatd.core.write_set import WriteSet
from chatd.protocol.errors import Refused
from chatd.protocol.messages import Event


def check_post(room: Room, post: int, reads: ReadSet) -> None:
    """Raise Refused("not_found") unless messages of `room` comment on a channel that has got so far."""
    channel = reads.rooms.get(room.details.channel)
    if channel is None or post > channel.seq:
        raise Refused("not_found", "no such post", field="post")


def follows_channel(room: Room, user: str, reads: ReadSet) -> bool:
    """Whether a group holds the comments of a channel that `user` follows."""
    channel = reads.rooms.get(room.details.channel)
    return channel is not None and user in channel.members


def check_link(channel: Room, name: str, user: str, member: Member, reads: ReadSet) -> None:
    """Raise Refused unless `user`, in the role of `member`, may have the comments of `channel` in the group `name`, or
    in none.
    """
    if not channel.is_channel:
        raise Refused("bad_request", "only a channel has comments", field="comments")
    if not ranks(member, "owner"):
        raise Refused("forbidden", "only the owner changes where comments are", field="comments")
    if not name:
        return
    group, _ = authorize(reads.rooms.get(name), user, "role")
    if group.is_channel:
        raise Refused("bad_request", "comments are written in a group", field="comments")
    if group.details.commented not in ("", channel.name) or group.details.channel:
        raise Refused("conflict", "the group has the comments of another channel", field="comments")


def link(channel: Room, former: str, user: str, writes: WriteSet, reads: ReadSet) -> None:
    """Tell the group that has the comments of `channel` from now on, and the `former` one."""
    for name, linked in ((former, ""), (channel.details.comments, channel.name)):
        group = reads.rooms.get(name)
        if group is not None:
            change(group, "channel", linked, user, writes)


def unlink(room: Room, user: str, writes: WriteSet, reads: ReadSet) -> None:
    """End the link of a channel or group that is being deleted."""
    other = reads.rooms.get(room.details.comments or room.details.channel)
    if other is not None:
        # The reply is no event of the other room.
        writes.origin = None
        change(other, "comments" if other.is_channel else "channel", "", user, writes)


def change(room: Room, key: Literal["comments", "channel"], name: str, user: str, writes: WriteSet) -> None:
    """Set one side of a link, and log it."""
    ever = {"commented": name} if key == "channel" and name else {}
    writes.touch(room).details = kept_details(structs.replace(room.details, **{key: name}, **ever))
    writes.refreshed[room.number, ""] = room
    event = Event(seq=0, kind="settings", user=user or UNSET)
    setattr(event, key, name)
    writes.append(room, event)
