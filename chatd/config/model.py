"""Every limit of the daemon: its name, unit, default, bounds, and the reason for its value.

Frozen structs, one a section, `Config` on top.
"""

from typing import Annotated, Literal

from msgspec import Meta

from chatd.config.api import Api
from chatd.config.bots import Bots
from chatd.config.console import Console
from chatd.config.events import Events
from chatd.config.groups import Cards, Channels, Discovery, Groups, Search
from chatd.config.hooks import Egress, Hooks
from chatd.config.listen import Listen
from chatd.config.media import Media
from chatd.config.moderation import Moderation
from chatd.config.people import People
from chatd.config.push import Push
from chatd.config.rates import Rates
from chatd.config.secret import Secret
from chatd.config.section import Section, span, text
from chatd.config.web import Web


def several(value: str | tuple[str, ...]) -> tuple[str, ...]:
    """Return the texts of a key that takes one or a list of them; none where it is empty."""
    return tuple(filter(None, (value,) if isinstance(value, str) else value))


class Storage(Section, frozen=True):
    """The database, and the times for which its parts are kept."""

    directory: Annotated[
        str, text("Directory of chatd.sqlite, made at the first start, readable by its owner only.")
    ] = "./chatd-data"
    readers: Annotated[
        int, span(1, 16, "Read-only connections, a thread each. Two: a long history delays no other read.")
    ] = 2
    edit_window_s: Annotated[
        int,
        span(0, 10 * 365 * 86400, "Seconds for an author to edit: a day is enough to correct."),
    ] = 86400
    recall_window_s: Annotated[
        int, span(0, 10 * 365 * 86400, "Seconds for an author to recall; an admin and the host always may.")
    ] = 86400
    retain_s: Annotated[
        int, span(0, 100 * 366 * 86400, "Seconds messages are kept; 0 for ever. A group may say less.")
    ] = 0
    operations_kept_days: Annotated[
        int,
        span(1, 3650, "Days operations (edit, recall, reaction) are kept; later clients read messages anew."),
    ] = 30
    operations_kept: Annotated[
        int,
        span(100, 10_000_000, "Operations kept a room, whatever their age: bounds the log of a busy room."),
    ] = 10_000
    room_idle_s: Annotated[
        float, span(1, 86400, "Seconds unused until a room leaves memory; one read brings it back.")
    ] = 600.0
    members_in_memory: Annotated[
        int,
        span(1000, 1_000_000_000, "Members of rooms in memory, checked once a minute: 400 bytes each."),
    ] = 2_000_000
    min_free_bytes: Annotated[
        int, span(0, 1 << 50, "Bytes of free disk below which writes stop; leaves space for the WAL.")
    ] = 64 << 20


class Key(Section, frozen=True):
    """One key that signs the tokens of the host app."""

    kid: Annotated[
        str, Meta(min_length=1, max_length=128, description="Key id, compared exactly with the token's.")
    ]
    algorithm: Annotated[
        Literal["EdDSA", "ES256", "RS256"], text("EdDSA, ES256 or RS256; a key is for one only.")
    ]
    file: Annotated[str, Meta(min_length=1, description="PEM file with the public key.")]


class Auth(Section, frozen=True):
    """The issuers and keys of accepted tokens (protocol.md "auth, token_expiring")."""

    audience: Annotated[
        str, Meta(min_length=1, max_length=256, description="Value the claim `aud` must contain.")
    ] = "chatd"
    issuer: Annotated[str, text('Value `iss` must equal; "" = not checked.')] = ""
    secret: Annotated[
        Secret, text("Shared HS256 secret, 32 bytes or more (RFC 7518, 3.2). Better in secret_file.")
    ] = Secret("")
    secret_file: Annotated[str, text("File that holds `secret`; readable by its owner only.")] = ""
    keys: Annotated[tuple[Key, ...], text("Public keys of the host app: {kid, algorithm, file}.")] = ()
    jwks_file: Annotated[str, text("JSON Web Key Set in a file (RFC 7517).")] = ""
    jwks_url: Annotated[str, text("JSON Web Key Set behind https; plain http only on loopback.")] = ""
    jwks_refresh_s: Annotated[
        float, span(60, 7 * 86400, "Seconds between refreshes of jwks_url; keys are announced days ahead.")
    ] = 3600.0
    jwks_retry_s: Annotated[
        float, span(1, 3600, "Least seconds between fetches for unknown key ids: forgers cause no flood.")
    ] = 60.0
    token_lifetime_max_s: Annotated[
        int, span(60, 30 * 86400, "Longest token lifetime, seconds. A day bounds the use of a stolen token.")
    ] = 86400
    leeway_s: Annotated[int, span(0, 300, "Clock difference tolerated, seconds. NTP stays well below.")] = 30
    grace_s: Annotated[
        float, span(0, 600, "Seconds a connection still works after its token expired: a tunnel.")
    ] = 30.0
    accounts: Annotated[
        bool, text("Built-in accounts and POST /v1/login; in use when there is a `secret` to sign with.")
    ] = True
    login_token_ttl_s: Annotated[
        int, span(60, 30 * 86400, "Lifetime of tokens from /v1/login, seconds. An hour, renewed in place.")
    ] = 3600


