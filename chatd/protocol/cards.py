"""Shared cards, forwards and mention spans (protocol.md "Sharing")."""

from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from chatd.protocol.identifiers import U53, Mention, Milliseconds, Room, Seq, User

CardType = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_]{0,15}\Z")]
KnownCard = Literal["link", "post", "album", "app", "place", "contact", "room", "sticker"]
Coordinate = Annotated[int, Meta(ge=-1_800_000_000, le=1_800_000_000)]
CardText = Annotated[str, Meta(max_length=1024)]
CardUrl = Annotated[str, Meta(min_length=1, max_length=2048)]


class Card(Struct, omit_defaults=True, frozen=True):
    """Something shared, shown as a card; `text` of its body is its fallback (core/cards.py says what each type has).

    `lat`, `lon`: degrees times ten million. `ref`: an id of the host app. `image`: an https URL, or `media:ID`.
    """

    type: CardType
    url: CardUrl | UnsetType = UNSET
    title: Annotated[str, Meta(min_length=1, max_length=256)] | UnsetType = UNSET
    text: CardText | UnsetType = UNSET
    image: CardUrl | UnsetType = UNSET
    images: Annotated[list[CardUrl], Meta(max_length=9)] | UnsetType = UNSET
    ref: Annotated[str, Meta(min_length=1, max_length=256)] | UnsetType = UNSET
    user: User | UnsetType = UNSET
    invite: Annotated[str, Meta(pattern=r"^[A-Za-z0-9_\-]{22}\Z")] | UnsetType = UNSET
    lat: Coordinate | UnsetType = UNSET
    lon: Coordinate | UnsetType = UNSET
    count: U53 | UnsetType = UNSET
    width: U53 | UnsetType = UNSET
    height: U53 | UnsetType = UNSET
    data: Annotated[str, Meta(max_length=4096)] | UnsetType = UNSET


class SentCard(Card, forbid_unknown_fields=True, frozen=True):
    """A card as a client may send it: unknown keys are detected."""


class Span(Struct, frozen=True):
    """The place of a mention in the text, in characters (Unicode code points)."""

    at: U53
    length: Annotated[int, Meta(ge=1, le=256)]
    user: Mention


class MessageOrigin(Struct, omit_defaults=True, frozen=True):
    """The source of a forwarded message, written by the server; all keys absent: it was forwarded."""

    room: Room | UnsetType = UNSET
    seq: Seq | UnsetType = UNSET
    user: User | UnsetType = UNSET
    time: Milliseconds | UnsetType = UNSET
