"""Groups and channels that anybody may find (protocol.md "Discovery")."""

from typing import Annotated

from msgspec import UNSET, Meta, UnsetType

from chatd.protocol.envelope import Ok, Request
from chatd.protocol.groups import Tag
from chatd.protocol.identifiers import Seq
from chatd.protocol.joining import RoomCard
from chatd.protocol.limits import QUERY_MAX


class RoomsFind(Request, tag="rooms.find", frozen=True, kw_only=True):
    """At least one of `text`, `tag`; with both, rooms that have both."""

    text: Annotated[str, Meta(max_length=QUERY_MAX)] = ""
    tag: Tag | UnsetType = UNSET
    more: Annotated[str, Meta(max_length=48)] | UnsetType = UNSET
    limit: Seq | UnsetType = UNSET


class RoomsFound(Ok, tag="ok", kw_only=True):
    """The rooms with the most members first. `more`: where the next page begins."""

    rooms: list[RoomCard]
    more: str | UnsetType = UNSET