class Limits(Section, frozen=True):
    """The sizes and counts allowed to a client, address or room (protocol.md "Size limits" and "Thresholds")."""

    frame_bytes: Annotated[
        int, span(1024, 1 << 20, "Bytes of a client frame. 64 KiB carry a whole batch of sends.")
    ] = 65536
    hello_frame_bytes: Annotated[
        int,
        span(
            8192,
            65536,
            "Bytes of a frame before authentication: a 4 KiB token, and what clients send behind.",
        ),
    ] = 8192
    server_frame_bytes: Annotated[
        int,
        span(65536, 524288, "Bytes of a server frame, inflated. iOS refuses above 1 MiB, and reconnects."),
    ] = 262144
    body_bytes: Annotated[
        int,
        span(256, 262144, "Bytes of a message body as MessagePack. Ten pages of text; files go elsewhere."),
    ] = 16384
    batch: Annotated[int, span(1, 1024, "Packets in a batch: a phone's outbox after a tunnel.")] = 64
    in_flight: Annotated[
        int, span(1, 1024, "Unanswered requests a connection; beyond it the server stops reading.")
    ] = 32
    focus: Annotated[int, span(1, 64, "Rooms a connection may focus: what fits on a tablet.")] = 8
    watch: Annotated[int, span(1, 5000, "Users watched for presence: a contact list on screen.")] = 200
    page: Annotated[int, span(10, 1000, "Items a page: 200 of 1 KiB stay below a server frame.")] = 200
    group_members: Annotated[
        int, span(2, 1_000_000, "Members of a group; the fan-out to 10,000 is one batch of some 20 ms.")
    ] = 10_000
    rooms_per_user: Annotated[
        int,
        span(10, 100_000, "Rooms that others may add a user to; their own joins may be half as many more."),
    ] = 2000
    hello_timeout_s: Annotated[
        float, span(0.1, 120, "Seconds from the handshake to hello; a phone sends it at once.")
    ] = 10.0
    connections: Annotated[
        int, span(1, 10_000_000, "Connections altogether; at 6 to 10 KiB each 100,000 take about 1 GiB.")
    ] = 100_000
    connections_per_user: Annotated[int, span(1, 1000, "Devices of one user connected at once.")] = 10
    connections_per_address: Annotated[
        int, span(1, 1_000_000, "Connections an address: carriers put thousands of phones behind one.")
    ] = 1000
    unauthenticated: Annotated[
        int, span(1, 1_000_000, "Connections before hello altogether: at 8 KiB each a flood holds 8 MiB.")
    ] = 1000
    unauthenticated_per_address: Annotated[
        int,
        span(1, 100_000, "Connections before hello from one address: a burst of phones behind one router."),
    ] = 20
    hellos_under_way: Annotated[
        int,
        span(1, 100_000, "Hellos carried out at once, each with a few reads; others wait, or return."),
    ] = 64
    fragments: Annotated[int, span(1, 4096, "Fragments of a message; honest clients send one.")] = 64


class Delivery(Section, frozen=True):
    """The recipients and intervals of pushes (protocol.md "Levels" and "Thresholds")."""

    full_members: Annotated[
        int,
        span(
            2, 1_000_000, "Members up to which all events are pushed; larger rooms would keep phones awake."
        ),
    ] = 500
    large_members: Annotated[
        int, span(2, 1_000_000, "Members above which joins are not logged and reactions are summarised.")
    ] = 1000
    receipts_members: Annotated[
        int, span(2, 10_000, "Members up to which receipts are pushed; their number is quadratic.")
    ] = 100
    delivered_members: Annotated[
        int, span(2, 10_000, "Members up to which delivered marks are kept; a write each.")
    ] = 32
    typing_members: Annotated[
        int, span(2, 10_000, "Members up to which typing is relayed; more is noise.")
    ] = 200
    head_interval_s: Annotated[
        float, span(0.05, 60, "Seconds between heads of a room; a badge needs no more.")
    ] = 1.0
    receipts_interval_s: Annotated[
        float, span(0.05, 60, "Seconds in which receipts of a room are collected; they may lag.")
    ] = 1.0
    presence_interval_s: Annotated[
        float, span(0.05, 60, "Seconds in which presence changes are collected; they may lag.")
    ] = 2.0
    presence_linger_s: Annotated[
        float, span(0, 600, "Seconds online after the last connection: covers a reconnect.")
    ] = 30.0
    members_interval_s: Annotated[
        float, span(0.05, 600, "Seconds between member counts of a large room; an older count does no harm.")
    ] = 30.0
    reactions_interval_s: Annotated[
        float, span(0.05, 60, "Seconds between summaries of one message's reactions in a large room.")
    ] = 1.0
    deflate_min_bytes: Annotated[
        int, span(64, 1 << 20, "Bytes from which a frame is deflated; below it little is saved.")
    ] = 1024


