"""Cards as the back end of a host app writes and reads them (protocol.md "Cards")."""

from typing import Annotated

from msgspec import UNSET, Meta, Raw, Struct, UnsetType

from chatd.core.profiles import Card, normal_page, packed, page_of
from chatd.protocol.codec import host_data
from chatd.protocol.errors import Refused
from chatd.protocol.hostdata import to_json
from chatd.protocol.identifiers import Address
from chatd.protocol.limits import PAGE_BYTES_MAX
from chatd.protocol.users import Bio, CardFields, Page, Theme

Verified = Annotated[str, Meta(max_length=32)]

# Of `data` in a reply to a phone: packet, users, card, page, data.
DATA_LEVEL = 5


class HostPage(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A page as a whole; an empty one removes it."""

    cover: Address = ""
    theme: Theme | UnsetType = UNSET
    bio: Bio = ""
    fields: CardFields = []
    data: Raw | UnsetType = UNSET


def packed_page(asked: HostPage | None) -> bytes | None:
    """Return a page as it is stored; None for none. Raises Refused with its field."""
    if asked is None:
        return None
    try:
        data = UNSET if asked.data is UNSET else host_data(asked.data, True, DATA_LEVEL, PAGE_BYTES_MAX)
    except Refused as refused:
        raise Refused(refused.code, refused.message, field="page.data") from refused
    page = Page(cover=asked.cover, theme=asked.theme, bio=asked.bio, fields=asked.fields, data=data)
    return packed(normal_page(page, "page."))


def shown_page(card: Card) -> Page | UnsetType:
    """Return the page for JSON."""
    page = page_of(card)
    if page is None or page.data is UNSET:
        return page or UNSET
    return Page(page.cover, page.theme, page.bio, page.fields, to_json(page.data))
