"""Decisions on cards (protocol.md "Cards").

Name, avatar and version of a card are in the account, everything else in a `Card`. Whoever changes one, the user or the
host, does it here: the version rises, and the user's devices get the whole card as one account row. Nobody else's row
changes, so it costs the same however many friends there are.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace

from msgspec import UNSET, structs

from chatd.core.event_feed import changed_account
from chatd.core.friends import require_clients_own
from chatd.core.held_files import card_holders, check_picture, hold
from chatd.core.names import checked
from chatd.core.read_set import ReadSet
from chatd.core.sections import ACCOUNT, ChangedRow
from chatd.core.users import Account
from chatd.core.write_set import WriteSet
from chatd.protocol.codec import decode_page, decode_tree, encode
from chatd.protocol.errors import Refused
from chatd.protocol.limits import BIO_MAX, LABEL_MAX, LINE_MAX, NAME_MAX, PAGE_BYTES_MAX
from chatd.protocol.users import CardField, Page, Profile, ProfileOk, ProfileSet, Theme, UserKind

PROFILE = "profile"


@dataclass(slots=True, frozen=True)
class Card:
    """A record: what the card of a user has besides name, avatar and version. `page`: MessagePack, empty for none.

    It is written with every change of the card, also of those, so that its stamp is that of the last one.
    """

    user: str
    handle: str = ""
    verified: str = ""
    page: bytes = b""


@dataclass(slots=True, frozen=True)
class Holder:
    """The user who has a handle; "" for nobody. Decisions find those of the handles they ask for by handle."""

    user: str


@dataclass(slots=True, frozen=True)
class Cards:
    """Cards by user and holders by handle; unknown ones are left out."""

    cards: dict[str, Card]
    holders: dict[str, Holder]


@dataclass(slots=True, frozen=True)
class CardChange:
    """New values of parts of a card; None leaves one as it is, an empty one removes it."""

    name: str | None = None
    avatar: str | None = None
    handle: str | None = None
    verified: str | None = None
    page: bytes | None = None
    kind: UserKind | None = None


def set_profile(user: str, request: ProfileSet, writes: WriteSet, reads: ReadSet) -> ProfileOk:
    """Change the own card, but not what the host has verified."""
    require_clients_own("profiles", reads)
    account = reads.accounts.get(user) or Account(user, created_at=writes.now)
    card = card_of(user, reads)
    given = {name: getattr(request, name) for name in ("name", "avatar", "handle")}
    change = CardChange(
        **{name: None if value is UNSET else value for name, value in given.items()},
        page=packed(changed_page(page_of(card) or Page(), request)),
    )
    changed, new = apply(change, account, card, reads)
    check_pictures((account, card), (changed, new), (user,), reads)
    if card.verified:
        for name, kept in (("name", account.name == changed.name), ("handle", card.handle == new.handle)):
            if not kept:
                raise Refused("forbidden", f"a verified card keeps its {name}", field=name)
    if (changed, new) != (account, card):
        hold_pictures((account, card), (changed, new), writes, reads)
        changed = put_card(changed, new, writes, reads)
        reads.accounts[user] = changed
        writes.add(changed)
    return ProfileOk(profile=whole(changed, new))


Whole = tuple[Account, Card]
"""A card with what the account has of it."""


def check_pictures(before: Whole, after: Whole, owners: Collection[str], reads: ReadSet) -> None:
    """Refuse new pictures that are files of this server and not one of their owners."""
    if before[0].avatar != after[0].avatar:
        check_picture(after[0].avatar, "avatar", owners, "avatar", reads)
    if cover_of(before[1]) != cover_of(after[1]):
        check_picture(cover_of(after[1]), "cover", owners, "cover", reads)


def hold_pictures(before: Whole, after: Whole, writes: WriteSet, reads: ReadSet) -> None:
    """Let a card hold its pictures, in place of those of before."""
    avatar, cover = card_holders(before[0].user)
    if before[0].avatar != after[0].avatar:
        hold(avatar, after[0].avatar, writes, reads)
    if cover_of(before[1]) != cover_of(after[1]):
        hold(cover, cover_of(after[1]), writes, reads)


def cover_of(card: Card) -> str:
    page = page_of(card)
    return "" if page is None else page.cover


def card_of(user: str, reads: ReadSet) -> Card:
    return reads.records_of(Card).get(user) or Card(user)


def apply(change: CardChange, account: Account, card: Card, reads: ReadSet) -> tuple[Account, Card]:
    """Return account and card with a change, as long as it is allowed to anybody: forms, and handles of others.

    Raises Refused: `bad_request` with its field, `conflict` for a handle that somebody else has.
    """
    if change.name is not None:
        account = replace(account, name=checked(change.name, "name", NAME_MAX))
    if change.avatar is not None:
        account = replace(account, avatar=change.avatar)
    if change.kind is not None:
        account = replace(account, kind=change.kind)
    if change.handle is not None:
        handle = change.handle.lower()
        holder = reads.records_of(Holder).get(handle)
        if handle and holder is not None and holder.user not in ("", card.user):
            raise Refused("conflict", "somebody else has this handle", field="handle")
        card = replace(card, handle=handle)
    if change.verified is not None:
        card = replace(card, verified=checked(change.verified, "verified", LABEL_MAX))
    if change.page is not None:
        card = replace(card, page=change.page)
    return account, card


def put_card(account: Account, card: Card, writes: WriteSet, reads: ReadSet) -> Account:
    """Store a changed card, and tell the devices of its user; return the account with its next version, not stored."""
    account = replace(account, version=account.version + 1)
    before, holders = card_of(card.user, reads), reads.records_of(Holder)
    if before.handle != card.handle:
        holders[before.handle], holders[card.handle] = Holder(""), Holder(card.user)
    reads.records_of(Card)[card.user] = card
    writes.add(card, changed_account(card.user, "profile"))
    row = decode_tree(encode(whole(account, card)))
    del row["user"]
    writes.add(ChangedRow(card.user, ACCOUNT, PROFILE, encode(row)))
    return account


def plate(account: Account, card: Card) -> Profile:
    """Return the part of a card that anybody sees."""
    shown = account.name, account.avatar, account.version, card.handle, card.verified
    return Profile(account.user, *shown, account.kind)


def whole(account: Account, card: Card) -> Profile:
    """Return a card as its own user sees it."""
    profile = plate(account, card)
    profile.page = page_of(card) or UNSET
    return profile


def page_of(card: Card) -> Page | None:
    return decode_page(card.page) if card.page else None


def changed_page(page: Page, request: ProfileSet) -> Page:
    """Return the page with the keys of a request, in normal form."""
    names = [name for name in Page.__struct_fields__ if getattr(request, name) is not UNSET]
    page = structs.replace(page, **{name: getattr(request, name) for name in names})
    return normal_page(page)


def normal_page(page: Page, path: str = "") -> Page:
    """Return a page with its texts in normal form, and without empty parts.

    Raises Refused for texts it may not have; `path`: of the page in the request.
    """
    theme = page.theme
    if theme is not UNSET:
        theme = structs.replace(theme, name=checked(theme.name, f"{path}theme.name", LABEL_MAX))
    return structs.replace(
        page,
        bio=checked(page.bio, f"{path}bio", BIO_MAX, lines=True),
        theme=UNSET if theme == Theme() else theme,
        fields=[normal_field(field, f"{path}fields[{place}]") for place, field in enumerate(page.fields)],
        data=UNSET if page.data is None else page.data,
    )


def normal_field(field: CardField, path: str) -> CardField:
    name = checked(field.name, f"{path}.name", LABEL_MAX)
    value = checked(field.value, f"{path}.value", LINE_MAX, lines=True)
    return structs.replace(field, name=name, value=value)


def packed(page: Page) -> bytes:
    """Return a page as it is stored; Refused("too_large") above PAGE_BYTES_MAX."""
    if page == Page():
        return b""
    packed = encode(page)
    if len(packed) > PAGE_BYTES_MAX:
        raise Refused("too_large", f"a page is at most {PAGE_BYTES_MAX} bytes")
    return packed
