"""Contacts, friendship and circles (protocol.md "People")."""

from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType, msgpack

from chatd.protocol.envelope import Ok, Request
from chatd.protocol.identifiers import U53, Milliseconds, User
from chatd.protocol.limits import CIRCLES_MAX

ContactState = Literal["none", "sent", "received", "friend"]
Note = Annotated[str, Meta(max_length=200)]
Via = Annotated[str, Meta(max_length=32)]
Remark = Annotated[str, Meta(max_length=64)]
CircleNumber = Annotated[int, Meta(ge=1, le=CIRCLES_MAX)]
CircleName = Annotated[str, Meta(min_length=1, max_length=64)]


class ContactRow(Struct, omit_defaults=True, kw_only=True):
    """Another user as the owner of the contact has them.

    As the value of an account row it is without `user` and `stamp`, which the row has. With these alone there is
    nothing to keep of that user.
    """

    user: str = ""
    stamp: U53 = 0
    state: ContactState = "none"
    since: Milliseconds | UnsetType = UNSET
    expires_at: Milliseconds | UnsetType = UNSET
    note: str | UnsetType = UNSET
    via: str | UnsetType = UNSET
    remark: str | UnsetType = UNSET
    circles: list[U53] | UnsetType = UNSET
    following: bool = False
    blocked: bool = False


class StateOfRow(Struct):
    """The part of a contact that says whether the other user has one, too."""

    state: ContactState = "none"


state_of = msgpack.Decoder(StateOfRow).decode


class Circle(Struct, omit_defaults=True):
    """A circle of its owner. `since`: a contact with a lower `stamp` belongs to an earlier circle of this number."""

    number: U53
    name: str
    since: U53


class ContactRequest(Request, frozen=True, kw_only=True):
    """The base of requests about another user. `seen`: the `stamp` of the contact that the client acted on."""

    user: User
    seen: U53 | UnsetType = UNSET


class FriendRequest(ContactRequest, tag="friend.request", frozen=True, kw_only=True):
    note: Note = ""
    via: Via = ""


class FriendAccept(ContactRequest, tag="friend.accept", frozen=True, kw_only=True):
    pass


class FriendDecline(ContactRequest, tag="friend.decline", frozen=True, kw_only=True):
    pass


class FriendCancel(ContactRequest, tag="friend.cancel", frozen=True, kw_only=True):
    pass


class FriendRemove(ContactRequest, tag="friend.remove", frozen=True, kw_only=True):
    pass


class ContactSet(ContactRequest, tag="contact.set", frozen=True, kw_only=True):
    remark: Remark | UnsetType = UNSET
    circles: Annotated[list[CircleNumber], Meta(max_length=CIRCLES_MAX)] | UnsetType = UNSET
    following: bool | UnsetType = UNSET
    blocked: bool | UnsetType = UNSET


class CircleSet(Request, tag="circle.set", frozen=True, kw_only=True):
    number: CircleNumber | UnsetType = UNSET
    name: CircleName


class CircleDelete(Request, tag="circle.delete", frozen=True, kw_only=True):
    number: CircleNumber


class ContactOk(Ok, tag="ok", kw_only=True):
    contact: ContactRow
    duplicate: bool = False


class CircleOk(Ok, tag="ok", kw_only=True):
    circle: Circle
    duplicate: bool = False
