"""Privacy: the rules by which a user says who may do what to them (protocol.md "People")."""

from typing import Annotated, Literal

from msgspec import Meta, Struct, msgpack

from chatd.protocol.envelope import Ok, Request
from chatd.protocol.limits import CIRCLES_MAX

To = Literal["everyone", "followers", "acquaintances", "friends", "nobody"]
Capability = Literal["knock", "write", "add", "call", "presence", "receipts", "page", "find"]

Circles = Annotated[tuple[Annotated[int, Meta(ge=1, le=CIRCLES_MAX)], ...], Meta(max_length=CIRCLES_MAX)]


class Audience(Struct, frozen=True, omit_defaults=True):
    """A group of people, as their owner has them: `deny` and `allow` are numbers of circles, and go before `to`."""

    to: To
    allow: Circles = ()
    deny: Circles = ()


Audiences = dict[Capability, Audience]
"""The rules of a user. A capability without one has the audience of the host."""


class Privacy(Struct, frozen=True, omit_defaults=True):
    """The row `privacy` of the section `account`. `locked`: the host has set it, and the user may not."""

    rules: Audiences = {}
    locked: bool = False


decode_privacy = msgpack.Decoder(Privacy).decode


class PrivacySet(Request, tag="privacy.set", frozen=True, kw_only=True):
    rules: Audiences


class PrivacyOk(Ok, tag="ok", kw_only=True):
    privacy: Privacy
