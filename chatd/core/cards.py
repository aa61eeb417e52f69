"""Cards and places of mentions in a body: what each type of card must have, and may (protocol.md "Sharing").

A card shows nothing that its reader would have to fetch from anybody but this server and the hosts that the operator
names: so to read a chat tells no third party. Synchronous and pure.
"""

import re
from collections.abc import Container, Iterator, Mapping
from typing import NamedTuple

from msgspec import UNSET, UnsetType, structs

from chatd.protocol.cards import Card, KnownCard, Span
from chatd.protocol.codec import encode
from chatd.protocol.errors import Refused
from chatd.protocol.limits import CARD_BYTES_MAX, UNKNOWN_CARD_BYTES_MAX
from chatd.protocol.media import SCHEME
from chatd.protocol.messages import Body

# Degrees of latitude, times ten million.
LATITUDE_MAX = 900_000_000
# No name or password before the host, which only mislead, and none of the spellings that browsers repair.
_URL = re.compile(r"https://([^\s/?#\\@]+)(?:[/?#][^\s\\]*)?\Z")


class Shape(NamedTuple):
    """The keys of one type of card: those that it must have, and those that it may have besides."""

    must: tuple[str, ...]
    may: frozenset[str] = frozenset()


_OF_HOST = Shape(("ref", "title"), frozenset(("url", "text", "image", "images", "user", "count", "data")))

SHAPES: Mapping[KnownCard, Shape] = {
    "link": Shape(("url", "title"), frozenset(("text", "image"))),
    "post": _OF_HOST,
    "album": _OF_HOST,
    "app": _OF_HOST,
    "place": Shape(("lat", "lon"), frozenset(("title", "text", "image"))),
    "contact": Shape(("user",), frozenset(("title", "image"))),
    "room": Shape(("invite",), frozenset(("title", "image"))),
    "sticker": Shape(("ref", "image"), frozenset(("width", "height"))),
}
_UNKNOWN = Shape((), frozenset(Card.__struct_fields__))


def check_shared(body: Body, image_hosts: Container[str]) -> None:
    """Refuse a card that is none, spans that are not the places of mentions, and an origin, which the server says."""
    if body.forwarded is not UNSET:
        raise Refused("bad_request", "only the server says what is forwarded", field="body.forwarded")
    if body.spans is not UNSET:
        check_spans(body.spans, body)
    if body.card is not UNSET:
        try:
            check_card(body.card, image_hosts)
        except Refused as refused:
            refused.field = f"body.card.{refused.field}" if refused.field else "body.card"
            raise


def check_card(card: Card, image_hosts: Container[str]) -> None:
    """Refuse a card without what its type must have, or with what none of its type has."""
    shape = SHAPES.get(card.type, _UNKNOWN)  # type: ignore[call-overload]
    for name in shape.must:
        if getattr(card, name) is UNSET:
            raise Refused("bad_request", f"a card of type {card.type} has `{name}`", field=name)
    for name in Card.__struct_fields__:
        is_known = name == "type" or name in shape.must or name in shape.may
        if not is_known and getattr(card, name) is not UNSET:
            raise Refused("bad_request", f"a card of type {card.type} has no `{name}`", field=name)
    most = UNKNOWN_CARD_BYTES_MAX if shape is _UNKNOWN else CARD_BYTES_MAX
    if len(encode(card)) > most:
        raise Refused("too_large", f"a card of type {card.type} is at most {most} bytes")
    if card.lat is not UNSET and abs(card.lat) > LATITUDE_MAX:
        raise Refused("bad_request", "a latitude is from -900000000 to 900000000", field="lat")
    if card.url is not UNSET and not host_of(card.url):
        raise Refused("bad_request", "an address is https, without spaces and names of users", field="url")
    for field, url in pictures(card):
        if not url.startswith(SCHEME) and host_of(url) not in image_hosts:
            said = "a picture is a file of this server, or comes from a host that it allows"
            raise Refused("bad_request", said, field=field)


def host_of(url: str) -> str:
    """Return the host of an https address, with its port if it has one; "" where it is no such address.

    >>> host_of("https://Example.com/a")
    'example.com'
    >>> host_of("https://example.com@evil.example")
    ''
    """
    found = _URL.match(url) if url.isprintable() else None
    return found[1].lower() if found else ""


def pictures(card: Card) -> Iterator[tuple[str, str]]:
    """Yield the addresses of the pictures of a card, each with the name of its field."""
    if card.image is not UNSET:
        yield "image", card.image
    if card.images is not UNSET:
        yield from ((f"images[{place}]", url) for place, url in enumerate(card.images))


def with_pictures(card: Card, urls: Mapping[str, str]) -> Card:
    """Return a card with other addresses of its pictures, by the names of their fields."""
    image: str | UnsetType = urls.get("image", card.image)
    images = card.images
    if images is not UNSET:
        images = [urls.get(f"images[{place}]", url) for place, url in enumerate(images)]
    return structs.replace(card, image=image, images=images)


def check_spans(spans: list[Span], body: Body) -> None:
    """Refuse places that are not in the text, not in its order, or of somebody whom the message does not mention."""
    length = len(body.text) if body.text is not UNSET else 0
    named = () if body.mentions is UNSET else body.mentions
    end = 0
    for place, span in enumerate(spans):
        field = f"body.spans[{place}]"
        if span.at < end or span.at + span.length > length:
            raise Refused("bad_request", "a span is in the text, behind the one before it", field=field)
        if span.user not in named:
            raise Refused("bad_request", "the user of a span is one of `mentions`", field=f"{field}.user")
        end = span.at + span.length
