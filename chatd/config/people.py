"""The settings of people: friends, requests, and the bounds of privacy."""

from collections.abc import Mapping
from typing import Annotated, Literal

from chatd.config.section import Section, span, text

Audience = Literal["everyone", "followers", "acquaintances", "friends", "nobody"]
Capability = Literal["knock", "write", "add", "call", "presence", "receipts", "page", "find"]


class Bounds(Section, frozen=True):
    """The audiences of one capability; "" is what protocol.md "Privacy" gives."""

    default: Audience | Literal[""] = ""
    widest: Audience | Literal[""] = ""
    narrowest: Audience | Literal[""] = ""


class People(Section, frozen=True):
    """Friends, blocks, circles, privacy and cards (protocol.md "People"). Off: everybody may write to everybody."""

    enabled: Annotated[bool, text("Switches people on, for clients that know the feature word `people`.")] = (
        False
    )
    host_owns: Annotated[
        tuple[Literal["friends", "follows", "blocks", "profiles"], ...],
        text(
            "Kinds that only the back end of the host app changes; requests of clients are `not_supported`."
        ),
    ] = ()
    unknown_users: Annotated[
        Literal["allow", "refuse"],
        text(
            "Requests to ids that were never seen here. allow: a user may be asked before they first connect."
        ),
    ] = "allow"
    friends_max: Annotated[
        int, span(10, 100_000, "Friends of one user: a first sync of 10,000 is about ten pages.")
    ] = 10_000
    requests_max: Annotated[
        int, span(1, 1000, "Friend requests of one user that wait for an answer; more is advertising.")
    ] = 100
    inbox_max: Annotated[
        int, span(1, 5000, "Friend requests to one user that wait: what a person reads before they expire.")
    ] = 500
    request_days: Annotated[int, span(1, 365, "Days until a friend request expires: a long holiday.")] = 30
    quiet_days: Annotated[
        int,
        span(
            1,
            30,
            "Days in which a refused user asks in vain; each further time lasts twice as long, up to 90.",
        ),
    ] = 7
    request_texts: Annotated[
        int, span(1, 20, "Texts of a stranger before an answer: enough to say who one is.")
    ] = 3
    message_requests_max: Annotated[
        int, span(1, 2000, "Message requests of one user that wait: what a person looks through.")
    ] = 200
    small_group_members: Annotated[
        int, span(2, 500, "Members up to which a shared group makes acquaintances; a crowd does not.")
    ] = 200
    privacy: Annotated[
        Mapping[Capability, Bounds],
        text(
            "By capability: the audience before a user chooses, and the widest and narrowest they may choose."
        ),
    ] = {}
