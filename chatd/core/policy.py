"""The rules of a group or channel, as they hold: what its admins set, else the default of its kind (protocol.md
"Governed groups")."""

from msgspec import Struct, convert

from chatd.protocol.codec import decode_tree
from chatd.protocol.groups import Policy


class RoomDetails(Struct, omit_defaults=True, frozen=True):
    """What few rooms have: stored as one MessagePack map, and replaced, never changed in place.

    `announcement`: the seq of a message, 0 for none. `kept`: in a direct room, messages up to this one were there
    before somebody chose how long messages are kept, and stay. `joins`: the requests to join that wait. `barred`: the
    host app keeps it out of the directory. `comments`: of a channel, the group of its comments; `channel`: of that
    group, the channel; `commented`: the one that it ever was of, whose posts its comments name. Empty: none.
    """

    policy: Policy = Policy()
    about: str = ""
    tags: tuple[str, ...] = ()
    announcement: int = 0
    joins: int = 0
    kept: int = 0
    barred: bool = False
    comments: str = ""
    channel: str = ""
    commented: str = ""


NO_DETAILS = RoomDetails()


def details_of(packed: bytes) -> RoomDetails:
    """Return stored details; NO_DETAILS, the object, where there are none."""
    return convert(decode_tree(packed), RoomDetails) if packed else NO_DETAILS
