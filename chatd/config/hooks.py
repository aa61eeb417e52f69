"""The settings of webhooks, and of requests to addresses outside."""

from typing import Annotated, Literal

from msgspec import Meta

from chatd.config.section import Section, span, text

Word = Literal["message", "edit", "room", "member", "friend", "profile"]
Url = Annotated[str, Meta(min_length=1, max_length=2048)]
Path = Annotated[str, Meta(min_length=1)]


class Endpoint(Section, frozen=True):
    """One receiver of events. `types`, `rooms`: those it is sent, all when empty. `reads`: read positions, too.

    A type is one of docs/events.md, or the word before its dot. A room is its id, or the beginning of it.
    """

    name: Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_-]{0,31}\Z")]
    url: Url
    secret_file: Path
    types: tuple[str, ...] = ()
    rooms: tuple[str, ...] = ()
    reads: bool = False


class BeforeHook(Section, frozen=True):
    """One judge of what is about to be stored. `on`: the words it is asked about. `batch`: most items of a POST."""

    on: Annotated[tuple[Word, ...], Meta(min_length=1)]
    url: Url
    secret_file: Path
    # Below the 10 s in which a client asks again.
    deadline_ms: Annotated[int, Meta(ge=50, le=5000)] = 800
    fail: Literal["open", "closed"] = "open"
    batch: Annotated[int, Meta(ge=1, le=64)] = 64


class Hooks(Section, frozen=True):
    """POSTs to the back end of the host app (docs/webhooks.md)."""

    endpoints: Annotated[
        tuple[Endpoint, ...],
        Meta(
            max_length=16,
            description="Receivers of events, up to 16: name, url, secret_file; types, rooms, reads say of which.",
        ),
    ] = ()
    before: Annotated[
        tuple[BeforeHook, ...],
        text(
            "Judges of what is stored: on is message, edit, room, member, friend, profile; "
            "deadline_ms 50 to 5000 (800); fail open (what is not judged is stored) or closed; batch 1 to 64 items."
        ),
    ] = ()
    pending_max: Annotated[
        int,
        span(10, 1_000_000, "Changes that wait to be judged: a burst of seconds; others are `overloaded`."),
    ] = 10_000


class Egress(Section, frozen=True):
    """Requests to addresses that users or the API gave, as hooks of bots: only public ones, and these."""

    allow: Annotated[
        tuple[str, ...],
        text(
            "Private networks that such requests may go to as well, such as 10.20.0.0/16; also without TLS."
        ),
    ] = ()
