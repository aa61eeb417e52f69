"""Search in messages (protocol.md "Search")."""

from typing import Annotated

from msgspec import UNSET, Meta, Raw, Struct, UnsetType

from chatd.protocol.envelope import Ok, Request
from chatd.protocol.identifiers import U53, Milliseconds, Room, Seq, User, Word
from chatd.protocol.limits import QUERY_MAX

# image, video, voice, file, link, mention, or card:TYPE.
Has = Annotated[str, Meta(pattern=r"^(image|video|voice|file|link|mention|card:[a-z][a-z0-9_]{0,15})\Z")]


class Search(Request, tag="search", frozen=True, kw_only=True, rename={"from_": "from"}):
    """At least one of `text`, `from`, `has`. With `room`: its messages, newest first; else one row a room."""

    room: Room | UnsetType = UNSET
    text: Annotated[str, Meta(max_length=QUERY_MAX)] = ""
    from_: User | UnsetType = UNSET
    has: Annotated[list[Has], Meta(max_length=4)] = []
    since: Milliseconds | UnsetType = UNSET
    until: Milliseconds | UnsetType = UNSET
    more: Word | UnsetType = UNSET
    limit: Seq | UnsetType = UNSET


class Hit(Struct, omit_defaults=True):
    """A message that was found. Over all rooms: the newest of its room, and how many there are; 10 is ten or more."""

    event: Raw
    room: str | UnsetType = UNSET
    count: U53 = 0


class SearchOk(Ok, tag="ok", kw_only=True):
    """`behind`: so many events of these rooms were not searched, because the index has not seen them."""

    hits: list[Hit]
    more: str | UnsetType = UNSET
    behind: U53 = 0
