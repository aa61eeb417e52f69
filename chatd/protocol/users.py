"""Cards of users, and devices (protocol.md "Rooms and members" and "Cards")."""

from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Raw, Struct, UnsetType, field

from chatd.protocol.envelope import Ok, Push, Request
from chatd.protocol.identifiers import U53, Address, Device, Handle, Milliseconds, NewHandle
from chatd.protocol.limits import (
    BIO_MAX,
    CARD_FIELDS_MAX,
    CIRCLES_MAX,
    LABEL_MAX,
    LINE_MAX,
    MEMBERS_CHANGED_MAX,
    NAME_MAX,
    THEME_COLORS_MAX,
)
from chatd.protocol.members import Users
from chatd.protocol.privacy import To

Name = Annotated[str, Meta(max_length=NAME_MAX)]
Bio = Annotated[str, Meta(max_length=BIO_MAX)]
Color = Annotated[str, Meta(pattern=r"^#[0-9A-Fa-f]{6}\Z")]


UserKind = Literal["person", "bot", "official"]


class Theme(Struct, omit_defaults=True, frozen=True):
    """The look of a card; an app knows what its names mean."""

    name: Annotated[str, Meta(max_length=LABEL_MAX)] = ""
    colors: Annotated[list[Color], Meta(max_length=THEME_COLORS_MAX)] = []


class CardField(Struct, omit_defaults=True, frozen=True):
    """One line of a card. `to`: who sees it; absent: whoever sees the page."""

    name: Annotated[str, Meta(min_length=1, max_length=LABEL_MAX)]
    value: Annotated[str, Meta(max_length=LINE_MAX)]
    to: To | UnsetType = UNSET


CardFields = Annotated[list[CardField], Meta(max_length=CARD_FIELDS_MAX)]


class Page(Struct, omit_defaults=True, frozen=True):
    """The part of a card that its user shows to an audience; the rest is the plate."""

    cover: str = ""
    theme: Theme | UnsetType = UNSET
    bio: str = ""
    fields: list[CardField] = []
    data: Any = UNSET


class Profile(Struct, omit_defaults=True, gc=False):
    """The card of a user as it is shown to another; `version` rises when it changes.

    `common`: groups of both. It is in no cycle, and a first round has thousands, so nothing collects it.
    """

    user: str
    name: str = ""
    avatar: str = ""
    version: U53 = 0
    handle: str = ""
    verified: str = ""
    kind: UserKind = "person"
    page: Page | UnsetType = UNSET
    common: list[str] | UnsetType = UNSET


class ProfileVersion(Struct):
    user: str
    version: U53


class DeviceRow(Struct, omit_defaults=True):
    device: str
    app: str | UnsetType = UNSET
    os: str | UnsetType = UNSET
    last_seen: Milliseconds = 0


class ProfileSet(Request, tag="profile.set", frozen=True, kw_only=True):
    """Change the own card; an empty text, list or theme, and `data` null, remove what is there."""

    name: Name | UnsetType = UNSET
    avatar: Address | UnsetType = UNSET
    handle: NewHandle | UnsetType = UNSET
    cover: Address | UnsetType = UNSET
    theme: Theme | UnsetType = UNSET
    bio: Bio | UnsetType = UNSET
    fields: CardFields | UnsetType = UNSET
    data: Raw | UnsetType = UNSET


Relation = Literal["stranger", "friend"]
Viewpoint = Relation | Annotated[int, Meta(ge=1, le=CIRCLES_MAX)]


class UsersGet(Request, tag="users.get", frozen=True, kw_only=True):
    """Exactly one of `users`, `since` and `more`. `versions`: parallel to `users`."""

    users: Users | UnsetType = UNSET
    versions: Annotated[list[U53], Meta(max_length=MEMBERS_CHANGED_MAX)] | UnsetType = UNSET
    since: U53 | UnsetType = UNSET
    more: str | UnsetType = UNSET
    page: bool = False
    viewpoint: Viewpoint | UnsetType = field(default=UNSET, name="as")


class UsersFind(Request, tag="users.find", frozen=True, kw_only=True):
    handle: Handle


class DevicesList(Request, tag="devices.list", frozen=True, kw_only=True):
    pass


class DevicesRemove(Request, tag="devices.remove", frozen=True, kw_only=True):
    device: Device


class ProfileOk(Ok, tag="ok", kw_only=True):
    profile: Profile


class UsersOk(Ok, tag="ok", kw_only=True):
    """`more`, or on the last page `stamp`, of a round by `since`."""

    users: list[Profile]
    more: str | UnsetType = UNSET
    stamp: U53 | UnsetType = UNSET


class DevicesOk(Ok, tag="ok", kw_only=True):
    devices: list[DeviceRow]


class ProfilesPush(Push, tag="profiles"):
    users: list[ProfileVersion]