class Privacy(Section, frozen=True):
    """The visibility of users to each other, besides their messages (protocol.md "Who is shown what of whom")."""

    shown_to: Annotated[
        Literal["known", "members", "nobody"],
        text(
            "Viewers of presence, last seen, receipts. known: users of a shared group, or a direct chat of both."
        ),
    ] = "known"


class Outbox(Section, frozen=True):
    """The bytes and times allowed to a slow connection (protocol.md "Slow connections")."""

    ephemeral_bytes: Annotated[
        int, span(1024, 1 << 24, "Bytes waiting above which typing, presence and receipts are dropped.")
    ] = 65536
    lag_bytes: Annotated[
        int, span(1024, 1 << 26, "Bytes waiting above which events become heads: one server frame.")
    ] = 262144
    close_bytes: Annotated[
        int, span(1024, 1 << 28, "Bytes waiting above which the connection closes; bounds the worst memory.")
    ] = 1048576
    stall_s: Annotated[
        float, span(0.1, 600, "Seconds in which the socket accepts no byte, until it is closed.")
    ] = 30.0


class Heartbeat(Section, frozen=True):
    """The times of pings and of their answers (protocol.md "ping, pong")."""

    foreground_s: Annotated[
        int, span(15, 290, "Seconds of silence until a ping; proxies forget a connection after 60.")
    ] = 30
    background_s: Annotated[
        int, span(15, 290, "The same in background; carrier NAT forgets after 270, and pings cost battery.")
    ] = 240
    answer_foreground_s: Annotated[
        float, span(0.1, 120, "Seconds for the answer to a ping; a bad cell needs 10.")
    ] = 15.0
    answer_background_s: Annotated[
        float, span(0.1, 120, "The same in background; a sleeping radio wakes slowly.")
    ] = 30.0


class Drain(Section, frozen=True):
    """The end of the daemon."""

    pre_stop_s: Annotated[
        float, span(0, 300, "Seconds of 503 from /readyz before closing: two polls of a load balancer.")
    ] = 0.0
    spread_min_s: Annotated[float, span(0, 3600, "Least seconds over which reconnects are spread.")] = 5.0
    reconnects_per_s: Annotated[
        float,
        span(1, 1e6, "Reconnects a second to the next daemon; a handshake costs 0.2 ms, a hello more."),
    ] = 500.0
    window_s: Annotated[
        float,
        span(0, 300, "Seconds over which the closes are spread: 100,000 at once would stall the loop."),
    ] = 2.0
    deadline_s: Annotated[
        float, span(0.1, 600, "Seconds until the exit no longer waits; systemd kills after 90.")
    ] = 15.0


class Log(Section, frozen=True):
    """The level and the form of log lines."""

    level: Annotated[
        Literal["debug", "info", "warning", "error"], text("The lowest level of a line that is written.")
    ] = "info"
    format: Annotated[
        Literal["auto", "text", "json"], text("text, json, or auto: text on a terminal, else json.")
    ] = "auto"


class Config(Section, frozen=True):
    """The whole configuration; `Config()` is that of `chatd serve` without file, environment or flags."""

    listen: Listen = Listen()
    storage: Storage = Storage()
    auth: Auth = Auth()
    limits: Limits = Limits()
    rates: Rates = Rates()
    delivery: Delivery = Delivery()
    privacy: Privacy = Privacy()
    people: People = People()
    groups: Groups = Groups()
    channels: Channels = Channels()
    discovery: Discovery = Discovery()
    search: Search = Search()
    cards: Cards = Cards()
    bots: Bots = Bots()
    moderation: Moderation = Moderation()
    outbox: Outbox = Outbox()
    heartbeat: Heartbeat = Heartbeat()
    drain: Drain = Drain()
    web: Web = Web()
    api: Api = Api()
    events: Events = Events()
    hooks: Hooks = Hooks()
    push: Push = Push()
    media: Media = Media()
    egress: Egress = Egress()
    log: Log = Log()
    console: Console = Console()
