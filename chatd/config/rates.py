"""The rates allowed to clients."""

from typing import Annotated

from chatd.config.section import Section, span, text


class Rates(Section, frozen=True):
    """The rates allowed to a client (protocol.md "Rates"): token buckets, refilled evenly."""

    enabled: Annotated[
        bool, text("Off only for load tests: without limits one client can slow all others.")
    ] = True
    requests_per_s: Annotated[
        float, span(0.01, 1e6, "Requests a second and connection; scrolling fast takes 5.")
    ] = 20.0
    requests_burst: Annotated[int, span(1, 1_000_000, "Requests at once: opening the app takes some 30.")] = (
        60
    )
    bytes_per_s: Annotated[
        float,
        span(1024, 1e9, "Bytes a second and connection, 256 a packet besides; 5 full messages take 80 KiB."),
    ] = 131_072.0
    bytes_burst: Annotated[int, span(1024, 1 << 30, "Bytes at once; a user has twice of both.")] = 524_288
    writes_per_s: Annotated[float, span(0.01, 1e6, "Writes a second and user: faster than typing.")] = 5.0
    writes_burst: Annotated[int, span(1, 1_000_000, "Writes at once: an outbox filled offline.")] = 20
    room_per_s: Annotated[float, span(0.01, 1e6, "Writes a second and room; more cannot be read.")] = 20.0
    room_burst: Annotated[int, span(1, 1_000_000, "Writes at once in a room: everybody after a goal.")] = 60
    hello_user_per_min: Annotated[
        int, span(1, 1_000_000, "Hellos a minute and user: ten devices, or one on a bad train.")
    ] = 10
    hello_address_per_min: Annotated[
        int, span(1, 1_000_000, "Hellos a minute and address: an office after an outage.")
    ] = 60
    login_user_per_min: Annotated[
        int,
        span(1, 1_000_000, "Logins a minute and account, from any address: bounds a botnet."),
    ] = 10
    login_address_per_min: Annotated[
        int, span(1, 1_000_000, "Logins a minute and address; a password costs 40 ms and 19 MiB.")
    ] = 10
    lookups_per_day: Annotated[
        int,
        span(
            100,
            1_000_000,
            "Profiles of strangers a day and user: enough to search; 1,000 accounts copy 100 million in 200 days.",
        ),
    ] = 500
    stored_bytes_per_day: Annotated[
        int,
        span(1 << 20, 1 << 50, "Bytes on disk a day and user: 80,000 messages, or 2,000 of the longest."),
    ] = 32 << 20
    rooms_per_day: Annotated[int, span(1, 1_000_000, "Rooms a user makes a day, direct ones too.")] = 200
    added_per_day: Annotated[
        int, span(100, 1_000_000, "Users that a user adds to rooms a day: ten groups of a hundred.")
    ] = 1000
    uploads_per_min: Annotated[
        int, span(1, 10_000, "Uploads a user begins in a minute: albums, ten pictures at a time.")
    ] = 60
    searches_per_s: Annotated[
        float,
        span(0.01, 1e6, "Searches a second and user, five times as many at once: typing in a search box."),
    ] = 2.0
    invites_per_min: Annotated[
        int, span(1, 1_000_000, "Invites that a user looks at or uses in a minute: nobody guesses one.")
    ] = 20
    joins_per_hour: Annotated[
        int, span(1, 1_000_000, "Groups that a user joins or asks to join in an hour.")
    ] = 20
    forwards_per_min: Annotated[
        int, span(1, 1_000_000, "Messages that a user forwards in a minute: one selection.")
    ] = 100
    people_per_min: Annotated[
        int,
        span(1, 1_000_000, "Changes of contacts, circles, privacy, card a minute and user: sorting friends."),
    ] = 30
    friend_requests_per_day: Annotated[
        int, span(1, 1_000_000, "Users that a user asks to be friends a day; more is advertising.")
    ] = 20
    strangers_per_day: Annotated[
        int, span(1, 1_000_000, "Strangers that a user writes to first a day; more is advertising.")
    ] = 10
    finds_per_day: Annotated[
        int, span(1, 1_000_000, "Handles that a user looks up a day: typing errors included.")
    ] = 100
    direct_rooms_per_day: Annotated[
        int,
        span(
            1,
            1_000_000,
            "New direct rooms a day and user, with moderation.enabled; a new account a fifth. More is advertising.",
        ),
    ] = 50
    mentions_per_min: Annotated[
        int,
        span(1, 1_000_000, "Mentions a minute and user, with moderation.enabled: a message full of them."),
    ] = 60
    abuse_refusals: Annotated[
        int,
        span(1, 1_000_000, "Frames in the window that ignore retry_after, until the connection is closed."),
    ] = 50
    abuse_window_s: Annotated[float, span(1, 3600, "The window of abuse_refusals, seconds.")] = 60.0
    abuse_grace_s: Annotated[float, span(0, 60, "Seconds for a refusal to reach the client.")] = 2.0
